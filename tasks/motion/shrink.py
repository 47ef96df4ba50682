"""Making pictures much smaller by means over areas, fast."""

from __future__ import annotations

import cv2
import numpy as np


def shrunk(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture, uint8 (h, w), at `size`: width and height, px.

    It is halved as long as that leaves enough: means of 2 × 2 are far cheaper than those of odd areas.
    """
    width, height = size
    while picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width:
        picture = cv2.resize(
            picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA
        )
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
