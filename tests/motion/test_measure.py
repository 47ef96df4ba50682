"""Brightness, change, black and frozen frames of pictures that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.recipe import Motion
from tasks.motion.measure import Second, measure

RULES = Motion()
SHAPE = (36, 64)


def plain(level: int, frames: int) -> np.ndarray:
    return np.full((frames, *SHAPE), level, np.uint8)


def scene(frames: int, step_px: int = 0) -> np.ndarray:
    """A textured picture, moved to the left by so many px from frame to frame."""
    texture = np.random.default_rng(1).integers(60, 200, SHAPE).astype(np.uint8)
    return np.stack([np.roll(texture, -step_px * n, axis=1) for n in range(frames)])


def test_a_still_picture_is_frozen_from_its_second_frame_on() -> None:
    first, second = measure([scene(50)], RULES)
    assert (first.frozen_frames, second.frozen_frames) == (24, 25)
    assert first.changed == second.changed == 0
    assert first.black_frames == 0
    assert first.luma == pytest.approx(scene(1).mean(), abs=0.06)


def test_black_is_black_though_a_corner_shines() -> None:
    frames = plain(8, 30)
    frames[:, :4, :9] = 250  # 1.6 % of the picture
    assert [second.black_frames for second in measure([frames], RULES)] == [25, 5]
    frames[:, :5, :10] = 250  # 2.2 %
    assert [second.black_frames for second in measure([frames], RULES)] == [0, 0]


def test_a_flash_changes_everything_twice() -> None:
    frames = plain(10, 25)
    frames[12] = 240
    assert measure([frames], RULES) == [Second(19.2, 2 / 25, 24, 22)]


def test_a_moving_picture_changes_and_is_never_frozen() -> None:
    seconds = measure([scene(75, 2)], RULES)
    assert all(second.changed > 0.5 and second.frozen_frames == 0 for second in seconds)


def test_noise_is_no_change_and_no_standstill() -> None:
    noise = np.random.default_rng(2).integers(-3, 4, (25, *SHAPE))
    (second,) = measure([(scene(25) + noise).astype(np.uint8)], RULES)
    assert (second.changed, second.frozen_frames) == (0, 0)


def test_no_frames_are_no_seconds() -> None:
    assert measure([], RULES) == []


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(1, 20)), min_size=1, max_size=8),
    st.integers(1, 40),
)
def test_every_frame_is_counted_once_whatever_the_batches(scenes: list[tuple[int, int]], batch: int) -> None:
    frames = np.concatenate([plain(level, length) for level, length in scenes])
    whole = measure([frames], RULES)
    assert measure([frames[n : n + batch] for n in range(0, len(frames), batch)], RULES) == whole
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
