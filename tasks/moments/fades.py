"""Fades and dissolves, in which a picture changes and nothing moves.

What fades goes from one picture to another along a straight line, everywhere at once; what moves leaves a place
all of a sudden and enters another. A fade that ends in another picture parts two shots, as a cut does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np

from tasks.moments.cuts import difference

CHANGE = 10
"""Levels of luma, 0–255, by which a pixel must change to have changed."""

FADING = 0.9
"""A picture belongs to a fade from so large a share of what changes on. Fades have 0.91 to 1, and talk, music and
sport rarely 0.8."""

_HALF_SPAN, _LONGEST_SPAN = Fraction(1, 5), Fraction(1)
"""Seconds on either side of a picture that it is compared with; over more than the longest span, nothing is known."""

_SHORTEST_DISSOLVE_S = Fraction(3, 25)
"""For how long pictures must fade: a thing swung before the lens looks like a fade for two or three pictures."""

_OFF_SHARE, _OFF_LEVELS = 0.25, 2
"""How far from the line a pixel may be: a quarter of its change (fades may ease in and out) and rounding."""


@dataclass(frozen=True)
class _Small:
    """A small picture, uint8: its luma (h, w), and its hue, saturation and lightness (h, w, 3)."""

    time: Fraction
    luma: np.ndarray
    hues: np.ndarray


@dataclass
class Fades:
    """What fades in a source, and where it fades into another picture.

    Attributes:
        threshold: mean change per pixel (0–255, over hue, saturation and lightness) that makes another picture.
        shares: for each picture, in order, the share of what changes around it that changes evenly, 0–1.

    Memory: the small pictures of half a second, and a number per picture.
    """

    threshold: float
    shares: list[float] = field(default_factory=list)
    _around: deque[_Small] = field(default_factory=deque)
    _waiting: int = 0
    _begun: _Small | None = None
    _ended: _Small | None = None
    _since: Fraction = Fraction(0)
    _fading_s: Fraction = Fraction(0)
    _dissolves: list[tuple[float, float]] = field(default_factory=list)

    def add(self, time: Fraction, luma: np.ndarray, hues: np.ndarray) -> None:
        """Take in the next picture; those that lie half a span before it become known."""
        if self._around and self._around[-1].luma.shape != luma.shape:
            self._around.clear()
            self._waiting = 0
        self.shares.append(0.0)
        self._around.append(_Small(time, luma, hues))
        self._waiting += 1
        while time - self._around[-self._waiting].time >= _HALF_SPAN:
            self._judge(len(self._around) - self._waiting)
            self._waiting -= 1

    def dissolves(self) -> list[tuple[float, float]]:
        """Where one picture has faded into another, ascending; (the last stamp of the old, the first of the new)."""
        self._close()
        return self._dissolves

    def _judge(self, place: int) -> None:
        """The picture at that place, between one long enough before it and the latest."""
        middle = self._around[place]
        while place and middle.time - self._around[1].time >= _HALF_SPAN:
            self._around.popleft()
            place -= 1
        before, after = self._around[0], self._around[-1]
        span = after.time - before.time
        if middle.time - before.time < _HALF_SPAN or span > _LONGEST_SPAN:
            self._close()
            return
        along = float((middle.time - before.time) / span)
        share = self.shares[-self._waiting] = _even_share(before.luma, middle.luma, after.luma, along)
        if share < FADING:
            self._close()
            return
        if self._begun is None:
            self._begun, self._since = before, middle.time
        self._ended, self._fading_s = after, middle.time - self._since

    def _close(self) -> None:
        """A fade is over, if there was one."""
        begun, ended = self._begun, self._ended
        lasted = begun is not None and self._fading_s >= _SHORTEST_DISSOLVE_S
        if lasted and difference(begun.hues, ended.hues) >= self.threshold:
            self._dissolves.append((float(begun.time), float(ended.time)))
        self._begun = self._ended = None


def _even_share(before: np.ndarray, luma: np.ndarray, after: np.ndarray, along: float) -> float:
    """The share of the pixels that change from `before` to `after` which are `along` (0–1) the way between them."""
    change = cv2.absdiff(before, after)
    changed = cv2.compare(change, CHANGE, cv2.CMP_GT)
    between = cv2.addWeighted(before, 1 - along, after, along, 0)
    allowed = cv2.convertScaleAbs(change, alpha=_OFF_SHARE, beta=_OFF_LEVELS)
    even = cv2.compare(cv2.absdiff(between, luma), allowed, cv2.CMP_LE)
    return cv2.countNonZero(cv2.bitwise_and(even, changed)) / max(1, cv2.countNonZero(changed))
