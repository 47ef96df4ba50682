"""A contact sheet: frames of a clip at even distances on a dark ground, each with its time.

numbers = frames_to_show(7500, 12)
tiles = {number: tile_of(frame, 240) for number, frame in …}
jpeg = encoded(contact_sheet(tiles, columns=4))
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np

from schemas.errors import AnalysisError
from schemas.units import frame_to_ms

MOST_BYTES = 60_000

_GROUND = (26, 22, 20)
_INK = (255, 255, 255)
_MARGIN_PX, _GAP_PX, _CORNER_PX = 12, 6, 6
_FINER = 4
"""Letters and corners are drawn so many times larger and then shrunk, which smooths their edges."""

_FONT, _FONT_SCALE, _FONT_WEIGHT = cv2.FONT_HERSHEY_SIMPLEX, 0.42 * _FINER, 5
_PAD_PX, _SHADE = 4, 0.62
_QUALITIES = (88, 80, 72, 64, 56, 48, 40, 30, 20, 10)
_SMALLEST_SIDE_PX = 24


def frames_to_show(frames: int, tiles: int) -> list[int]:
    """The middle frame of each of so many equal parts of a clip; of a clip with fewer frames, all of them."""
    if frames <= tiles:
        return list(range(frames))
    return [(2 * part + 1) * frames // (2 * tiles) for part in range(tiles)]


def tile_of(frame: np.ndarray, width_px: int) -> np.ndarray:
    """A frame, uint8 (h, w, 3), at the area that one of 16:9 with this width has, whatever its own shape."""
    height, width = frame.shape[:2]
    scale = math.sqrt(width_px * width_px * 9 / 16 / (width * height))
    size = tuple(max(_SMALLEST_SIDE_PX, round(side * scale)) for side in (width, height))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def contact_sheet(tiles: Mapping[int, np.ndarray], columns: int) -> np.ndarray:
    """Put tiles into rows.

    Args:
        tiles: frame number to picture, uint8 (h, w, 3) BGR, all of one size, at least one.

    Returns:
        uint8 (H, W, 3) BGR; in the order of the numbers, row by row.
    """
    height, width = next(iter(tiles.values())).shape[:2]
    across = min(columns, len(tiles))
    down = -(-len(tiles) // across)
    size = [
        2 * _MARGIN_PX + count * (side + _GAP_PX) - _GAP_PX
        for count, side in ((down, height), (across, width))
    ]
    sheet = np.full((*size, 3), _GROUND, np.uint8)
    window = _rounded(height, width)
    for place, (number, picture) in enumerate(sorted(tiles.items())):
        y = _MARGIN_PX + place // across * (height + _GAP_PX)
        x = _MARGIN_PX + place % across * (width + _GAP_PX)
        stamped = _with_time(picture, _clock(frame_to_ms(number)))
        sheet[y : y + height, x : x + width] = _blend(sheet[y : y + height, x : x + width], stamped, window)
    return sheet


def encoded(sheet: np.ndarray, most_bytes: int = MOST_BYTES) -> bytes:
    """The sheet as JPEG, in the best quality that keeps within `most_bytes`.

    Raises:
        AnalysisError: even the poorest does not.
    """
    for quality in _QUALITIES:
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        jpeg = cv2.imencode(".jpg", sheet, settings)[1].tobytes()
        if len(jpeg) <= most_bytes:
            return jpeg
    problem = f"its contact sheet takes {len(jpeg)} bytes, more than {most_bytes}"
    raise AnalysisError("previews", problem, "set fewer columns and rows, or a smaller width, in the recipe")


def _clock(milliseconds: int) -> str:
    """Such as 0:07.2 or 1:02:03.4."""
    tenths = milliseconds // 100
    hours, minutes, seconds = tenths // 36_000, tenths // 600 % 60, tenths / 10 % 60
    return f"{hours}:{minutes:02}:{seconds:04.1f}" if hours else f"{minutes}:{seconds:04.1f}"


def _with_time(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture with a darkened corner at the bottom left, and the time in it; unless it is too small for both."""
    (width, height), _ = cv2.getTextSize(text, _FONT, _FONT_SCALE, _FONT_WEIGHT)
    box_height, box_width = height // _FINER + 2 * _PAD_PX, width // _FINER + 2 * _PAD_PX + 1
    if box_height > picture.shape[0] or box_width > picture.shape[1]:
        return picture
    letters = np.zeros((box_height * _FINER, box_width * _FINER), np.uint8)
    origin = (_PAD_PX * _FINER, (box_height - _PAD_PX) * _FINER)
    cv2.putText(letters, text, origin, _FONT, _FONT_SCALE, 255, _FONT_WEIGHT, cv2.LINE_AA)
    letters = cv2.resize(letters, (box_width, box_height), interpolation=cv2.INTER_AREA)
    stamped = picture.copy()
    corner = stamped[-box_height:, :box_width]
    shade = np.full((box_height, box_width), 255 * _SHADE, np.float32)
    corner[:] = _blend(_blend(corner, np.zeros_like(corner), shade), np.full_like(corner, _INK), letters)
    return stamped


def _rounded(height: int, width: int) -> np.ndarray:
    """Opacity, 0–255, of a tile with rounded corners."""
    opacity = np.zeros((height * _FINER, width * _FINER), np.uint8)
    radius = _CORNER_PX * _FINER
    (bottom, right) = (side * _FINER - 1 for side in (height, width))
    cv2.rectangle(opacity, (radius, 0), (right - radius, bottom), 255, cv2.FILLED)
    cv2.rectangle(opacity, (0, radius), (right, bottom - radius), 255, cv2.FILLED)
    for centre in ((x, y) for x in (radius, right - radius) for y in (radius, bottom - radius)):
        cv2.circle(opacity, centre, radius, 255, cv2.FILLED)
    return cv2.resize(opacity, (width, height), interpolation=cv2.INTER_AREA)


def _blend(below: np.ndarray, above: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    share = opacity.astype(np.float32)[..., None] / 255
    return np.round(below * (1 - share) + above * share).astype(np.uint8)
