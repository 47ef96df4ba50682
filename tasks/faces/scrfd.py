"""SCRFD through ONNX Runtime.

After J. Guo et al., "Sample and Computation Redistribution for Efficient Face Detection" (ICLR 2022): at
strides of 8, 16 and 32 px the network gives, for two anchors in every cell, a score and the distances from
the cell's corner to the four sides of the face, in strides.

On one canvas, boxes and scores are those of the class SCRFD in the package insightface, which `buffalo` uses.
That class does not replace this code, because importing it needs onnx, scikit-image and a second OpenCV, and it
is shown one picture at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from tasks.faces.boxes import best_of_overlapping
from tasks.faces.canvas import Fitting
from tasks.faces.network import open_session, searching

FITTING = Fitting(margin=0.25, long_side_px=640)
OUTPUTS = (6, 9)
"""A score and four distances at each of three strides; five landmarks too in the networks that know them."""

_STRIDES = (8, 16, 32)
_ANCHORS = 2
_SAME_FACE_OVERLAP = 0.4


def open_network(
    path: Path, min_score: float, fitting: Fitting = FITTING
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """See `tasks.faces.detectors.Detector`. Frames get a margin, for the network misses faces that fill them.

    Raises:
        ModelCorrupt: ONNX Runtime cannot read the file, or it has other outputs than SCRFD.
    """
    session = open_session(path, OUTPUTS, "SCRFD")
    outputs = [output.name for output in session.get_outputs()][: 2 * len(_STRIDES)]
    return searching(
        session, outputs, fitting, _drawn, lambda given, canvas: _boxes(given, canvas, min_score)
    )


def _drawn(canvases: list[np.ndarray]) -> np.ndarray:
    return cv2.dnn.blobFromImages(canvases, 1 / 128, mean=(127.5, 127.5, 127.5), swapRB=True)


def _boxes(given: Sequence[np.ndarray], canvas: tuple[int, int], min_score: float) -> np.ndarray:
    """Scores (anchors, 1) and then distances (anchors, 4) at the three strides, to boxes (k, 5) on the canvas."""
    found = []
    for stride, scores, distances in zip(_STRIDES, given[:3], given[3:], strict=True):
        good = np.flatnonzero(scores[:, 0] >= min_score)
        centres, reach = _centres(canvas, stride)[good], distances[good] * stride
        found.append(np.hstack((centres - reach[:, :2], centres + reach[:, 2:], scores[good])))
    return best_of_overlapping(np.concatenate(found), _SAME_FACE_OVERLAP, whole_px=True)


@lru_cache(maxsize=64)
def _centres(canvas: tuple[int, int], stride: int) -> np.ndarray:
    """float32 (anchors, 2): x and y of each anchor's cell, row by row."""
    cells = np.indices((canvas[1] // stride, canvas[0] // stride), np.float32)[::-1].reshape(2, -1).T * stride
    return np.repeat(cells, _ANCHORS, axis=0)
