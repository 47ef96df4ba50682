"""Brightness, change, black and frozen frames of pictures that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Motion
from tasks.motion.measure import Measured, Second, measure
from tests.motion.drawing import card, living, still, texture, within_bars

RULES = Motion()
SHAPE = (36, 64)


def plain(level: int, frames: int) -> np.ndarray:
    return np.full((frames, *SHAPE), level, np.uint8)


def scene(frames: int, step_px: int = 0) -> np.ndarray:
    """A textured picture, moved to the left by so many px from frame to frame."""
    texture = np.random.default_rng(1).integers(60, 200, SHAPE).astype(np.uint8)
    return np.stack([np.roll(texture, -step_px * n, axis=1) for n in range(frames)])


def test_a_still_picture_is_frozen_from_its_second_frame_on() -> None:
    first, second = measure([scene(50)], RULES).seconds
    assert (first.frozen_frames, second.frozen_frames) == (24, 25)
    assert first.changed == second.changed == 0
    assert first.black_frames == 0
    assert first.luma == pytest.approx(scene(1).mean(), abs=0.06)


def test_black_is_black_though_a_corner_shines() -> None:
    frames = plain(8, 30)
    frames[:, :4, :9] = 250  # 1.6 % of the picture
    assert [second.black_frames for second in measure([frames], RULES).seconds] == [25, 5]
    frames[:, :5, :10] = 250  # 2.2 %
    assert [second.black_frames for second in measure([frames], RULES).seconds] == [0, 0]


def test_a_flash_changes_everything_twice() -> None:
    frames = plain(10, 25)
    frames[12] = 240
    assert measure([frames], RULES).seconds == [Second(19.2, 2 / 25, 24, 22, bright=10.0)]


def test_a_moving_picture_changes_and_is_never_frozen() -> None:
    seconds = measure([scene(75, 2)], RULES).seconds
    assert all(second.changed > 0.5 and second.frozen_frames == 0 for second in seconds)


def test_noise_is_no_change_and_no_standstill() -> None:
    noise = np.random.default_rng(2).integers(-3, 4, (25, *SHAPE))
    (second,) = measure([(scene(25) + noise).astype(np.uint8)], RULES).seconds
    assert (second.changed, second.frozen_frames) == (0, 0)


def test_no_frames_are_no_seconds() -> None:
    assert measure([], RULES) == Measured([], None)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(1, 20)), min_size=1, max_size=8),
    st.integers(1, 40),
)
def test_every_frame_is_counted_once_whatever_the_batches(scenes: list[tuple[int, int]], batch: int) -> None:
    frames = np.concatenate([plain(level, length) for level, length in scenes])
    measured = measure([frames], RULES)
    assert measure([frames[n : n + batch] for n in range(0, len(frames), batch)], RULES) == measured
    whole = measured.seconds
    assert len(whole) == -(-len(frames) // 25)
    levels = frames[:, 0, 0].astype(int)
    assert sum(second.black_frames for second in whole) == int((levels <= RULES.max_black).sum())
    assert sum(second.frozen_frames for second in whole) == int((np.diff(levels) == 0).sum())
    sizes = [len(levels[n : n + 25]) for n in range(0, len(levels), 25)]
    changes = sum(second.changed * size for second, size in zip(whole, sizes, strict=True))
    assert changes == pytest.approx(int((np.abs(np.diff(levels)) > RULES.min_change).sum()), abs=0.01)
    for second, size in zip(whole, sizes, strict=True):
        assert 0 <= second.luma <= 255 and 0 <= second.changed <= 1
        assert max(second.black_frames, second.frozen_frames) <= size


def test_the_living_change_from_second_to_second_and_photographs_do_not() -> None:
    assert [second.unlike for second in measure([still(75, texture(1), 4.0, 0.02)], RULES).seconds] == [
        0,
        0,
        0,
    ]
    first, *later = measure([living(75)], RULES).seconds
    assert first.unlike == 0
    assert all(second.unlike > 0.02 for second in later)


def test_a_card_counts_while_it_stands() -> None:
    shown = np.concatenate(
        (living(40), still(75, card(("The Long Way Home", "a film in three parts")), 1.0), living(35))
    )
    counts = [second.card_frames for second in measure([shown], RULES).seconds]
    assert counts == [0, 0, 25, 25, 25, 0]  # shown from 1.6 s to 4.6 s


@pytest.mark.parametrize("size", [(152, 256), (100, 100)])
def test_a_slide_with_a_moving_presenter_beside_it_is_no_card(size: tuple[int, int]) -> None:
    slide = card(("Results of this year", "- more clips agree", "- fewer errors"), 245, 30, 0.4)
    frames, presenter = np.repeat(slide[None], 75, axis=0), living(75, 3, size)
    frames[:, -size[1] :, -size[0] :] = presenter
    assert all(second.card_frames == 0 for second in measure([frames], RULES).seconds)


def test_a_card_for_a_moment_is_none() -> None:
    frames = living(75)
    frames[20:30] = card(("The Long Way Home", "a film in three parts"))
    assert all(second.card_frames == 0 for second in measure([frames], RULES).seconds)


def test_bars_are_measured_at_the_clips_own_size() -> None:
    assert measure([within_bars(living(50), (0, 31, 456, 225))], RULES).active_box == (0, 31, 456, 225)
