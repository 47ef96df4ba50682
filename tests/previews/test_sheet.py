"""Contact sheets: which frames, how large, and what is drawn where."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import AnalysisError
from tasks.previews.sheet import _clock, contact_sheet, encoded, frames_to_show, tile_of

COLOURS = [(30 * n % 256, 255 - 20 * n, 90 + 10 * n) for n in range(12)]


@given(frames=st.integers(1, 10_000_000), tiles=st.integers(1, 144))
def test_frames_are_spread_evenly_over_the_clip(frames: int, tiles: int) -> None:
    shown = frames_to_show(frames, tiles)
    assert len(shown) == min(frames, tiles)
    assert shown[0] >= 0 and shown[-1] < frames
    steps = np.diff(shown)
    assert (steps >= 1).all()
    assert not len(steps) or steps.max() - steps.min() <= 1
    assert abs(shown[0] - (frames - 1 - shown[-1])) <= 1


@given(width=st.integers(32, 2000), height=st.integers(32, 2000))
def test_tiles_of_any_shape_have_about_one_area(width: int, height: int) -> None:
    tile = tile_of(np.zeros((height, width, 3), np.uint8), 240)
    assert min(tile.shape[:2]) >= 24
    if max(width, height) <= 4 * min(width, height):
        assert tile.shape[0] * tile.shape[1] == pytest.approx(240 * 135, rel=0.02)
        assert tile.shape[1] / tile.shape[0] == pytest.approx(width / height, rel=0.03)


@pytest.mark.parametrize(("tiles", "across", "down"), [(12, 4, 3), (5, 4, 2), (3, 3, 1), (1, 1, 1)])
def test_tiles_stand_in_rows_in_the_order_of_time(tiles: int, across: int, down: int) -> None:
    pictures = {100 * n: np.full((135, 240, 3), COLOURS[n], np.uint8) for n in reversed(range(tiles))}
    sheet = contact_sheet(pictures, columns=4)
    assert sheet.shape == (24 + 141 * down - 6, 24 + 246 * across - 6, 3)
    for n in range(tiles):
        x, y = 12 + n % 4 * 246, 12 + n // 4 * 141
        assert tuple(sheet[y + 40, x + 120]) == COLOURS[n]
        assert tuple(sheet[y, x]) == tuple(sheet[0, 0]), "corners are round"
        label = sheet[y + 118 : y + 135, x + 6 : x + 30].reshape(-1, 3).astype(int)
        assert (label.min(axis=1) > 180).any(), "the time is written in white"


def test_no_tile_too_small_for_a_time_is_drawn_upon() -> None:
    tile = np.full((14, 24, 3), 90, np.uint8)
    sheet = contact_sheet({0: tile}, 1)
    np.testing.assert_array_equal(sheet[20, 20:30], tile[0, :10])


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0:00.0"), (9_960, "0:09.9"), (59_960, "0:59.9"), (60_000, "1:00.0"), (3_723_440, "1:02:03.4")],
)
def test_times_are_cut_and_never_rounded_up(milliseconds: int, text: str) -> None:
    assert _clock(milliseconds) == text


def test_the_hardest_picture_keeps_within_the_limit() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (453, 1002, 3)).astype(np.uint8)
    jpeg = encoded(noise)
    assert len(jpeg) <= 60_000
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == noise.shape
    with pytest.raises(AnalysisError, match="more than 1000"):
        encoded(noise, 1000)
