"""What moves in a source and where its shots cut, picture by picture, on its presentation clock.

New slides and fades change the picture, and nothing moves. A fade that ends in another picture parts two shots, as a
cut does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from tasks.media.pictures import Shown
from tasks.moments.cuts import Cuts
from tasks.moments.fades import CHANGE, FADING, Fades

LONG_SIDE_PX = 160
"""Pictures are looked at this small: noise averages out, and a mouth that fills a hundredth still counts."""

LEAST_APART = Fraction(3, 100)
"""Seconds between two pictures that are looked at: each one up to 30 a second, every second one at 50 or 60."""

COMPARED_AFTER = Fraction(1, 16)
"""Movement is what changed over at least so many seconds: two pictures at 24, 25 or 30 a second, four at 60."""

_STILL = 0.001
_STEP_S, _STILL_AROUND_S = 0.11, 0.4
"""A change that is over at once, between pictures that stand still, is a new slide or caption: nothing moves."""

_MEAN = Interpolation.AREA | Interpolation.ACCURATE_RND


@dataclass(frozen=True)
class Seen:
    """A source's pictures as far as they tell where to cut.

    Attributes:
        times: float64 (pictures,), stamps in seconds, ascending.
        moved: float32 (pictures,), share of the picture that changed in the 60 to 80 ms before, 0–1; 0 just after
            a cut, and where a slide, a fade or a dissolve is what changed it.
        cuts: (seconds at which the old shot was last looked at, stamp of the new shot's first picture), ascending;
            in between, one may dissolve into the other.
    """

    times: np.ndarray
    moved: np.ndarray
    cuts: tuple[tuple[float, float], ...]


def look_at(pictures: Iterable[Shown], threshold: float) -> Seen:
    """Look at a source's pictures, in order.

    Args:
        threshold: mean change per pixel (0–255, over hue, saturation and lightness) that makes a cut.

    Memory: the small pictures of half a second, and four numbers per picture.
    """
    times: list[float] = []
    moved: list[float] = []
    cuts, fades = Cuts(threshold), Fades(threshold)
    recent: deque[tuple[Fraction, np.ndarray]] = deque()
    small = VideoReformatter()
    for shown in pictures:
        if recent and shown.time - recent[-1][0] < LEAST_APART:
            continue
        colours = _shrunk(shown.frame, small)
        luma = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)
        if recent and recent[-1][1].shape != luma.shape:
            recent.clear()
        hues = cv2.cvtColor(colours, cv2.COLOR_BGR2HSV)
        cuts.add(shown.time, shown.until, hues)
        fades.add(shown.time, luma, hues)
        recent.append((shown.time, luma))
        while len(recent) > 2 and shown.time - recent[1][0] >= COMPARED_AFTER:
            recent.popleft()
        times.append(float(shown.time))
        moved.append(_changed(recent[0][1], luma))
    stamps, shares = np.array(times), np.array(moved, np.float32)
    found = cuts.found()
    for _, start in found:
        shares[(stamps >= start) & (stamps < start + float(COMPARED_AFTER + LEAST_APART))] = 0
    moves = _without_steps(stamps, _without_fades(shares, np.array(fades.shares) >= FADING))
    return Seen(stamps, moves, _in_order([*found, *fades.dissolves()]))


def _in_order(cuts: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Cuts and dissolves, ascending; those that overlap are one."""
    found: list[tuple[float, float]] = []
    for old, new in sorted(cuts):
        if found and old < found[-1][1]:
            found[-1] = found[-1][0], max(new, found[-1][1])
        else:
            found.append((old, new))
    return tuple(found)


def _shrunk(frame: av.VideoFrame, small: VideoReformatter) -> np.ndarray:
    """uint8 (h, w, 3) BGR, 0–255, of the frame's own proportions."""
    shrink = LONG_SIDE_PX / max(frame.width, frame.height)
    width, height = (max(2, 2 * round(side * shrink / 2)) for side in (frame.width, frame.height))
    return small.reformat(frame, width, height, "bgr24", interpolation=_MEAN, threads=1).to_ndarray()


def _changed(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the pixels that differ by more than `CHANGE` levels, 0–1."""
    return cv2.countNonZero(cv2.compare(cv2.absdiff(before, after), CHANGE, cv2.CMP_GT)) / before.size


def _without_fades(moved: np.ndarray, fading: np.ndarray) -> np.ndarray:
    """What fades does not move; nor does what else changes where mostly something fades: its first and last bit."""
    left = np.where(fading, 0, moved)
    for start, stop in zip(*_runs(moved), strict=True):
        if 2 * np.count_nonzero(fading[start:stop]) >= stop - start:
            left[start:stop] = 0
    return left


def _runs(moved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of pictures with movement begin, and the first picture after each."""
    moving = np.concatenate([[False], moved > _STILL, [False]])
    return np.flatnonzero(moving[1:] & ~moving[:-1]), np.flatnonzero(moving[:-1] & ~moving[1:])


def _without_steps(times: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Movement that is over within `_STEP_S`, and stands alone, is none."""
    first, after = _runs(moved)
    begins, ends = times[first], times[after - 1]
    alone = np.diff(begins, append=np.inf) - (ends - begins) > _STILL_AROUND_S
    alone &= np.diff(ends, prepend=-np.inf) - (ends - begins) > _STILL_AROUND_S
    left = moved.copy()
    for start, stop in zip(first[alone], after[alone], strict=True):
        if times[stop - 1] - times[start] < _STEP_S:
            left[start:stop] = 0
    return left
