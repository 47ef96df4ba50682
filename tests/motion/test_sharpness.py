"""Sharp and blurred, bright and dark pictures, drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Motion
from tasks.motion.measure import measure
from tasks.motion.sharpness import brightness, sharpness
from tests.motion.drawing import living, within_bars


def shapes(dark: int = 40, light: int = 200) -> np.ndarray:
    """A plain ground with bodies before it, whose edges are one pixel wide: (256, 456)."""
    picture = np.full((256, 456), dark, np.uint8)
    for number in range(9):
        middle = (50 * number + 30, 60 + 37 * (number % 4))
        cv2.ellipse(
            picture, middle, (24, 18 + 4 * number), 20 * number, 0, 360, light - 5 * number, cv2.FILLED
        )
    return picture


def test_the_wider_the_blur_the_less_sharp() -> None:
    found = [sharpness(shapes())]
    found += [sharpness(cv2.GaussianBlur(shapes(), (0, 0), width)) for width in (0.7, 1, 1.5, 2, 3, 4)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(1, abs=0.01)
    # The steepest step across an edge blurred by a normal distribution is its density's crest.
    assert found[4] == pytest.approx(1 / (2 * (2 * np.pi) ** 0.5), abs=0.03)
    assert found[4] < 0.31 < found[2]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(160, 255), st.floats(0.6, 3))
def test_contrast_does_not_matter(dark: int, light: int, width: float) -> None:
    plain, other = (
        sharpness(cv2.GaussianBlur(picture, (0, 0), width)) for picture in (shapes(), shapes(dark, light))
    )
    assert other == pytest.approx(plain, abs=0.06)


@pytest.mark.parametrize("times", [1.5, 2, 4])
def test_a_larger_copy_is_as_sharp(times: float) -> None:
    soft = cv2.GaussianBlur(shapes(), (0, 0), 1.5)
    large = cv2.resize(soft, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    assert sharpness(large) == pytest.approx(sharpness(soft), abs=0.05)


@pytest.mark.parametrize("picture", [np.full((256, 456), 90, np.uint8), np.zeros((8, 300), np.uint8)])
def test_a_plain_ground_tells_nothing(picture: np.ndarray) -> None:
    assert sharpness(picture) is None


def test_bars_do_not_make_a_blurred_picture_sharp() -> None:
    soft = np.stack([cv2.GaussianBlur(frame, (0, 0), 4) for frame in living(75)])
    barred = within_bars(soft, (0, 31, 456, 225))
    assert sharpness(barred[0]) > 0.31
    inside = [second.sharpness for second in measure([barred], Motion()).seconds]
    assert max(inside) < 0.31


def test_two_per_cent_decide_how_bright_it_is() -> None:
    picture = np.full((100, 100), 12, np.uint8)
    assert brightness(picture) == 12
    picture[:1] = 250
    assert brightness(picture) == 12
    picture[:3] = 250
    assert brightness(picture) == 250
