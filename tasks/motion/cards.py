"""Whether a picture is a card: a title, credits or a slide full of text. Nothing is read.

Writing on a card has three marks that hold in any script and without a model: it stands on a flat ground, it is
made of small strokes of one height side by side in lines, and beside it there is little else.
"""

from __future__ import annotations

import cv2
import numpy as np

_BLOCK_PX, _FLAT = 8, 10
_MIN_FLAT_SHARE = 0.5
"""Of a card at least so much is plain ground: blocks of 8 × 8 px within 10 levels of luma."""

_MIN_INK_IN_LINES, _MIN_LINES_SHARE = 0.5, 0.02
_CONTRAST = 30
"""Levels of luma between ink and the ground around it."""

_TALLEST = 6
"""Letters are at most a sixth of the picture's height tall."""

_HEIGHTS_PX = (4, 6, 9, 13, 19, 28, 41)
_SPREAD = 2.2
"""Letters of one line are from the one height to this many times taller: x-height to capitals with accents."""


def is_card(picture: np.ndarray) -> bool:
    """Whether a picture, uint8 (h, w) luma 0–255, shows text on a plain ground and little else.

    About 1 ms for a picture without much plain ground, else up to 20 ms at 456 × 256.
    """
    if _flat_share(cv2.blur(picture, (3, 3))) < _MIN_FLAT_SHARE:
        return False
    ground = cv2.medianBlur(picture, (picture.shape[0] // 7) | 1)
    difference = picture.astype(np.int16) - ground
    ink_px, written_px, lines_px = 0, 0, 0
    for ink in (np.uint8(difference > _CONTRAST), np.uint8(difference < -_CONTRAST)):
        written, lines = _lines(ink)
        ink_px, written_px, lines_px = ink_px + int(ink.sum()), written_px + written, lines_px + lines
    return written_px >= _MIN_INK_IN_LINES * max(ink_px, 1) and lines_px >= _MIN_LINES_SHARE * picture.size


def _flat_share(picture: np.ndarray) -> float:
    height, width = (side // _BLOCK_PX * _BLOCK_PX for side in picture.shape)
    blocks = picture[:height, :width].reshape(height // _BLOCK_PX, _BLOCK_PX, width // _BLOCK_PX, _BLOCK_PX)
    spread = blocks.max((1, 3)).astype(np.int16) - blocks.min((1, 3))
    return float((spread <= _FLAT).mean()) if spread.size else 0.0


def _lines(ink: np.ndarray) -> tuple[int, int]:
    """Pixels of ink that belong to lines of text, and pixels that these lines cover; `ink` uint8 (h, w), 0 or 1."""
    _, marks, boxes, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    free = _letters(boxes, ink.shape[0])
    heights = boxes[:, cv2.CC_STAT_HEIGHT]
    written = covered = 0
    for smallest in _HEIGHTS_PX:
        chosen = free & (heights >= smallest) & (heights <= smallest * _SPREAD)
        if chosen.sum() < 3:
            continue
        letters = chosen[marks].astype(np.uint8)
        reach = np.ones((1, int(1.6 * smallest) | 1), np.uint8)
        rows = cv2.morphologyEx(letters, cv2.MORPH_CLOSE, reach)
        _, row_of, spans, _ = cv2.connectedComponentsWithStats(rows, connectivity=8)
        for row, (x, y, width, height, _) in enumerate(spans[1:], start=1):
            if width < max(3 * smallest, 2.5 * height) or height > 2.6 * smallest:
                continue
            part = np.s_[y : y + height, x : x + width]
            strokes = letters[part] * (row_of[part] == row)
            if _is_writing(strokes):
                written, covered = written + int(strokes.sum()), covered + width * height
                free[np.unique(marks[part][strokes > 0])] = False
    return written, covered


def _letters(boxes: np.ndarray, height_px: int) -> np.ndarray:
    """Which marks may be letters, or words whose letters touch; `boxes` as OpenCV has them, the first the ground."""
    _, _, width, height, area = boxes.T
    fitting = (height >= _HEIGHTS_PX[0]) & (height <= height_px // _TALLEST) & (width <= 14 * height)
    filled = area / (width * height)
    solid = (filled > 0.85) & (width > 0.6 * height) & (height > 8)
    fitting &= (filled >= 0.12) & (area >= 5) & ~solid
    fitting[0] = False
    return fitting


def _is_writing(strokes: np.ndarray) -> bool:
    """Whether along a line there are about as many strokes, and as much ink, as letters have."""
    height, width = strokes.shape
    middle = strokes[height // 4 : max(height // 4 + 1, height - height // 4)].astype(np.int8)
    per_height = np.abs(np.diff(middle, axis=1)).sum(1).mean() / 2 / (width / height)
    return 0.5 <= per_height <= 3.5 and 0.15 <= strokes.mean() <= 0.7
