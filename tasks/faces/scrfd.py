"""SCRFD through ONNX Runtime.

After J. Guo et al., "Sample and Computation Redistribution for Efficient Face Detection" (ICLR 2022): at
strides of 8, 16 and 32 px the network gives, for two anchors in every cell, a score and the distances from
the cell's corner to the four sides of the face, in strides.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from schemas.errors import ModelCorrupt
from tasks.faces.boxes import best_of_overlapping

_STRIDES = (8, 16, 32)
_ANCHORS = 2
_SAME_FACE_OVERLAP = 0.4
_MARGIN = 0.25
_LONG_SIDE_PX = 640


def open_network(path: Path, min_score: float) -> Callable[[np.ndarray], list[np.ndarray]]:
    """See `tasks.faces.detectors.Detector`.

    Frames get a margin of a quarter of their short side, since the network misses faces that fill the picture.

    Raises:
        ModelCorrupt: ONNX Runtime cannot read the file, or it has other outputs than SCRFD.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    action = "pull it again: clapper models pull"
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        raise ModelCorrupt(path.name, f"is no ONNX network: {error}", action) from error
    outputs = [output.name for output in session.get_outputs()][: 2 * len(_STRIDES)]
    if len(outputs) < 2 * len(_STRIDES):
        raise ModelCorrupt(path.name, f"has {len(outputs)} outputs, SCRFD has 6 or 9", action)
    tensor = session.get_inputs()[0]
    fixed = tensor.shape[2:] if all(isinstance(side, int) for side in tensor.shape[2:]) else None

    def detect(frames: np.ndarray) -> list[np.ndarray]:
        found = []
        for frame in frames:
            canvas, scale, corner = _on_canvas(frame, fixed)
            heads = [np.squeeze(head) for head in session.run(outputs, {tensor.name: canvas})]
            found.append(_boxes(heads, canvas.shape[2:], scale, corner, min_score))
        return found

    return detect


def _on_canvas(frame: np.ndarray, fixed: list[int] | None) -> tuple[np.ndarray, float, tuple[int, int]]:
    """The frame amid a grey margin: float32 (1, 3, H, W), the scale it was drawn at, and its corner (x, y) there."""
    height, width = frame.shape[:2]
    margin = _MARGIN * min(height, width)
    limit = fixed or (_LONG_SIDE_PX, _LONG_SIDE_PX)
    scale = min(
        limit[0] / (height + 2 * margin), limit[1] / (width + 2 * margin), 1.0 if not fixed else np.inf
    )
    size = (round(width * scale), round(height * scale))
    high, wide = fixed or (_up_to_stride(height, margin, scale), _up_to_stride(width, margin, scale))
    x, y = (wide - size[0]) // 2, (high - size[1]) // 2
    canvas = np.zeros((1, 3, high, wide), np.float32)
    drawn = cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA)
    canvas[0, :, y : y + size[1], x : x + size[0]] = (
        drawn.transpose(2, 0, 1).astype(np.float32) - 127.5
    ) / 128
    return canvas, scale, (x, y)


def _up_to_stride(length: int, margin: float, scale: float) -> int:
    return -int(-(length + 2 * margin) * scale // _STRIDES[-1]) * _STRIDES[-1]


def _boxes(
    heads: list[np.ndarray], canvas: tuple[int, int], scale: float, corner: tuple[int, int], min_score: float
) -> np.ndarray:
    found = []
    for stride, scores, distances in zip(_STRIDES, heads[:3], heads[3:], strict=True):
        cells = (
            np.indices((canvas[0] // stride, canvas[1] // stride)).transpose(1, 2, 0).reshape(-1, 2)[:, ::-1]
        )
        centres = np.repeat(cells, _ANCHORS, axis=0) * stride
        good = scores >= min_score
        centres, reach = centres[good], distances[good] * stride
        found.append(np.hstack((centres - reach[:, :2], centres + reach[:, 2:], scores[good, None])))
    boxes = np.concatenate(found)
    boxes[:, :4] = (boxes[:, :4] - np.tile(corner, 2)) / scale
    return best_of_overlapping(boxes, _SAME_FACE_OVERLAP).astype(np.float32)
