"""OpenCV's Viola–Jones cascade for frontal faces: no weights to fetch, since they come with OpenCV.

Of the frontal cascades, `alt` errs least: beside YuNet on 96 faces in frames of the open data it found 56 with
one false alarm. The profile cascade on frames without a frontal face found 3 more, with 2 more false alarms,
at three times the cost, and is left out. Small (below about 40 px), dark and turned faces are missed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tasks.faces.boxes import best_of_overlapping

_STEP = 1.1
_SMALLEST_PX = 24
_NEIGHBOURS = 2
_SAME_FACE_OVERLAP = 0.3
# The weight of a hit is the sum of the cascade's last stage; true faces lie above these, false ones about them.
_EVEN_WEIGHT, _WEIGHT_SPREAD = 106.9, 0.4


def open_cascade(min_score: float) -> Callable[[np.ndarray], list[np.ndarray]]:
    """See `tasks.faces.detectors.Detector`. The score is a logistic function of the cascade's own weight."""
    cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt.xml"))

    def detect(frames: np.ndarray) -> list[np.ndarray]:
        return [_search(cascade, cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), min_score) for frame in frames]

    return detect


def _search(cascade: cv2.CascadeClassifier, grey: np.ndarray, min_score: float) -> np.ndarray:
    corners, _, weights = cascade.detectMultiScale3(
        grey,
        scaleFactor=_STEP,
        minNeighbors=_NEIGHBOURS,
        minSize=(_SMALLEST_PX, _SMALLEST_PX),
        outputRejectLevels=True,
    )
    if len(corners) == 0:
        return np.zeros((0, 5), np.float32)
    boxes = np.asarray(corners, np.float32).reshape(-1, 4)
    scores = 1 / (
        1 + np.exp((_EVEN_WEIGHT - np.asarray(weights, np.float64).reshape(-1, 1)) / _WEIGHT_SPREAD)
    )
    found = np.hstack((boxes[:, :2], boxes[:, :2] + boxes[:, 2:], scores)).astype(np.float32)
    return best_of_overlapping(found[found[:, 4] >= min_score], _SAME_FACE_OVERLAP)
