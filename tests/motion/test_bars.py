"""Where the picture is within its bars, with writing in them, and where darkness is no bar."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.motion.bars import Darkness, active_box
from tests.motion.drawing import SIZE, caption, living, texture, within_bars

WHOLE = (0, 0, *SIZE)
WIDE = (0, 31, 456, 225)
"""2.35 : 1 in 16 : 9."""


def box_of(frames: np.ndarray) -> tuple[int, int, int, int]:
    seen = Darkness.of_none(frames.shape[1:])
    for frame in frames:
        seen = seen.with_picture(frame)
    return active_box(seen)


BARRED = {
    "letterbox": WIDE,
    "pillarbox": (57, 0, 399, 256),
    "portrait in landscape": (156, 0, 300, 256),
    "windowbox": (57, 31, 399, 225),
    "thin": (4, 6, 452, 251),
    "one side": (0, 0, 440, 256),
}


@pytest.mark.parametrize("name", BARRED)
@pytest.mark.parametrize("level", [0, 16])
def test_bars_are_found_to_the_pixel(name: str, level: int) -> None:
    found = box_of(within_bars(living(10), BARRED[name], level))
    assert np.abs(np.subtract(found, BARRED[name])).max() <= 1


@pytest.mark.parametrize(
    "lines", [("Where have you been all night?",), ("One line here,", "", "another there")]
)
def test_subtitles_in_the_bar_leave_it_a_bar(lines: tuple[str, ...]) -> None:
    frames = within_bars(living(12), WIDE)
    parts = np.array_split(frames, len(lines))
    frames = np.concatenate([caption(part, line, 248) for part, line in zip(parts, lines, strict=True)])
    assert box_of(frames) == WIDE


def test_a_stations_mark_in_the_bar_leaves_it_a_bar() -> None:
    frames = within_bars(living(8), (57, 0, 399, 256))
    cv2.putText(frames[0], "TV 3", (404, 24), cv2.FONT_HERSHEY_DUPLEX, 0.5, 220, 1, cv2.LINE_AA)
    frames[1:, :40, 399:] = frames[0, :40, 399:]
    assert box_of(frames) == (57, 0, 399, 256)


def night(count: int) -> np.ndarray:
    """A black sky down to a ragged skyline, lights below."""
    frames = np.zeros((count, 256, 456), np.uint8)
    generator = np.random.default_rng(3)
    x = 0
    while x < 456:
        width, top = generator.integers(8, 30), generator.integers(60, 140)
        frames[:, top:, x : x + width] = generator.integers(50, 160)
        x += width
    return frames


def curtain(count: int) -> np.ndarray:
    """A body that sways before a black ground, and leaves both sides black."""
    frames = np.zeros((count, 256, 456), np.uint8)
    for number, frame in enumerate(frames):
        cv2.ellipse(frame, (228 + 3 * number, 190), (70, 150), 0, 0, 360, 170, cv2.FILLED)
    return frames


def stage(count: int) -> np.ndarray:
    """A speaker on a dark stage: folds of a curtain, then a board with a straight edge; behind, letters on black."""
    frames = np.zeros((count, 256, 456), np.uint8)
    frames[:, :, :60] = (9 + 9 * np.sin(np.arange(60) / 4)).astype(np.uint8)
    for number, frame in enumerate(frames):
        cv2.fillPoly(frame, [np.array([(60, 38), (260, 52), (260, 256), (60, 256)])], 60)
        cv2.putText(frame, "TALK", (150, 200), cv2.FONT_HERSHEY_DUPLEX, 4, 150, 18)
        cv2.ellipse(frame, (200 + 4 * number, 190), (60, 150), 0, 0, 360, 170, cv2.FILLED)
    return frames


DARK = {
    "dark stage": stage(8),
    "night sky": night(8),
    "body before black": curtain(8),
    "dark scene": living(8, 1, dark=0, light=30),
    "black": np.zeros((8, 256, 456), np.uint8),
    "caption on black": caption(np.zeros((8, 256, 456), np.uint8), "PARIS, SOME YEARS LATER", 200),
}


@pytest.mark.parametrize("name", DARK)
def test_darkness_is_no_bar(name: str) -> None:
    assert box_of(DARK[name]) == WHOLE


def test_a_bright_clip_has_no_bars() -> None:
    assert box_of(living(5)) == WHOLE


def test_a_shot_with_bars_among_others_does_not_make_the_clip_barred() -> None:
    frames = living(12)
    assert box_of(np.concatenate((within_bars(frames[:4], WIDE), frames[4:]))) == WHOLE


def test_bars_show_in_the_lit_shots_of_a_dark_clip() -> None:
    frames = np.concatenate((np.zeros((20, 256, 456), np.uint8), within_bars(living(3), WIDE)))
    assert box_of(frames) == WIDE


def test_no_pictures_leave_the_whole() -> None:
    assert active_box(Darkness.of_none((256, 456))) == WHOLE


@settings(max_examples=25, deadline=None)
@given(
    *(st.integers(2, 40) | st.just(0) for _ in range(4)),
    st.integers(0, 16),
)
def test_any_bars_are_found_and_turn_with_the_picture(
    left: int, top: int, right: int, bottom: int, level: int
) -> None:
    size = (160, 120)
    box = (left, top, size[0] - right, size[1] - bottom)
    frames = within_bars(living(3, 2, size), box, level)
    found = box_of(frames)
    assert np.abs(np.subtract(found, box)).max() <= 1
    x0, y0, x1, y1 = found
    assert box_of(frames.transpose(0, 2, 1)) == (y0, x0, y1, x1)
    assert box_of(frames[:, ::-1]) == (x0, size[1] - y1, x1, size[1] - y0)


def test_a_picture_of_any_size_has_a_box() -> None:
    for size in ((2, 2), (7, 300), (300, 5)):
        x0, y0, x1, y1 = box_of(cv2.resize(texture(1), size)[None])
        assert 0 <= x0 < x1 <= size[0] and 0 <= y0 < y1 <= size[1]
