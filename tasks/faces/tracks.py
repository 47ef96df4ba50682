"""Face tracks: boxes of one face through the frames of one shot.

Faces are looked for in every k-th frame and in each shot's first and last; in between, boxes are interpolated.
A face goes on in the box that overlaps its last one most; it may be missing for up to `max_gap`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.units import FRAME_RATE
from tasks.faces.boxes import overlaps
from tasks.faces.detectors import Detector

_SAME_FACE_OVERLAP = 0.3


@dataclass(frozen=True)
class Track:
    """One face through consecutive frames.

    Attributes:
        start_frame: the first frame.
        boxes: float64 (n, 4): x0, y0, x1, y1 in px, one row per frame, rounded to 0.01 px.
        scores: float64 (n,): detector score, 0–1; 0 where the box is interpolated.
    """

    start_frame: int
    boxes: np.ndarray
    scores: np.ndarray

    @property
    def end_frame(self) -> int:
        """Exclusive."""
        return self.start_frame + len(self.boxes)


@dataclass(frozen=True)
class TrackRules:
    """Which tracks are kept; times in ms, sizes in px of the clip.

    Attributes:
        every: faces are looked for in each `every`-th frame.
        max_gap_ms: longest time between two detections of one track beyond the usual step.
        min_track_ms: shortest track.
        min_size_px: smallest median of the boxes' longer side.
    """

    every: int = 3
    max_gap_ms: int = 400
    min_track_ms: int = 600
    min_size_px: int = 24


@dataclass
class _Growing:
    frames: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)


def frames_to_search(shots: Sequence[tuple[int, int]], every: int) -> list[int]:
    """Frame numbers, in order: each shot's first, every `every`-th after it, and its last."""
    wanted = {frame for start, end in shots for frame in (*range(start, end, every), end - 1)}
    return sorted(wanted)


def detect_in(
    batches: Iterable[tuple[int, np.ndarray]], wanted: Sequence[int], detect: Detector
) -> dict[int, np.ndarray]:
    """Run a detector on the wanted frames only.

    Args:
        batches: `(start_frame, frames)` with frames uint8 (n, h, w, 3) RGB, in order.

    Returns:
        frame number to boxes, float32 (k, 5).
    """
    found: dict[int, np.ndarray] = {}
    wanted_frames = np.asarray(wanted, int)
    for start_frame, frames in batches:
        here = wanted_frames[(wanted_frames >= start_frame) & (wanted_frames < start_frame + len(frames))]
        if len(here):
            found.update(zip(here.tolist(), detect(frames[here - start_frame]), strict=True))
    return found


def link(
    detections: Mapping[int, np.ndarray], shots: Sequence[tuple[int, int]], rules: TrackRules
) -> list[Track]:
    """Join detections into tracks.

    Args:
        detections: frame number to boxes (k, 5), for every frame that was searched.
        shots: `(start_frame, end_frame)`; no track crosses their borders.

    Returns:
        tracks by first frame, then from left to right.
    """
    tracks = []
    for start, end in shots:
        searched = sorted(frame for frame in detections if start <= frame < end)
        tracks += [_filled(track) for track in _chains(detections, searched, rules)]
    kept = [track for track in tracks if _wanted(track, rules)]
    return sorted(kept, key=lambda track: (track.start_frame, *track.boxes[0]))


def _chains(detections: Mapping[int, np.ndarray], searched: list[int], rules: TrackRules) -> list[_Growing]:
    longest_step = rules.every + rules.max_gap_ms * FRAME_RATE // 1000
    done: list[_Growing] = []
    growing: list[_Growing] = []
    for frame in searched:
        done += [track for track in growing if frame - track.frames[-1] > longest_step]
        growing = [track for track in growing if frame - track.frames[-1] <= longest_step]
        boxes = detections[frame]
        taken = _pair([track.boxes[-1] for track in growing], boxes)
        for track, box in taken:
            growing[track].frames.append(frame)
            growing[track].boxes.append(boxes[box])
        continued = {box for _, box in taken}
        growing += [_Growing([frame], [box]) for n, box in enumerate(boxes) if n not in continued]
    return done + growing


def _pair(last: list[np.ndarray], boxes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs (track, box), the closest first, each used once."""
    if not last or not len(boxes):
        return []
    closeness = overlaps(np.stack(last), boxes)
    order = np.argsort(-closeness, axis=None, kind="stable")
    pairs: list[tuple[int, int]] = []
    for track, box in zip(*np.unravel_index(order, closeness.shape), strict=True):
        if closeness[track, box] < _SAME_FACE_OVERLAP:
            break
        if all(track != t and box != b for t, b in pairs):
            pairs.append((int(track), int(box)))
    return pairs


def _filled(track: _Growing) -> Track:
    found = np.stack(track.boxes).astype(np.float64)
    frames = np.arange(track.frames[0], track.frames[-1] + 1)
    boxes = np.stack([np.interp(frames, track.frames, found[:, side]) for side in range(4)], axis=1)
    scores = np.zeros(len(frames))
    scores[np.asarray(track.frames) - track.frames[0]] = np.round(found[:, 4], 4)
    return Track(track.frames[0], np.round(boxes, 2), scores)


def _wanted(track: Track, rules: TrackRules) -> bool:
    sides = (track.boxes[:, 2:] - track.boxes[:, :2]).max(axis=1)
    return (
        len(track.boxes) * 1000 >= rules.min_track_ms * FRAME_RATE and np.median(sides) >= rules.min_size_px
    )
