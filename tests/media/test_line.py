"""Lines through stamps: exact where points lie on one, deaf to the rounding of one rate to another."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.media.cut import slot
from tasks.media.line import Line, Points


@given(st.floats(-1, 1), st.floats(-0.01, 0.01), st.integers(4, 400))
def test_points_on_a_line_give_that_line(level: float, slope: float, count: int) -> None:
    points = Points()
    for n in range(count):
        points.add(n / 25, level + slope * n / 25)
    found = points.line(count / 25)
    assert found.level == pytest.approx(level, abs=1e-6)
    assert found.slope == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize(
    "rate",
    [Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(30), Fraction(50), Fraction(60_000, 1001)],
)
def test_rounding_to_frames_is_no_drift(rate: Fraction) -> None:
    points = Points()
    for n in range(round(300 * rate)):
        frame = slot(n / rate, 0)
        points.add(frame / 25, float(n / rate - Fraction(frame, 25)))
    found = points.line(300)
    assert abs(found.slope) * 1000 * 3600 < 1
    assert abs(found.at(300) - found.at(0)) < 0.0001


def test_few_points() -> None:
    points = Points()
    assert points.line(3) == Line(0, 0)
    points.add(1, 5)
    assert points.line(3) == Line(5, 0)
