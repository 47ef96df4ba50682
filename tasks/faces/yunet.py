"""YuNet through ONNX Runtime, at two fifths of the cost of OpenCV's own reader and with its boxes.

After W. Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023): at strides of 8, 16 and 32 px the
network gives for every cell how likely a face and an object are there, the face's centre as a distance from the
cell's corner, and the logarithms of its width and height, all in strides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from schemas.errors import ModelCorrupt
from tasks.faces.boxes import best_of_overlapping
from tasks.faces.canvas import Fitting
from tasks.faces.network import open_session, searching

FITTING = Fitting(long_side_px=640)
_STRIDES = (8, 16, 32)
_OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox") for stride in _STRIDES]
_SAME_FACE_OVERLAP = 0.3


def open_network(
    path: Path, min_score: float, fitting: Fitting = FITTING
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """See `tasks.faces.detectors.Detector`.

    Raises:
        ModelCorrupt: ONNX Runtime cannot read the file, or it has other outputs than YuNet.
    """
    session = open_session(path, (12,), "YuNet")
    missing = set(_OUTPUTS) - {output.name for output in session.get_outputs()}
    if missing:
        problem = f"lacks the outputs {', '.join(sorted(missing))} of YuNet"
        raise ModelCorrupt(path.name, problem, "pull it again: clapper models pull yunet")
    return searching(
        session,
        _OUTPUTS,
        fitting,
        cv2.dnn.blobFromImages,
        lambda given, canvas: _boxes(given, canvas, min_score),
    )


def _boxes(given: Sequence[np.ndarray], canvas: tuple[int, int], min_score: float) -> np.ndarray:
    """Faces (cells, 1), objects (cells, 1) and boxes (cells, 4), each at three strides, to boxes (k, 5)."""
    found = []
    for stride, faces, objects, shapes in zip(_STRIDES, given[:3], given[3:6], given[6:], strict=True):
        scores = np.sqrt(np.clip(faces[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        good = np.flatnonzero(scores >= min_score)
        middle = (_cells(canvas, stride)[good] + shapes[good, :2]) * stride
        half = np.exp(shapes[good, 2:]) * (stride / 2)
        found.append(np.hstack((middle - half, middle + half, scores[good, None])))
    return best_of_overlapping(np.concatenate(found), _SAME_FACE_OVERLAP)


@lru_cache(maxsize=64)
def _cells(canvas: tuple[int, int], stride: int) -> np.ndarray:
    """float32 (cells, 2): column and row of every cell, row by row."""
    return np.indices((canvas[1] // stride, canvas[0] // stride), np.float32)[::-1].reshape(2, -1).T
