"""Whether two pictures a second apart are one picture, perhaps panned or zoomed.

A photograph that a slow zoom or pan runs over has no event that a sound could be in time with, so it counts as
standing still. A camera that does the same in front of a lifeless scene looks the same, and counts likewise.
"""

from __future__ import annotations

import cv2
import numpy as np

from tasks.motion.shrink import shrunk

SIZE = (128, 72)
"""Width and height, px, at which pictures are compared: noise averages out, and a mouth still counts."""

_BLUR_PX = 1.2
_CHANGE = 6.0
"""Levels of luma by which a pixel must differ; noise that an encoder keeps stays below after shrinking."""

_SAME = 0.002
_LEFT_SHARE, _LEFT_OF_CHANGE = 0.01, 0.1
"""A pan or zoom explains a change if it leaves so little of the picture, and of what changed, unexplained."""

_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
_OVERLAP = 0.5


def prepared(picture: np.ndarray) -> np.ndarray:
    """A picture, uint8 (h, w) luma, ready to be compared: float32 (72, 128), smoothed."""
    small = shrunk(picture, SIZE)
    return cv2.GaussianBlur(small.astype(np.float32), (0, 0), _BLUR_PX)


def unlike(before: np.ndarray, after: np.ndarray) -> float:
    """The share of the picture that changed, 0–1; 0 where one pan or zoom explains the change.

    Args:
        before, after: as `prepared` gives them.
    """
    changed = _share(before, after, np.ones(before.shape, bool))
    if changed <= _SAME:
        return changed
    aligned = _aligned(before, after)
    if aligned is None:
        return changed
    moved, seen = aligned
    left = _share(before, moved, seen)
    return 0.0 if left <= min(_LEFT_SHARE, _LEFT_OF_CHANGE * changed) else changed


def _share(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float((np.abs(one - other)[where] > _CHANGE).mean())


def _aligned(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The later picture laid upon the earlier one, and where it covers it; None if they do not fit."""
    warp = np.eye(2, 3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(before, after, warp, cv2.MOTION_AFFINE, _STEPS, None, 1)
    except cv2.error:  # no likeness to climb along: plain ground, or another picture altogether
        return None
    size = before.shape[::-1]
    moved = cv2.warpAffine(after, warp, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    cover = cv2.warpAffine(np.ones_like(after), warp, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inner = cv2.erode(np.uint8(cover > 0.999), np.ones((5, 5), np.uint8), borderValue=0) > 0
    return (moved, inner) if inner.mean() >= _OVERLAP else None
