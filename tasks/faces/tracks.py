"""Face tracks: boxes of one face through the frames of one shot.

Faces are looked for in every k-th frame of the clip, wherever its shots begin; in between, boxes are
interpolated, never across a cut. A face that is found in the first or last searched frame of a shot is held to
be there from the shot's beginning or to its end, less than k frames away, with the box that it has there. A face
goes on in the box that overlaps its last one most, or the place that it was on its way to; it may be missing for
up to `max_gap`. Boxes are not smoothed here: who crops by them smooths as its network was taught.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from schemas.units import FRAME_RATE
from tasks.faces.boxes import overlaps
from tasks.faces.detectors import Detector
from tasks.media.frames import FrameBatch

_SAME_FACE_OVERLAP = 0.3
_SAME_FACE_SIZE = 0.7


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

    def expected(self, frame: int) -> np.ndarray:
        """The last box (5,), moved on at the speed that the face had between the last two."""
        last = self.boxes[-1]
        if len(self.boxes) < 2:
            return last
        before, after = _middles(np.stack(self.boxes[-2:]))
        way = (after - before) * (frame - self.frames[-1]) / (self.frames[-1] - self.frames[-2])
        return last + np.concatenate((way, way, [0]))


def detect_in(batches: Iterable[FrameBatch], detect: Detector) -> dict[int, np.ndarray]:
    """Run a detector on all frames of batches in BGR; frame number to boxes, float32 (k, 5)."""
    found: dict[int, np.ndarray] = {}
    for batch in batches:
        found.update(zip(batch.numbers.tolist(), detect(batch.frames), strict=True))
    return found


def link(
    detections: Mapping[int, np.ndarray], shots: Sequence[tuple[int, int]], rules: TrackRules
) -> list[Track]:
    """Join detections into tracks.

    The order of the boxes within a frame changes nothing, and the detections that made it into tracks make the
    same tracks again.

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
        boxes = _from_left_to_right(detections[frame])
        taken = _pair(growing, frame, boxes, rules.every)
        for track, box in taken:
            growing[track].frames.append(frame)
            growing[track].boxes.append(boxes[box])
        continued = {box for _, box in taken}
        growing += [_Growing([frame], [box]) for n, box in enumerate(boxes) if n not in continued]
    return done + growing


def _from_left_to_right(boxes: np.ndarray) -> np.ndarray:
    boxes = np.asarray(boxes, np.float64).reshape(-1, 5)
    return boxes[np.lexsort(boxes.T[::-1])]


def _pair(growing: list[_Growing], frame: int, boxes: np.ndarray, every: int) -> list[tuple[int, int]]:
    """Pairs (track, box), the closest first, each used once."""
    if not growing or not len(boxes):
        return []
    closeness = _closeness(growing, frame, boxes, every)
    order = np.argsort(-closeness, axis=None, kind="stable")
    pairs: list[tuple[int, int]] = []
    for track, box in zip(*np.unravel_index(order, closeness.shape), strict=True):
        if closeness[track, box] <= 0:
            break
        if all(track != t and box != b for t, b in pairs):
            pairs.append((int(track), int(box)))
    return pairs


def _closeness(growing: list[_Growing], frame: int, boxes: np.ndarray, every: int) -> np.ndarray:
    """How well each box (columns) continues each track (rows), 0–1; 0 where it does not.

    Best is a box that overlaps the track's last one, or the place that the face has come to if it moves on as it
    did. A face that moves so fast that nothing overlaps is the box of about its size that lies nearest, less than
    its own length away, if it was seen one step before.
    """
    last = np.stack([track.boxes[-1] for track in growing])
    expected = np.stack([track.expected(frame) for track in growing])
    overlap = np.maximum(overlaps(last, boxes), overlaps(expected, boxes))
    sides, own = _longer_sides(last)[:, None], _longer_sides(boxes)[None]
    similar = np.minimum(sides, own) >= _SAME_FACE_SIZE * np.maximum(sides, own)
    fresh = np.array([frame - track.frames[-1] <= every for track in growing])[:, None]
    way = np.linalg.norm(_middles(expected)[:, None] - _middles(boxes)[None], axis=-1) / np.maximum(
        sides, 1e-9
    )
    nearness = np.where(similar & fresh, np.clip(1 - way, 0, None), 0)
    return np.where(overlap >= _SAME_FACE_OVERLAP, overlap, _SAME_FACE_OVERLAP * nearness)


def _longer_sides(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2:4] - boxes[:, :2]).max(axis=1)


def _middles(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:4]) / 2


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
    long_enough = len(track.boxes) * 1000 >= rules.min_track_ms * FRAME_RATE
    return long_enough and np.median(_longer_sides(track.boxes)) >= rules.min_size_px
