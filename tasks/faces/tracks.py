"""Face tracks: boxes of one face through the frames of one shot.

Faces are looked for in every k-th frame of the clip, wherever its shots begin; in between, boxes are
interpolated, never across a cut. A face that is found in the first or last searched frame of a shot is held to
be there from the shot's beginning or to its end, less than k frames away, with the box that it has there. A face
goes on in the box that overlaps its last one most; it may be missing for up to `max_gap`.
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
        scores: float64 (n,): detector score, 0–1; 0 where the box is interpolated or held.
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
        every: faces are looked for in the frames 0, `every`, 2 `every` …
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


def detect_in(
    batches: Iterable[tuple[int, np.ndarray]],
    wanted: Sequence[int] | None,
    detect: Detector,
    every: int = 1,
) -> dict[int, np.ndarray]:
    """Run a detector on frames of a clip.

    Args:
        batches: `(start_frame, frames)` with frames uint8 (n, h, w, 3) RGB, in order.
        wanted: numbers of the frames to search; None searches all that come.
        every: distance between the numbers of the frames in a batch.

    Returns:
        frame number to boxes, float32 (k, 5).
    """
    found: dict[int, np.ndarray] = {}
    for start_frame, frames in batches:
        numbers = start_frame + every * np.arange(len(frames))
        here = np.arange(len(frames)) if wanted is None else np.flatnonzero(np.isin(numbers, wanted))
        if len(here):
            found.update(zip(numbers[here].tolist(), detect(frames[here]), strict=True))
    return found


def link(
    detections: Mapping[int, np.ndarray], shots: Sequence[tuple[int, int]], rules: TrackRules
) -> list[Track]:
    """Join detections into tracks.

    Args:
        detections: frame number to boxes (k, 5); frames without faces may be left out.
        shots: `(start_frame, end_frame)`; no track crosses their borders.

    Returns:
        tracks by first frame, then from left to right.
    """
    tracks = []
    for start, end in shots:
        searched = sorted(frame for frame in detections if start <= frame < end)
        chains = _chains(detections, searched, rules)
        tracks += [_filled(track, (start, end), rules.every) for track in chains]
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


def _filled(track: _Growing, shot: tuple[int, int], every: int) -> Track:
    """Boxes for all frames of a track, and on to the shot's edges where no searched frame lies between."""
    found = np.stack(track.boxes).astype(np.float64)
    first, last = track.frames[0], track.frames[-1]
    first = shot[0] if first - shot[0] < every else first
    last = shot[1] - 1 if shot[1] - 1 - last < every else last
    frames = np.arange(first, last + 1)
    boxes = np.stack([np.interp(frames, track.frames, found[:, side]) for side in range(4)], axis=1)
    scores = np.zeros(len(frames))
    scores[np.asarray(track.frames) - first] = np.round(found[:, 4], 4)
    return Track(first, np.round(boxes, 2), scores)


def _wanted(track: Track, rules: TrackRules) -> bool:
    sides = (track.boxes[:, 2:] - track.boxes[:, :2]).max(axis=1)
    return (
        len(track.boxes) * 1000 >= rules.min_track_ms * FRAME_RATE and np.median(sides) >= rules.min_size_px
    )
