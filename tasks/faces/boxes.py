"""Boxes as float arrays (k, 4+): x0, y0, x1, y1 in px."""

from __future__ import annotations

import numpy as np


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every box of `a` with every box of `b`: float (len(a), len(b)), 0–1."""
    a, b = np.asarray(a, float)[:, None, :4], np.asarray(b, float)[None, :, :4]
    shared = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(
        -1
    )
    areas = np.clip(a[..., 2:] - a[..., :2], 0, None).prod(-1) + np.clip(
        b[..., 2:] - b[..., :2], 0, None
    ).prod(-1)
    return shared / np.maximum(areas - shared, 1e-9)


def best_of_overlapping(boxes: np.ndarray, limit: float, whole_px: bool = False) -> np.ndarray:
    """The boxes (k, 5), best score first, that overlap no better one by more than `limit`.

    Args:
        whole_px: x1 and y1 name the last column and row within the box, as in the public code of SCRFD; else
            its right and lower edge.
    """
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    areas = boxes[:, :4] + [0, 0, 1, 1] if whole_px else boxes
    close = overlaps(areas, areas) > limit
    kept: list[int] = []
    for index in range(len(boxes)):
        if not close[index, kept].any():
            kept.append(index)
    return boxes[kept]
