"""What moves in a source and where its shots cut, picture by picture, on its presentation clock.

A cut is where hue, saturation and lightness jump, by the measure that the stage `shots` uses on clips. A flash
jumps too, but what was there before it comes back, and so it is none; nor is a thing that is swung before the lens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

import av
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter

from tasks.media.pictures import Shown

LONG_SIDE_PX = 160
"""Pictures are looked at this small: noise averages out, and a mouth that fills a hundredth still counts."""

LEAST_APART = Fraction(3, 100)
"""Seconds between two pictures that are looked at: each one up to 30 a second, every second one at 50 or 60."""

COMPARED_AFTER = Fraction(1, 16)
"""Movement is what changed over at least so many seconds: two pictures at 24, 25 or 30 a second, four at 60."""

LONGEST_FLASH = Fraction(2, 5)
"""Seconds within which the picture before a flash comes back."""

_AROUND, _TIMES_AROUND = 2, 2.0
"""A jump is a cut if it is twice what the two pictures on either side differ: a thing swung before the lens makes
several jumps in a row."""

_STILL = 0.001
_STEP_S, _STILL_AROUND_S = 0.11, 0.4
"""A change that is over at once, between pictures that stand still, is a new slide or caption: nothing moves."""

_MEAN = Interpolation.AREA | Interpolation.ACCURATE_RND
_CHANGE = 10
"""Levels of luma, 0–255, by which a pixel must change to have moved."""


@dataclass(frozen=True)
class Seen:
    """A source's pictures as far as they tell where to cut.

    Attributes:
        times: float64 (pictures,), stamps in seconds, ascending.
        moved: float32 (pictures,), share of the picture that changed in the 60 to 80 ms before, 0–1; 0 just after
            a cut.
        cuts: (seconds at which the old shot was last looked at, stamp of the new shot's first picture).
    """

    times: np.ndarray
    moved: np.ndarray
    cuts: tuple[tuple[float, float], ...]


def look_at(pictures: Iterable[Shown], threshold: float) -> Seen:
    """Look at a source's pictures, in order.

    Args:
        threshold: mean change per pixel (0–255, over hue, saturation and lightness) that makes a cut.

    Memory: the small pictures of a tenth of a second, and two numbers per picture.
    """
    times: list[float] = []
    moved: list[float] = []
    cuts = _Cuts(threshold)
    recent: deque[tuple[Fraction, np.ndarray]] = deque()
    small = VideoReformatter()
    for shown in pictures:
        if recent and shown.time - recent[-1][0] < LEAST_APART:
            continue
        colours = _shrunk(shown.frame, small)
        luma = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)
        if recent and recent[-1][1].shape != luma.shape:
            recent.clear()
        cuts.add(shown.time, shown.until, cv2.cvtColor(colours, cv2.COLOR_BGR2HSV))
        recent.append((shown.time, luma))
        while len(recent) > 2 and shown.time - recent[1][0] >= COMPARED_AFTER:
            recent.popleft()
        times.append(float(shown.time))
        moved.append(_changed(recent[0][1], luma))
    stamps, shares = np.array(times), np.array(moved, np.float32)
    found = cuts.found()
    for _, start in found:
        shares[(stamps >= start) & (stamps < start + float(COMPARED_AFTER + LEAST_APART))] = 0
    return Seen(stamps, _without_steps(stamps, shares), found)


def _shrunk(frame: av.VideoFrame, small: VideoReformatter) -> np.ndarray:
    """uint8 (h, w, 3) BGR, 0–255, of the frame's own proportions."""
    shrink = LONG_SIDE_PX / max(frame.width, frame.height)
    width, height = (max(2, 2 * round(side * shrink / 2)) for side in (frame.width, frame.height))
    return small.reformat(frame, width, height, "bgr24", interpolation=_MEAN, threads=1).to_ndarray()


def _changed(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the pixels that differ by more than `_CHANGE` levels, 0–1."""
    return cv2.countNonZero(cv2.compare(cv2.absdiff(before, after), _CHANGE, cv2.CMP_GT)) / before.size


def _without_steps(times: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Movement that is over within `_STEP_S`, and stands alone, is none."""
    moving = np.concatenate([[False], moved > _STILL, [False]])
    first, after = np.flatnonzero(moving[1:] & ~moving[:-1]), np.flatnonzero(moving[:-1] & ~moving[1:])
    begins, ends = times[first], times[after - 1]
    alone = np.diff(begins, append=np.inf) - (ends - begins) > _STILL_AROUND_S
    alone &= np.diff(ends, prepend=-np.inf) - (ends - begins) > _STILL_AROUND_S
    left = moved.copy()
    for start, stop in zip(first[alone], after[alone], strict=True):
        if times[stop - 1] - times[start] < _STEP_S:
            left[start:stop] = 0
    return left


def _difference(before: np.ndarray, after: np.ndarray) -> float:
    """Mean change per pixel over hue, saturation and lightness, 0–255; of two sizes, all of it."""
    if before.shape != after.shape:
        return 255.0
    return float(np.mean(cv2.mean(cv2.absdiff(before, after))[:3]))


@dataclass
class _Cuts:
    """Jumps found so far, by number of picture, and how much every picture differs from the one before."""

    threshold: float
    jumps: list[tuple[int, float, float]] = field(default_factory=list)
    differences: list[float] = field(default_factory=list)
    _latest: np.ndarray | None = None
    _until: Fraction = Fraction(0)
    _before: np.ndarray | None = None
    _jumped_at: Fraction = Fraction(0)
    _known: int = 0

    def add(self, time: Fraction, until: Fraction, picture: np.ndarray) -> None:
        """Take in the next picture, HSV, seen from `time` to `until`."""
        difference = 0.0 if self._latest is None else _difference(self._latest, picture)
        if self._before is not None and time - self._jumped_at > LONGEST_FLASH:
            self._before = None
        if self._before is not None and _difference(self._before, picture) < self.threshold / 2:
            # What was there before is back: all that jumped in between was a flash.
            del self.jumps[self._known :]
            self._before = None
        elif difference >= self.threshold:
            if self._before is None:
                self._before, self._jumped_at, self._known = self._latest, time, len(self.jumps)
            self.jumps.append((len(self.differences), float(self._until), float(time)))
        self.differences.append(difference)
        self._latest, self._until = picture, until

    def found(self) -> tuple[tuple[float, float], ...]:
        """Cuts: jumps that stand out of what moves around them."""
        return tuple((until, time) for number, until, time in self.jumps if self._stands_out(number))

    def _stands_out(self, number: int) -> bool:
        around = self.differences[max(1, number - _AROUND) : number + _AROUND + 1]
        others = (sum(around) - self.differences[number]) / max(1, len(around) - 1)
        return self.differences[number] >= _TIMES_AROUND * others
