"""How sharp a picture is, by its edges, and whether anything shines in it.

A sharp edge falls from light to dark within two pixels; one out of focus, shaken or blown up from a small picture
takes five and more. What share of the way the steepest step takes does not depend on how strong the contrast is,
nor on how much of the picture is plain ground.
"""

from __future__ import annotations

import cv2
import numpy as np

_SHORT_SIDE_PX = 256
"""Larger pictures are made so small first: what people see as blurred is so in proportion to the picture."""

_AROUND_PX = 9
_CONTRAST = 24
"""Levels of luma within `_AROUND_PX` from which on there is an edge."""

_OF_STRONGEST = 0.8
"""Where the contrast is less than this share of the strongest beside it, an edge ends."""

_LEAST_SHARE = 0.005
"""Of a picture's pixels so many must be near edges to tell."""

_SHARPEST = 90
"""Per cent: much of a picture may be out of focus, so the sharper edges count, but not a station's mark alone."""

_BRIGHT = 98


def sharpness(picture: np.ndarray) -> float | None:
    """How steep the sharper edges of a picture are, uint8 (h, w) luma without bars, 0–1.

    At 456 × 256 px it is 0.69 for the median clip, and 0.24 or 0.19 if that is blurred with a standard deviation of 2
    or 3 px; about 2 ms. None without edges. Grain counts as sharp, so a grainy picture out of focus goes unseen.
    """
    if min(picture.shape) <= _AROUND_PX:
        return None
    if min(picture.shape) > _SHORT_SIDE_PX:
        scale = _SHORT_SIDE_PX / min(picture.shape)
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    corner = picture[:-1, :-1]
    steps = np.maximum(cv2.absdiff(picture[:-1, 1:], corner), cv2.absdiff(picture[1:, :-1], corner))
    around = np.ones((_AROUND_PX, _AROUND_PX), np.uint8)
    contrast = cv2.subtract(cv2.dilate(picture, around), cv2.erode(picture, around))[:-1, :-1]
    # Beside a soft edge its foot is steep for what contrast there is.
    edges = (contrast > _CONTRAST) & (contrast >= cv2.dilate(contrast, around) * _OF_STRONGEST)
    if edges.mean() < _LEAST_SHARE:
        return None
    # Steps from one pixel of the surroundings to another.
    steepest = cv2.dilate(steps, around[2:, 2:])[edges] / contrast[edges].astype(np.float32)
    return float(np.percentile(steepest, _SHARPEST))


def brightness(picture: np.ndarray) -> float:
    """The luma, 0–255, that 2 % of a picture, uint8 (h, w), exceed: dark where nothing can be seen."""
    return float(np.percentile(picture, _BRIGHT))
