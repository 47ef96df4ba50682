"""Face detectors behind one interface: batches of frames in, boxes with scores out.

    detect = open_detector("yunet", weights)      # weights: model name to file
    boxes = detect(frames)                        # one array per frame

| name | what | weights |
|---|---|---|
| haar | OpenCV's Viola–Jones cascade for frontal faces | none, it comes with OpenCV |
| yunet | YuNet (Wu et al. 2023) through OpenCV | yunet |
| scrfd-500m, scrfd-2.5g | SCRFD (Guo et al. 2021) through ONNX Runtime | the name itself |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from tasks.faces import haar, scrfd, yunet

Detector = Callable[[np.ndarray], list[np.ndarray]]
"""uint8 (n, h, w, 3) RGB → n arrays float32 (k, 5): x0, y0, x1, y1 in px of the frame, score 0–1.

Best first. Boxes may reach beyond the frame where a face does.
"""

Weights = Callable[[str], Path]

DETECTORS: Mapping[str, Callable[[Weights, float], Detector]] = {
    "haar": lambda weights, min_score: haar.open_cascade(min_score),
    "yunet": lambda weights, min_score: yunet.open_network(weights("yunet"), min_score),
    "scrfd-500m": lambda weights, min_score: scrfd.open_network(weights("scrfd-500m"), min_score),
    "scrfd-2.5g": lambda weights, min_score: scrfd.open_network(weights("scrfd-2.5g"), min_score),
}

WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "haar": (),
    "yunet": ("yunet",),
    "scrfd-500m": ("scrfd-500m",),
    "scrfd-2.5g": ("scrfd-2.5g",),
}
"""What each detector needs from the model store."""


def check_name(name: str) -> None:
    """Raise RecipeError, listing the detectors that exist, unless `name` is one of them."""
    if name not in DETECTORS:
        raise RecipeError(
            "faces.model", f"'{name}' is not available", f"set it to one of: {', '.join(DETECTORS)}"
        )


def open_detector(name: str, weights: Weights, min_score: float = 0.6) -> Detector:
    """Open a detector by name.

    Args:
        weights: model name to file; asked only for what the detector needs.
        min_score: boxes below it are left out.

    Raises:
        RecipeError: unknown name.
        ModelMissing, ModelCorrupt: from `weights`, or when a file cannot be used.
    """
    check_name(name)
    return DETECTORS[name](weights, min_score)
