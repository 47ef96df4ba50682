"""Frames on canvases, and boxes on their way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.faces.canvas import STRIDE_PX, Fitting, place


@pytest.mark.parametrize(
    ("size", "fitting", "canvas", "drawn", "corner"),
    [
        ((448, 256), Fitting(), (448, 256), (448, 256), (0, 0)),
        ((456, 256), Fitting(), (480, 256), (456, 256), (12, 0)),
        ((456, 256), Fitting(margin=0.25), (608, 384), (456, 256), (76, 64)),
        ((1280, 720), Fitting(long_side_px=640), (640, 384), (640, 360), (0, 12)),
        ((456, 256), Fitting(long_side_px=4096, enlarging=2), (928, 512), (912, 512), (8, 0)),
        ((320, 320), Fitting(fixed_px=(640, 640)), (640, 640), (640, 640), (0, 0)),
        ((400, 200), Fitting(margin=0.25, fixed_px=(640, 640)), (640, 640), (512, 256), (64, 192)),
    ],
)
def test_frames_are_placed(size, fitting, canvas, drawn, corner):
    placing = place(size, fitting)
    assert (placing.canvas, placing.drawn, placing.corner) == (canvas, drawn, corner)


@pytest.mark.parametrize("enlarging", [0.5, 1, 2])
def test_a_frame_is_drawn_where_its_placing_says_and_nowhere_else(enlarging):
    frame = np.full((100, 180, 3), 250, np.uint8)
    placing = place((180, 100), Fitting(margin=0.25, enlarging=enlarging))
    canvas = placing.draw(frame)
    assert canvas.shape == (placing.canvas[1], placing.canvas[0], 3) and canvas.dtype == np.uint8
    rows, columns = np.nonzero(canvas[..., 0] == 250)
    assert (columns.min(), rows.min()) == placing.corner
    assert (columns.max() - columns.min() + 1, rows.max() - rows.min() + 1) == placing.drawn
    assert (canvas[canvas[..., 0] != 250] == 127).all()


@given(
    st.tuples(st.integers(2, 2000), st.integers(2, 2000)),
    st.sampled_from([0, 0.25]),
    st.sampled_from([320, 640, 4096]),
    st.sampled_from([1, 1.5]),
    st.sampled_from([None, (640, 640), (320, 256)]),
)
def test_the_frame_is_on_the_canvas_and_its_corners_come_back(size, margin, long_side, enlarging, fixed):
    placing = place(size, Fitting(margin, long_side, enlarging, fixed))
    for whole, part, start in zip(placing.canvas, placing.drawn, placing.corner, strict=True):
        assert start >= 0 and start + part <= whole
        assert fixed or (whole % STRIDE_PX == 0 and whole <= long_side)
    (x, y), (width, height) = placing.corner, placing.drawn
    back = placing.in_frame(np.array([[x, y, x + width, y + height, 0.7]]))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, [[0, 0, *size, 0.7]], atol=1e-3)
