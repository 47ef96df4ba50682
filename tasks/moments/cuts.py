"""Where shots cut.

A cut is where hue, saturation and lightness jump, by the measure that the stage `shots` uses on clips. A flash
jumps too, but what was there before it comes back, and so it is none; nor is a thing that is swung before the lens.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np

LONGEST_FLASH = Fraction(2, 5)
"""Seconds within which the picture before a flash comes back."""

_AROUND, _TIMES_AROUND = 2, 2.0
"""A jump is a cut if it is twice what the two pictures on either side differ: a thing swung before the lens makes
several jumps in a row."""


def difference(before: np.ndarray, after: np.ndarray) -> float:
    """Mean change per pixel over hue, saturation and lightness, 0–255; of two sizes, all of it."""
    if before.shape != after.shape:
        return 255.0
    return float(np.mean(cv2.mean(cv2.absdiff(before, after))[:3]))


@dataclass
class Cuts:
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
        change = 0.0 if self._latest is None else difference(self._latest, picture)
        if self._before is not None and time - self._jumped_at > LONGEST_FLASH:
            self._before = None
        if self._before is not None and difference(self._before, picture) < self.threshold / 2:
            # What was there before is back: all that jumped in between was a flash.
            del self.jumps[self._known :]
            self._before = None
        elif change >= self.threshold:
            if self._before is None:
                self._before, self._jumped_at, self._known = self._latest, time, len(self.jumps)
            self.jumps.append((len(self.differences), float(self._until), float(time)))
        self.differences.append(change)
        self._latest, self._until = picture, until

    def found(self) -> tuple[tuple[float, float], ...]:
        """Cuts: jumps that stand out of what moves around them."""
        return tuple((until, time) for number, until, time in self.jumps if self._stands_out(number))

    def _stands_out(self, number: int) -> bool:
        around = self.differences[max(1, number - _AROUND) : number + _AROUND + 1]
        others = (sum(around) - self.differences[number]) / max(1, len(around) - 1)
        return self.differences[number] >= _TIMES_AROUND * others
