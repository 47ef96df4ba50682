"""Cuts, flashes, slides and movement in pictures that are made for it."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from tasks.media.pictures import Shown
from tasks.moments.pictures import look_at


def picture(ground: int, square: int | None = None) -> np.ndarray:
    made = np.full((90, 160, 3), ground, np.uint8)
    if square is not None:
        made[30:60, square % 130 :][:, :30] = 255 - ground
    return made


def looked_at(pictures: list[np.ndarray], rate: int = 25):
    shown = (
        Shown(Fraction(n, rate), n, Fraction(n + 1, rate), av.VideoFrame.from_ndarray(each, format="bgr24"))
        for n, each in enumerate(pictures)
    )
    return look_at(shown, 27.0)


CASES = {
    "one shot that moves": ([picture(40, 4 * n) for n in range(60)], []),
    "a cut": ([picture(40, 4 * n) for n in range(30)] + [picture(160, 4 * n) for n in range(30)], [30]),
    "a flash": ([picture(220 if 30 <= n < 35 else 40, 4 * n) for n in range(60)], []),
    "a flash too long to be one": (
        [picture(220 if 20 <= n < 40 else 40, 4 * n) for n in range(60)],
        [20, 40],
    ),
    "a thing that is swung before the lens": (
        [picture(40 + 35 * max(0, min(n - 28, 5))) for n in range(60)],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_cuts(case: str) -> None:
    pictures, cuts = CASES[case]
    found = looked_at(pictures).cuts
    assert [start for _, start in found] == [number / 25 for number in cuts]
    assert [end for end, _ in found] == [number / 25 for number in cuts]


def test_half_the_pictures_of_a_fast_source_are_looked_at() -> None:
    seen = looked_at([picture(40, n) for n in range(120)], rate=60)
    assert len(seen.times) == 60
    assert seen.moved[10:].min() > 0.01


def test_a_slide_after_a_slide_is_no_movement_and_a_blink_is() -> None:
    slides = [picture(40, 20 if n < 30 else 60) for n in range(60)]
    assert not looked_at(slides).moved.any()
    blink = [picture(40, 20 if n < 30 or n > 35 else 60) for n in range(60)]
    assert looked_at(blink).moved[30:38].max() > 0.05
