"""A clip's face tracks and sound to scored windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.units import FRAME_RATE, OffsetMs, frame_to_ms
from tasks.speakers.calibration import Calibration
from tasks.speakers.crops import CROP_SIDE, FaceTrack, crop_tracks
from tasks.speakers.profile import peak, windows_of
from tasks.speakers.scorers import Evidence, Scorer

LEAST_SPEECH = 0.2
_FEWEST_FRAMES = 10


@dataclass(frozen=True)
class ScoredWindow:
    """How well one face fits the sound from `start_ms` to `end_ms` (exclusive).

    Attributes:
        probability: that this face makes the sound.
        offset_ms: where the sync profile is highest; **positive: the audio is early**.
        confidence: height of that peak over the profile's median, in deviations of the profile.
        score: the model's plain score, mean over the window, or None.
        unjudged: why the window tells nothing (`too_short`, `too_little_speech`, `too_still`), whatever its
            probability says; None where it was judged.
        frame_scores: the model's plain score of each frame; empty where it has none.
    """

    track: int
    start_ms: int
    end_ms: int
    probability: float
    offset_ms: OffsetMs
    confidence: float
    score: float | None
    unjudged: str | None = None
    frame_scores: tuple[float, ...] = ()

    @property
    def judged(self) -> bool:
        """Whether the window tells anything."""
        return self.unjudged is None


def spoken_frames(speech: Iterable[tuple[int, int]], frames: int) -> np.ndarray:
    """Whether the middle of each frame lies in one of the `(start_ms, end_ms)`: bool (frames,)."""
    middles = (np.arange(frames) + 0.5) * 1000 / FRAME_RATE
    spoken = np.zeros(frames, bool)
    for start_ms, end_ms in speech:
        spoken |= (middles >= start_ms) & (middles < end_ms)
    return spoken


def evidence_of_clip(
    batches: Iterable[tuple[int, np.ndarray]],
    waveform: np.ndarray,
    tracks: Sequence[FaceTrack],
    spoken: np.ndarray,
    scorer: Scorer,
    window_ms: int,
    hop_ms: int,
    side: int = CROP_SIDE,
) -> Iterator[tuple[int, int, int, Evidence]]:
    """The evidence for every window of every track that has enough speech.

    Args:
        batches: `(start_frame, frames)`, frames uint8 (n, h, w) or (n, h, w, 3), in order; one pass.
        waveform: float32 (N,) at 16 kHz.
        spoken: bool (frames of the clip,).
        side: of the face crops, px.

    Yields:
        track, first frame, end frame (exclusive), evidence.
    """
    length, hop = (max(1, ms * FRAME_RATE // 1000) for ms in (window_ms, hop_ms))
    spans = {track.number: _spoken_windows(track, spoken, length, hop) for track in tracks}
    wanted = [track for track in tracks if spans[track.number]]
    if not wanted:
        return
    listen = scorer(waveform, len(spoken))
    for track, crops in crop_tracks(batches, wanted, side):
        inside = [span for span in spans[track.number] if span[1] <= track.start_frame + len(crops)]
        for (start, end), evidence in zip(inside, listen(crops, track.start_frame, inside), strict=True):
            spoken_here = int(spoken[start:end].sum())
            yield track.number, start, end, replace(evidence, spoken_frames=spoken_here)


def scored(track: int, start: int, end: int, evidence: Evidence, calibrated: Calibration) -> ScoredWindow:
    """Evidence as a probability, an offset and its confidence, and whether it counts."""
    offset_frames, height = peak(evidence.profile)
    plain = evidence.frame_scores
    return ScoredWindow(
        track=track,
        start_ms=frame_to_ms(start),
        end_ms=frame_to_ms(end),
        probability=round(calibrated.probability(evidence.features), 4),
        offset_ms=OffsetMs(round((offset_frames - calibrated.lag_frames) * 1000 / FRAME_RATE)),
        confidence=round(height, 4),
        score=round(float(plain.mean()), 4) if len(plain) else None,
        unjudged=calibrated.limits.broken_by(end - start, evidence.spoken_frames, evidence.grey_levels),
        frame_scores=tuple(np.round(plain.astype(float), 2).tolist()),
    )


def _spoken_windows(track: FaceTrack, spoken: np.ndarray, length: int, hop: int) -> list[tuple[int, int]]:
    end_frame = min(track.end_frame, len(spoken))
    if end_frame - track.start_frame < _FEWEST_FRAMES:
        return []
    windows = windows_of(track.start_frame, end_frame, length, hop)
    return [(start, end) for start, end in windows if spoken[start:end].mean() >= LEAST_SPEECH]
