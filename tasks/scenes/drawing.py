"""Soft shapes on a plane with its own unit: filled curves and strokes as masks, and paint through a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

Colour = tuple[int, int, int]
"""Blue, green, red, each 0–255."""

Point = tuple[float, float]

_FRACTION_BITS = 5


@dataclass(frozen=True)
class Plane:
    """A rectangle in units, `unit_px` pixels to the unit."""

    left: float
    top: float
    right: float
    bottom: float
    unit_px: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in px."""
        return round((self.bottom - self.top) * self.unit_px), round((self.right - self.left) * self.unit_px)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y in units at every pixel, float32 (H, W) each."""
        return _grid(self)

    def window(self, left: float, top: float, right: float, bottom: float) -> Window:
        """A part of the plane, moved to whole pixels."""
        x0, y0 = round((left - self.left) * self.unit_px), round((top - self.top) * self.unit_px)
        x1, y1 = round((right - self.left) * self.unit_px), round((bottom - self.top) * self.unit_px)
        unit = self.unit_px
        part = Plane(
            self.left + x0 / unit, self.top + y0 / unit, self.left + x1 / unit, self.top + y1 / unit, unit
        )
        return Window(part, slice(y0, y1), slice(x0, x1))


@dataclass(frozen=True)
class Window:
    plane: Plane
    rows: slice
    columns: slice


@lru_cache(maxsize=32)
def _grid(plane: Plane) -> tuple[np.ndarray, np.ndarray]:
    height, width = plane.shape
    x = plane.left + (np.arange(width, dtype=np.float32) + 0.5) / plane.unit_px
    y = plane.top + (np.arange(height, dtype=np.float32) + 0.5) / plane.unit_px
    return np.meshgrid(x, y)


def curve(points: Sequence[Point], closed: bool = True, steps: int = 8) -> list[Point]:
    """A smooth line through the points: Catmull and Rom's spline, `steps` segments between two points."""
    given = np.array(points, dtype=np.float64)
    ends = (given[-1:], given[:2]) if closed else (given[:1], given[-1:])
    p = np.concatenate([ends[0], given, ends[1]])
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None, :] for i in range(4))
    line = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    flat = line.reshape(-1, 2)
    flat = flat if closed else np.concatenate([flat, given[-1:]])
    return [(float(x), float(y)) for x, y in flat]


def fill(plane: Plane, outline: Sequence[Point], softness: float) -> np.ndarray:
    """Mask of a filled outline, float32 (H, W), 0–1, its edge blurred by `softness` units."""
    mask = np.zeros(plane.shape, dtype=np.uint8)
    cv2.fillPoly(mask, [_fixed(plane, outline)], 255, cv2.LINE_AA, _FRACTION_BITS)
    return _soften(mask, plane, softness)


def stroke(plane: Plane, line: Sequence[Point], width: float, softness: float) -> np.ndarray:
    """Mask of a line `width` units wide, float32 (H, W), 0–1."""
    mask = np.zeros(plane.shape, dtype=np.uint8)
    thickness = max(1, round(width * plane.unit_px))
    cv2.polylines(mask, [_fixed(plane, line)], False, 255, thickness, cv2.LINE_AA, _FRACTION_BITS)
    return _soften(mask, plane, softness)


def blob(x: np.ndarray, y: np.ndarray, cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
    """A Gaussian hill of height 1 at (cx, cy) with radii rx and ry."""
    return np.exp(-np.square((x - cx) / rx) - np.square((y - cy) / ry))


def paint_over(picture: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> None:
    """Lay `colour` (3,) or (H, W, 3) over `picture` float32 (H, W, 3), in place, as far as `mask` covers."""
    picture += mask[:, :, None] * (colour - picture)


def blend(picture: np.ndarray, x: int, y: int, colour: np.ndarray, hole: np.ndarray) -> None:
    """Lay a sprite over `picture` uint8 in place, its corner at (x, y); parts outside are cut off.

    Args:
        colour: uint8 (h, w, 3), times its coverage.
        hole: uint8 (h, w, 3), 255 minus the coverage.
    """
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(picture.shape[1], x + colour.shape[1]), min(picture.shape[0], y + colour.shape[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = picture[y0:y1, x0:x1]
    inside = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
    cv2.multiply(part, hole[inside], dst=part, scale=1 / 255)
    cv2.add(part, colour[inside], dst=part)


def _fixed(plane: Plane, points: Sequence[Point]) -> np.ndarray:
    pixels = (np.array(points) - (plane.left, plane.top)) * plane.unit_px - 0.5
    return np.round(pixels * (1 << _FRACTION_BITS)).astype(np.int32)


def _soften(mask: np.ndarray, plane: Plane, softness: float) -> np.ndarray:
    soft = mask.astype(np.float32) * (1 / 255)
    sigma = softness * plane.unit_px
    return cv2.GaussianBlur(soft, (0, 0), sigma) if sigma > 0.3 else soft
