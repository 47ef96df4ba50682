"""Words on a picture: set once at twice the size and scaled down, so that OpenCV's strokes look smooth."""

from __future__ import annotations

import cv2
import numpy as np

from tasks.scenes.drawing import Colour

_FONT = cv2.FONT_HERSHEY_DUPLEX


def write(
    picture: np.ndarray, text: str, x: int, y: int, height_px: int, colour: Colour, bold: bool = False
) -> int:
    """Set `text` into `picture` uint8 in place, capitals `height_px` tall, its top left corner at (x, y).

    Returns:
        The width of what was written, px.
    """
    mask = _mask(text, height_px, bold)
    room = picture[max(0, y) : y + mask.shape[0], max(0, x) : x + mask.shape[1]]
    cover = mask[: room.shape[0], : room.shape[1], None].astype(np.float32) / 255
    room[:] = (room + (np.array(colour, dtype=np.float32) - room) * cover).astype(np.uint8)
    return mask.shape[1]


def width_of(text: str, height_px: int, bold: bool = False) -> int:
    """Width in px of `text` as `write` would set it."""
    return _mask(text, height_px, bold).shape[1]


def _mask(text: str, height_px: int, bold: bool) -> np.ndarray:
    scale = 2 * height_px / 21.0
    thickness = max(1, round(scale * (2.4 if bold else 1.3)))
    (width, height), below = cv2.getTextSize(text, _FONT, scale, thickness)
    large = np.zeros((height + below + 2 * thickness, width + 2 * thickness), dtype=np.uint8)
    cv2.putText(large, text, (thickness, height + thickness), _FONT, scale, 255, thickness, cv2.LINE_AA)
    return cv2.resize(large, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
