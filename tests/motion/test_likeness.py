"""One picture or another: photographs that flicker, zoom and pan, against scenes in which something moves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.motion.likeness import prepared, unlike
from tests.motion.drawing import living, still, texture

SAME = 0.002


def second_apart(frames: np.ndarray) -> float:
    return unlike(prepared(frames[0]), prepared(frames[25]))


PHOTOGRAPHS = {
    "bare": {},
    "noise of 6 levels": {"noise": 6.0},
    "slow zoom in": {"zoom": 0.01, "noise": 2.0},
    "zoom in": {"zoom": 0.04, "noise": 2.0},
    "zoom out": {"zoom": -0.03, "noise": 2.0},
    "pan": {"pan_px": 14.0, "noise": 2.0},
    "zoom and pan": {"zoom": 0.02, "pan_px": 12.0},
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_photograph_stays_one_picture(name: str, seed: int) -> None:
    assert second_apart(still(26, texture(seed), **PHOTOGRAPHS[name])) <= SAME


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_body_that_moves_makes_another_picture(seed: int) -> None:
    assert second_apart(living(26, seed)) > 0.02


def test_a_body_that_moves_before_a_panned_ground_is_not_panned_away() -> None:
    ground, body = texture(1), texture(2)
    frames = still(26, ground, pan_px=12.0)
    for number, frame in enumerate(frames):
        frame[100:200, 150 + 2 * number : 200 + 2 * number] = body[100:200, 150:200]
    assert second_apart(frames) > 0.02


def test_a_small_head_beside_a_slide_moves() -> None:
    """A head an eighth of the picture high, that nods by 4 px."""
    frames = np.full((26, 256, 456), 240, np.uint8)
    for number, frame in enumerate(frames):
        y = 180 + (4 if number == 25 else 0)
        frame[y : y + 32, 400:428] = texture(4)[:32, :28]
    assert second_apart(frames) > SAME


def test_a_dark_scene_that_moves_is_not_still() -> None:
    assert second_apart(living(26, 1, dark=2, light=45)) > 0.01


def test_a_cut_is_another_picture() -> None:
    assert unlike(prepared(texture(1)), prepared(texture(2))) > 0.3


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 255), st.integers(0, 255))
def test_plain_pictures_differ_by_their_level(one: int, other: int) -> None:
    """No likeness can be aligned where there is nothing to see, and no error comes of it."""
    pictures = [prepared(np.full((64, 96), level, np.uint8)) for level in (one, other)]
    assert unlike(*pictures) == (1.0 if abs(one - other) > 6 else 0.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_share_is_a_share_and_a_picture_like_itself(one: int, other: int) -> None:
    before, after = prepared(texture(one)), prepared(texture(other))
    assert 0 <= unlike(before, after) <= 1
    assert unlike(before, before) == 0
