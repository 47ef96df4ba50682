"""A straight line through points that come one by one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """y = level + slope · x."""

    level: float
    slope: float

    def at(self, x: float) -> float:
        return self.level + self.slope * x


class Points:
    """Power sums of points with 0 ≤ x. Memory: nine numbers."""

    def __init__(self) -> None:
        self._x = [0.0] * 5
        self._y = [0.0] * 4

    def add(self, x: float, y: float) -> None:
        power = 1.0
        for n in range(4):
            self._x[n] += power
            self._y[n] += power * y
            power *= x
        self._x[4] += power

    def line(self, length: float) -> Line:
        """The weighted least-squares line through points with x ≤ `length`.

        A point weighs x · (length − x): what comes in periods, as the rounding of 29.97 pictures a second to 25
        does, cancels out, and the periods that the ends cut short hardly count. Fewer than three points within
        the span make a level line through their mean, no points at all zero.
        """
        weighted_x = [length * self._x[n + 1] - self._x[n + 2] for n in range(3)]
        weighted_y = [length * self._y[n + 1] - self._y[n + 2] for n in range(2)]
        spread = weighted_x[0] * weighted_x[2] - weighted_x[1] ** 2
        if weighted_x[0] <= 0 or spread <= 1e-9 * weighted_x[0] ** 2:
            return Line(self._y[0] / self._x[0] if self._x[0] else 0.0, 0.0)
        slope = (weighted_x[0] * weighted_y[1] - weighted_x[1] * weighted_y[0]) / spread
        return Line((weighted_y[0] - slope * weighted_x[1]) / weighted_x[0], slope)
