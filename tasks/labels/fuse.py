"""Speech, faces and speaker windows to a partition of the clip into labelled intervals (RealSync §3.1).

Decided frame by frame at 25 fps:

    talking_head  speech, and of the faces in sight one has a mouth that matches it
    voice_over    speech, faces in sight, and no mouth matches
    cannot_tell   speech, no mouth that was judged matches, and one in sight could not be judged
    other         everything else: no speech, or speech with no face in sight

While one voice alone has the turn, so has at most one face, and a face is judged by its whole turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from schemas.sections import Labels
from schemas.tables import LABEL_NAMES
from schemas.units import FRAME_MS, IN_TIME, OffsetMs

TALKING_HEAD, VOICE_OVER, CANNOT_TELL, OTHER = LABELS = LABEL_NAMES
_NOBODY = -1


@dataclass(frozen=True)
class SpeechSpan:
    """Speech from `start_ms` to `end_ms` (exclusive)."""

    start_ms: int
    end_ms: int
    score: float = 1.0


@dataclass(frozen=True)
class FaceSpan:
    """A face track on screen from `start_ms` to `end_ms` (exclusive)."""

    track: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class Turn:
    """One voice from `start_ms` to `end_ms` (exclusive)."""

    voice: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class SpeakerWindow:
    """How well a face track fits the sound in a window; `offset_ms` positive: the audio is early.

    `unjudged`: why the window tells nothing, too short for instance; None where it was judged.
    """

    track: int
    start_ms: int
    end_ms: int
    probability: float
    offset_ms: OffsetMs = IN_TIME
    confidence: float = 0.0
    unjudged: str | None = None


@dataclass(frozen=True)
class LabelInterval:
    """A labelled part of the clip.

    Attributes:
        probability: mean over the interval's frames of the probability of `label`, 0–1; None for cannot_tell.
        track: the face that speaks (talking_head) or is seen longest; None for other.
    """

    start_ms: int
    end_ms: int
    label: str
    probability: float | None
    track: int | None


@dataclass(frozen=True)
class _Frames:
    """Per frame: probability of each label (4, n), the label's index (n,) and the face concerned (n,)."""

    chances: np.ndarray
    labels: np.ndarray
    faces: np.ndarray


def fuse(
    duration_ms: int,
    speech: Sequence[SpeechSpan],
    tracks: Sequence[FaceSpan],
    windows: Sequence[SpeakerWindow],
    settings: Labels,
    turns: Sequence[Turn] = (),
) -> list[LabelInterval]:
    """Partition a clip into labelled intervals.

    A face's match at a frame is the mean of its judged windows there, or of its nearest window where none covers
    the frame. A face that was never scored counts as out of sight: nothing can be said of its mouth. Probabilities:
    of talking_head the best match p among the faces in sight, of voice_over 1 − p, of other 1 where there is no
    speech or no face. Intervals shorter than `settings.min_length` go to a neighbour.

    Args:
        turns: who speaks when, where that is known; parts of it in which voices overlap decide nothing.

    Returns:
        intervals in order that cover [0, duration_ms) without gap or overlap; empty for a duration of 0.
    """
    count = -(-duration_ms // FRAME_MS)
    if count <= 0:
        return []
    spoken = np.zeros(count, bool)
    for span in speech:
        spoken[frame_slice(span.start_ms, span.end_ms, count)] = True
    frames = _decide(spoken, best_match(count, tracks, windows, turns), settings.min_probability)
    runs = _without_short(_runs(frames), settings.min_length / FRAME_MS)
    return [_interval(frames, start, end, label, duration_ms) for start, end, (label, _) in runs]


@dataclass(frozen=True)
class BestMatch:
    """Per frame the face in sight that fits the sound best.

    Attributes:
        probability: float (n,), of the best judged face; 0 where none is in sight.
        track: int (n,), that face, else one that was not judged; −1 where no scored face is in sight.
        doubt: bool (n,), whether some face in sight was not judged.
    """

    probability: np.ndarray
    track: np.ndarray
    doubt: np.ndarray


def _decide(spoken: np.ndarray, match: BestMatch, min_probability: float) -> _Frames:
    seen = spoken & (match.track != _NOBODY)
    matched = match.probability >= min_probability
    chances = np.zeros((len(LABELS), len(spoken)))
    chances[LABELS.index(TALKING_HEAD), seen] = match.probability[seen]
    chances[LABELS.index(VOICE_OVER), seen] = 1 - match.probability[seen]
    chances[LABELS.index(OTHER), ~seen] = 1
    label = np.select(
        [~seen, matched, match.doubt],
        [LABELS.index(OTHER), LABELS.index(TALKING_HEAD), LABELS.index(CANNOT_TELL)],
        LABELS.index(VOICE_OVER),
    )
    return _Frames(chances, label, np.where(seen, match.track, _NOBODY))


def best_match(
    count: int,
    tracks: Sequence[FaceSpan],
    windows: Sequence[SpeakerWindow],
    turns: Sequence[Turn] = (),
) -> BestMatch:
    """Of `count` frames the best match among the faces in sight."""
    best, faces, doubt = np.zeros(count), np.full(count, _NOBODY), np.zeros(count, bool)
    by_track: dict[int, list[SpeakerWindow]] = {}
    for window in windows:
        by_track.setdefault(window.track, []).append(window)
    alone = _turns_alone(count, turns)
    for track in sorted(tracks, key=lambda span: span.track):
        seen = frame_slice(track.start_ms, track.end_ms, count)
        if track.track not in by_track or seen.start >= seen.stop:
            continue
        match = _by_turn(_match(by_track[track.track], seen), alone[seen])
        judged = ~np.isnan(match)
        better = judged & (match > best[seen]) | (faces[seen] == _NOBODY)
        best[seen] = np.where(better & judged, match, best[seen])
        faces[seen] = np.where(better, track.track, faces[seen])
        doubt[seen] |= ~judged
    return BestMatch(best, faces, doubt)


def _match(windows: Sequence[SpeakerWindow], seen: slice) -> np.ndarray:
    """Mean probability of the judged among the windows over each seen frame, or nearest to it; NaN if none is."""
    middles = (np.arange(seen.start, seen.stop) + 0.5) * FRAME_MS
    starts, ends = (np.array([getattr(w, side) for w in windows])[:, None] for side in ("start_ms", "end_ms"))
    judged = np.array([window.unjudged is None for window in windows])
    chances = np.where(judged, [window.probability for window in windows], 0)
    distance = np.maximum(starts - middles, middles - ends).clip(min=0)
    nearest = (distance == distance.min(axis=0)) & judged[:, None]
    return np.where(nearest.any(axis=0), (chances @ nearest) / np.maximum(nearest.sum(axis=0), 1), np.nan)


def _turns_alone(count: int, turns: Sequence[Turn]) -> np.ndarray:
    """Number of the turn in which each frame has one voice alone, int (count,); −1 elsewhere."""
    alone, voices = np.full(count, _NOBODY), np.zeros(count, int)
    for number, turn in enumerate(turns):
        here = frame_slice(turn.start_ms, turn.end_ms, count)
        alone[here] = number
        voices[here] += 1
    return np.where(voices == 1, alone, _NOBODY)


def _by_turn(match: np.ndarray, alone: np.ndarray) -> np.ndarray:
    """The match with the mean over each turn in its place, where the face was judged in that turn."""
    pooled = match.copy()
    for number in np.unique(alone[alone != _NOBODY]):
        here = alone == number
        if not np.isnan(match[here]).all():
            pooled[here] = np.nanmean(match[here])
    return pooled


def frame_slice(start_ms: int, end_ms: int, count: int) -> slice:
    """The frames whose middle lies in [start_ms, end_ms)."""
    first, last = (-(-(2 * edge - FRAME_MS) // (2 * FRAME_MS)) for edge in (start_ms, end_ms))
    return slice(min(max(first, 0), count), min(max(last, 0), count))


_Run = tuple[int, int, tuple[int, int]]
"""First frame, end frame (exclusive), and what it is: the label's index, and the face if it talks."""


def _runs(frames: _Frames) -> list[_Run]:
    talking = np.where(frames.labels == LABELS.index(TALKING_HEAD), frames.faces, _NOBODY)
    changes = np.flatnonzero((np.diff(frames.labels) != 0) | (np.diff(talking) != 0)) + 1
    edges = [0, *changes.tolist(), len(frames.labels)]
    return [(start, end, (int(frames.labels[start]), int(talking[start]))) for start, end in pairwise(edges)]


def _without_short(runs: list[_Run], min_frames: float) -> list[_Run]:
    """Give the shortest run to its longer neighbour until none is too short; equal neighbours become one."""
    runs = list(runs)
    while len(runs) > 1:
        at = min(range(len(runs)), key=lambda n: runs[n][1] - runs[n][0])
        if runs[at][1] - runs[at][0] >= min_frames:
            break
        left, right = (runs[n] if 0 <= n < len(runs) else (0, 0, None) for n in (at - 1, at + 1))
        kind = left[2] if left[1] - left[0] >= right[1] - right[0] else right[2]
        runs[at] = (runs[at][0], runs[at][1], kind)
        runs = _joined(runs)
    return runs


def _joined(runs: list[_Run]) -> list[_Run]:
    joined: list[_Run] = []
    for start, end, kind in runs:
        if joined and joined[-1][2] == kind:
            joined[-1] = (joined[-1][0], end, kind)
        else:
            joined.append((start, end, kind))
    return joined


def _interval(frames: _Frames, start: int, end: int, label: int, duration_ms: int) -> LabelInterval:
    here = frames.faces[start:end][frames.labels[start:end] == label]
    seen, times = np.unique(here[here != _NOBODY], return_counts=True)
    chance = round(float(frames.chances[label, start:end].mean()), 4)
    return LabelInterval(
        start_ms=start * FRAME_MS,
        end_ms=min(end * FRAME_MS, duration_ms),
        label=LABELS[label],
        probability=None if LABELS[label] == CANNOT_TELL else chance,
        track=int(seen[times.argmax()]) if LABELS[label] != OTHER and len(seen) else None,
    )


def span_of_track(row: Mapping) -> FaceSpan:
    """A row of the `faces` table as a span."""
    first = row["start_frame"]
    return FaceSpan(row["track"], first * FRAME_MS, (first + len(row["boxes"])) * FRAME_MS)
