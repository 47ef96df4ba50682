"""Speech, faces and speaker windows to a partition of the clip into labelled intervals (RealSync §3.1).

Decided frame by frame at 25 fps:

    talking_head  speech, and of the faces in sight one has a mouth that matches it
    voice_over    speech, faces in sight, and no mouth matches
    other         everything else: no speech, or speech with no face in sight
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from schemas.recipe import Labels
from schemas.units import FRAME_RATE, IN_TIME, OffsetMs

TALKING_HEAD, VOICE_OVER, OTHER = LABELS = ("talking_head", "voice_over", "other")
_FRAME_MS = 1000 // FRAME_RATE
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
class SpeakerWindow:
    """How well a face track fits the sound in a window; `offset_ms` positive: the audio is early."""

    track: int
    start_ms: int
    end_ms: int
    probability: float
    offset_ms: OffsetMs = IN_TIME
    confidence: float = 0.0


@dataclass(frozen=True)
class LabelInterval:
    """A labelled part of the clip.

    Attributes:
        probability: mean over the interval's frames of the probability of `label`, 0–1.
        track: the face that speaks (talking_head) or is seen longest (voice_over); None for other.
    """

    start_ms: int
    end_ms: int
    label: str
    probability: float
    track: int | None


@dataclass(frozen=True)
class _Frames:
    """Per frame: probability of each label (3, n), the label's index (n,) and the face concerned (n,)."""

    chances: np.ndarray
    labels: np.ndarray
    faces: np.ndarray


def fuse(
    duration_ms: int,
    speech: Sequence[SpeechSpan],
    tracks: Sequence[FaceSpan],
    windows: Sequence[SpeakerWindow],
    settings: Labels,
) -> list[LabelInterval]:
    """Partition a clip into labelled intervals.

    A face's match at a frame is the mean of its windows there, or its nearest window where none covers the
    frame. A face that was never scored counts as out of sight: nothing can be said of its mouth. Probabilities:
    of talking_head the best match p among the faces in sight, of voice_over 1 − p, of other 1 where there is no
    speech or no face. Intervals shorter than `settings.min_length` go to a neighbour.

    Returns:
        intervals in order that cover [0, duration_ms) without gap or overlap; empty for a duration of 0.
    """
    count = -(-duration_ms // _FRAME_MS)
    if count <= 0:
        return []
    frames = _decide(count, speech, tracks, windows, settings.min_probability)
    runs = _without_short(_runs(frames), settings.min_length / _FRAME_MS)
    return [_interval(frames, start, end, label, duration_ms) for start, end, (label, _) in runs]


def _decide(
    count: int,
    speech: Sequence[SpeechSpan],
    tracks: Sequence[FaceSpan],
    windows: Sequence[SpeakerWindow],
    min_probability: float,
) -> _Frames:
    spoken = np.zeros(count, bool)
    for span in speech:
        spoken[frame_slice(span.start_ms, span.end_ms, count)] = True
    best, faces = best_match(count, tracks, windows)
    judged = spoken & (faces != _NOBODY)
    chances = np.zeros((3, count))
    chances[0, judged], chances[1, judged], chances[2, ~judged] = best[judged], 1 - best[judged], 1
    labels = np.where(judged, np.where(best >= min_probability, 0, 1), 2)
    return _Frames(chances, labels, np.where(judged, faces, _NOBODY))


def best_match(
    count: int, tracks: Sequence[FaceSpan], windows: Sequence[SpeakerWindow]
) -> tuple[np.ndarray, np.ndarray]:
    """Per frame the best match among the faces in sight.

    Returns:
        probability float (count,), 0 where no scored face is in sight; track int (count,), −1 there.
    """
    best, faces = np.zeros(count), np.full(count, _NOBODY)
    by_track: dict[int, list[SpeakerWindow]] = {}
    for window in windows:
        by_track.setdefault(window.track, []).append(window)
    for track in sorted(tracks, key=lambda span: span.track):
        seen = frame_slice(track.start_ms, track.end_ms, count)
        if track.track not in by_track or seen.start >= seen.stop:
            continue
        match = _match(by_track[track.track], seen)
        better = (match > best[seen]) | (faces[seen] == _NOBODY)
        best[seen] = np.where(better, match, best[seen])
        faces[seen] = np.where(better, track.track, faces[seen])
    return best, faces


def _match(windows: Sequence[SpeakerWindow], seen: slice) -> np.ndarray:
    """Mean probability of the windows over each seen frame; the nearest window's where none is."""
    middles = (np.arange(seen.start, seen.stop) + 0.5) * _FRAME_MS
    starts, ends = (np.array([getattr(w, side) for w in windows])[:, None] for side in ("start_ms", "end_ms"))
    chances = np.array([window.probability for window in windows])
    distance = np.maximum(starts - middles, middles - ends).clip(min=0)
    nearest = distance == distance.min(axis=0)
    return (chances @ nearest) / nearest.sum(axis=0)


def frame_slice(start_ms: int, end_ms: int, count: int) -> slice:
    """The frames whose middle lies in [start_ms, end_ms)."""
    first, last = (-(-(2 * edge - _FRAME_MS) // (2 * _FRAME_MS)) for edge in (start_ms, end_ms))
    return slice(min(max(first, 0), count), min(max(last, 0), count))


_Run = tuple[int, int, tuple[int, int]]
"""First frame, end frame (exclusive), and what it is: the label's index, and the face if it talks."""


def _runs(frames: _Frames) -> list[_Run]:
    talking = np.where(frames.labels == 0, frames.faces, _NOBODY)
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
    return LabelInterval(
        start_ms=start * _FRAME_MS,
        end_ms=min(end * _FRAME_MS, duration_ms),
        label=LABELS[label],
        probability=round(float(frames.chances[label, start:end].mean()), 4),
        track=int(seen[times.argmax()]) if LABELS[label] != OTHER and len(seen) else None,
    )


def span_of_track(row: Mapping) -> FaceSpan:
    """A row of the `faces` table as a span."""
    first = row["start_frame"]
    return FaceSpan(row["track"], first * _FRAME_MS, (first + len(row["boxes"])) * _FRAME_MS)
