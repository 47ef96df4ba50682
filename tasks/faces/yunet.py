"""YuNet through OpenCV's own reader (FaceDetectorYN)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from schemas.errors import ModelCorrupt

_LONG_SIDE_PX = 480
_SAME_FACE_OVERLAP = 0.3
_CANDIDATES = 500


def open_network(path: Path, min_score: float) -> Callable[[np.ndarray], list[np.ndarray]]:
    """See `tasks.faces.detectors.Detector`. Frames with a side beyond 480 px are searched at 480 px.

    Raises:
        ModelCorrupt: OpenCV cannot read the file.
    """
    try:
        network = cv2.FaceDetectorYN.create(
            str(path), "", (320, 320), min_score, _SAME_FACE_OVERLAP, _CANDIDATES
        )
    except cv2.error as error:
        raise ModelCorrupt(
            path.name, f"is no YuNet network: {error.err}", "pull it again: clapper models pull yunet"
        ) from error

    def detect(frames: np.ndarray) -> list[np.ndarray]:
        height, width = frames.shape[1:3]
        scale = min(1.0, _LONG_SIDE_PX / max(height, width))
        size = (round(width * scale), round(height * scale))
        network.setInputSize(size)
        found = []
        for frame in frames:
            picture = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
            if scale < 1:
                picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            found.append(_boxes(network.detect(picture)[1], scale))
        return found

    return detect


def _boxes(faces: np.ndarray | None, scale: float) -> np.ndarray:
    if faces is None:
        return np.zeros((0, 5), np.float32)
    corner, size, score = faces[:, :2], faces[:, 2:4], faces[:, 14:15]
    boxes = np.hstack((corner / scale, (corner + size) / scale, score)).astype(np.float32)
    return boxes[np.argsort(-boxes[:, 4], kind="stable")]
