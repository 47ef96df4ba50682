"""Shots on pictures whose cuts are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.shots.content import find_shots


def noise(seed: int, frames: int, level: int) -> np.ndarray:
    """Frames of one scene: the same picture with a little noise."""
    random = np.random.default_rng(seed)
    scene = random.integers(level, level + 60, (36, 64, 3))
    return np.clip(scene + random.integers(-3, 4, (frames, 36, 64, 3)), 0, 255).astype(np.uint8)


def batches(frames: np.ndarray, size: int):
    return [frames[start : start + size] for start in range(0, len(frames), size)]


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_cuts_are_found_to_the_frame_whatever_the_batches(size):
    frames = np.concatenate((noise(1, 40, 10), noise(2, 25, 180), noise(3, 50, 90)))
    assert find_shots(batches(frames, size)) == [(0, 40), (40, 65), (65, 115)]


def test_a_still_scene_is_one_shot():
    assert find_shots(batches(noise(1, 50, 100), 16)) == [(0, 50)]


def test_a_clip_without_frames_has_no_shots():
    assert find_shots([]) == []


def test_a_higher_threshold_finds_fewer_cuts():
    frames = np.concatenate((noise(1, 30, 60), noise(2, 30, 140)))
    assert len(find_shots([frames], threshold=10)) == 2
    assert len(find_shots([frames], threshold=200)) == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 180), st.integers(1, 30)), min_size=1, max_size=5))
def test_shots_partition_the_clip(scenes):
    frames = np.concatenate([noise(n, length, level) for n, (level, length) in enumerate(scenes)])
    shots = find_shots(batches(frames, 10))
    assert [start for start, _ in shots] == [0, *(end for _, end in shots[:-1])]
    assert shots[-1][1] == len(frames)
    assert all(start < end for start, end in shots)
