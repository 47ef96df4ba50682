"""Cards and what looks a little like them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.motion.cards import is_card
from tests.motion.drawing import caption, card, texture, within_bars

TITLE = ("The Long Way Home", "a film in three parts")
SLIDE = (
    "Results of the second year",
    "- more than half of the clips agree",
    "- fewer errors in every class",
    "- the rest is left to people",
    "Questions and remarks",
)


def ramp() -> np.ndarray:
    """A ground that grows lighter downwards, as title cards have."""
    levels = np.linspace(30, 90, 256).astype(np.uint8)
    plain = np.repeat(levels[:, None], 456, axis=1)
    return np.maximum(plain, card(TITLE, 0))


CARDS = {
    "title, light on dark": card(TITLE),
    "title, dark on light": card(TITLE, 235, 20),
    "title on a graded ground": ramp(),
    "slide": card(SLIDE, 245, 30, 0.55),
    "small print": card(SLIDE * 2, 20, 220, 0.4),
    "capitals": card(("BREAKING NEWS", "MORE TO FOLLOW"), 60, 240, 0.9),
    "slide within bars": within_bars(card(SLIDE, 245, 30, 0.6)[None], (57, 0, 399, 256))[0],
}

OTHERS = {
    "photograph": texture(1),
    "photograph with a caption": caption(texture(2)[None], "PARIS, SOME YEARS LATER", 220)[0],
    "lower third in a studio": caption(texture(3)[None], "Anna Meyer, correspondent", 225, ground=30)[0],
    "plain": np.full((256, 456), 120, np.uint8),
    "black": np.zeros((256, 456), np.uint8),
    "coloured bars": np.repeat(np.linspace(235, 16, 8).astype(np.uint8), 57)[None].repeat(256, axis=0),
}


@pytest.mark.parametrize("name", CARDS)
def test_a_card_is_one(name: str) -> None:
    assert is_card(CARDS[name])


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_none(name: str) -> None:
    assert not is_card(OTHERS[name])


@pytest.mark.parametrize("shape", ["circles", "squares", "scattered marks", "grid"])
def test_shapes_on_a_plain_ground_are_no_writing(shape: str) -> None:
    picture = np.full((256, 456), 230, np.uint8)
    generator = np.random.default_rng(4)
    if shape == "grid":
        picture[::32] = picture[:, ::32] = 40
    for _ in range(0 if shape == "grid" else 25):
        x, y, size = (
            int(generator.integers(20, 430)),
            int(generator.integers(20, 230)),
            int(generator.integers(4, 22)),
        )
        if shape == "circles":
            cv2.circle(picture, (x, y), size, 40, 2, cv2.LINE_AA)
        elif shape == "squares":
            cv2.rectangle(picture, (x, y), (x + size, y + size), 40, cv2.FILLED)
        else:
            cv2.line(picture, (x, y), (x + size - 12, y + size), 40, 2, cv2.LINE_AA)
    assert not is_card(picture)


@pytest.mark.parametrize("size", [(2, 2), (8, 8), (256, 9), (9, 256)])
def test_a_picture_of_any_size_is_judged(size: tuple[int, int]) -> None:
    assert not is_card(np.zeros(size, np.uint8))
