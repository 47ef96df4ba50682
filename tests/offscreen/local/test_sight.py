"""What of a clip is sent: which pictures, at what size, in which patches, and its sound between them."""

from __future__ import annotations

import math
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import AnalysisError, MediaError
from tasks.media.read import read_waveform
from tasks.offscreen.local.sight import Sight, by_chunks, by_time, part_of, patches_of, seen_size, sound_of
from tests.offscreen.omni import DEVIATION, MEAN
from tests.offscreen.showing import grey_clip

SECOND = Sight(14, 2, 2, 128, 768, tuple(MEAN), tuple(DEVIATION))
THIRD = Sight(16, 2, 2, 128, 768, tuple(MEAN), tuple(DEVIATION))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Three seconds whose frame k is grey, of 20 + 3 k."""
    return grey_clip(tmp_path_factory.mktemp("sight") / "clip.mp4", [20 + 3 * k for k in range(75)], 440)


@pytest.mark.parametrize(
    ("start", "until", "rate", "frames"),
    [
        (0, None, 2, [0, 12, 25, 37, 50, 62]),
        (0, None, 1, [0, 25, 50]),
        (0, None, 0.4, [0, 62]),
        (0, None, 24, [math.floor(k * 25 / 24) for k in range(72)]),
        (0, 1000, 2, [0, 12]),
        (0, 1001, 2, [0, 12, 25]),
        (480, None, 2, [12, 24, 37, 49, 62, 74]),
        (500, 1500, 3, [12, 20, 29]),
        (2960, None, 2, [74]),
        (2999, 9000, 2, [74]),
        (3000, None, 2, []),
        (1000, 1000, 2, []),
    ],
)
def test_the_pictures_are_those_on_screen_at_the_moments_asked_for(clip, start, until, rate, frames):
    shown = [round((float(frame.mean()) - 20) / 3) for frame in part_of(clip, start, until, rate)]
    assert shown == frames


def test_the_sound_is_that_of_the_same_part(clip):
    whole = read_waveform(clip)
    np.testing.assert_array_equal(sound_of(clip, 0, None), whole)
    np.testing.assert_array_equal(sound_of(clip, 500, 1750), whole[8_000:28_000])
    assert not len(sound_of(clip, 4000, None))


def test_a_clip_without_sound_says_so(tmp_path):
    with pytest.raises(MediaError, match="mute.mp4"):
        sound_of(grey_clip(tmp_path / "mute.mp4", [80] * 25, None), 0, None)


@given(st.integers(16, 2000), st.integers(16, 2000))
def test_pictures_are_seen_in_whole_cells_and_within_bounds(width, height):
    for sight in (SECOND, THIRD):
        seen = seen_size(width, height, sight)
        assert all(side > 0 and side % sight.cell == 0 for side in seen)
        if max(width, height) < 8 * min(width, height):
            assert sight.fewest_tokens <= seen[0] * seen[1] / sight.cell**2 <= sight.most_tokens


@pytest.mark.parametrize(
    ("sight", "grid", "values"),
    [
        (SECOND, (2, 20, 26), {
            (0, 0): -1.7923, (1, 0): -1.6609, (2, 5): -1.7485, (3, 200): -1.6171, (57, 400): -1.3769,
            (300, 777): 0.3340, (520, 588): -1.7521, (1039, 1175): 2.1317,
        }),
        (THIRD, (2, 22, 26), {
            (0, 0): -1.7923, (1, 0): -1.6609, (2, 5): -1.7631, (3, 200): -1.5879, (57, 400): -1.3689,
            (300, 777): -0.0112, (572, 768): -1.7521, (1143, 1535): 2.1317,
        }),
    ],
)  # fmt: skip
def test_patches_are_those_of_the_public_code(sight, grid, values):
    """Recorded from Qwen2VLVideoProcessor of transformers 5.23; another way of resizing is 2 of 255 levels away."""
    width, height = 360, 288
    down, across = np.mgrid[0:height, 0:width]

    def picture(time: int) -> np.ndarray:
        channels = (across * 255 // (width - 1), down * 255 // (height - 1))
        third = (across + down + 40 * time) * 255 // (width + height + 80)
        return np.stack([*channels, third], -1).astype(np.uint8)

    patches, found = patches_of(Path("clip"), (picture(time) for time in range(3)), sight)
    assert found == grid
    assert patches.dtype == np.float32
    assert patches.shape == (math.prod(grid), 3 * 2 * sight.patch**2)
    for place, value in values.items():
        assert patches[place] == pytest.approx(value, abs=0.031)


def test_an_odd_last_picture_is_seen_twice():
    frames = [np.full((112, 112, 3), level, np.uint8) for level in (0, 100, 200)]
    patches, grid = patches_of(Path("clip"), iter(frames), SECOND)
    pairs = patches.reshape(grid[0], -1, 3, 2, 14 * 14)
    assert grid[0] == 2
    assert (pairs[1, :, :, 0] == pairs[1, :, :, 1]).all()
    assert not (pairs[0, :, :, 0] == pairs[0, :, :, 1]).any()


def test_a_part_without_pictures_is_refused():
    with pytest.raises(AnalysisError, match="no picture"):
        patches_of(Path("clip"), iter(()), SECOND)


@pytest.mark.parametrize(
    ("times", "cells", "rate", "sounds", "chunked", "timed"),
    [
        (3, 6, 2, 75, "12v 50a 6v 25a", "6v 13a 6v 13a 6v 49a"),
        (4, 2, 3, 53, "6v 50a 2v 3a", "2v 9a 2v 9a 2v 8a 2v 27a"),
        (2, 3, 0.4, 125, "3v 50a 1v 50a 2v 25a", "3v 65a 3v 60a"),
        (3, 2, 0.25, 300, "2v 50a 1v 50a 1v 50a 1v 50a 1v 100a", "2v 104a 2v 104a 2v 92a"),
        (6, 1, 7, 38, "6v 38a", "1v 4a 1v 4a 1v 4a 1v 3a 1v 4a 1v 19a"),
        (1, 5, 24, 1, "5v 1a", "5v 1a"),
        (5, 2, 2, 30, "4v 30a 6v", "2v 13a 2v 13a 2v 4a 4v"),
    ],
)
def test_sound_goes_between_the_pictures_as_in_the_public_code(times, cells, rate, sounds, chunked, timed):
    """Recorded from Qwen2_5OmniProcessor (25 positions a second) and Qwen3OmniMoeProcessor (13)."""

    def positions(a_second: int) -> list[float]:
        seconds = np.arange(times, dtype=np.float32) * np.float32(2 / rate)
        return np.repeat(seconds * np.float32(a_second), cells).tolist()

    def told(order) -> str:
        kinds = "".join(kind[0] * count for kind, count in order).replace("p", "v").replace("s", "a")
        return " ".join(f"{len(list(run))}{kind}" for kind, run in groupby(kinds))

    assert told(by_chunks(positions(25), sounds, 50)) == chunked
    assert told(by_time(positions(13), sounds)) == timed
