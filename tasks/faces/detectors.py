"""Face detectors behind one interface: batches of frames in, boxes with scores out.

    detect = open_detector("yunet", weights)      # weights: model name to file
    boxes = detect(frames)                        # one array per frame

| name | what | weights |
|---|---|---|
| haar | OpenCV's Viola–Jones cascade for frontal faces | none, it comes with OpenCV |
| yunet | YuNet (Wu et al. 2023) through ONNX Runtime | yunet |
| scrfd-500m, scrfd-2.5g | SCRFD (Guo et al. 2022) through ONNX Runtime | the name itself |
| buffalo-l | the SCRFD of the pack buffalo_l through insightface, of the extra `full` | buffalo-l-det |
On clips of 256 px, of 248 faces that SCRFD-2.5G and YuNet agree on at source resolution (294 frames of 44 real
videos; `tests/benchmarks/bench_faces.py`):

| | found of 24 px and more | below | ms a frame, one core |
|---|---|---|---|
| haar | 0.63 | 0 | 79 |
| yunet | 0.98 | 0.78 | 5 |
| scrfd-500m | 0.96 | 0.69 | 29 |
| scrfd-2.5g | 1.00 | 0.76 | 54 |
| yunet on the source, long side 640 px | 1.00 | 0.96 | 10 |

So the source's resolution shows faces that are too small for any lip network, and hardly any others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from tasks.faces import buffalo, haar, scrfd, yunet

Detector = Callable[[np.ndarray], list[np.ndarray]]
"""uint8 (n, h, w, 3) BGR → n arrays float32 (k, 5): x0, y0, x1, y1 in px of the frame, score 0–1.

Best first. Boxes may reach beyond the frame where a face does.
"""

Weights = Callable[[str], Path]

DETECTORS: Mapping[str, Callable[[Weights, float], Detector]] = {
    "haar": lambda weights, min_score: haar.open_cascade(min_score),
    "yunet": lambda weights, min_score: yunet.open_network(weights("yunet"), min_score),
    "scrfd-500m": lambda weights, min_score: scrfd.open_network(weights("scrfd-500m"), min_score),
    "scrfd-2.5g": lambda weights, min_score: scrfd.open_network(weights("scrfd-2.5g"), min_score),
    "buffalo-l": lambda weights, min_score: buffalo.open_network(weights("buffalo-l-det"), min_score),
}

WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "haar": (),
    "yunet": ("yunet",),
    "scrfd-500m": ("scrfd-500m",),
    "scrfd-2.5g": ("scrfd-2.5g",),
    "buffalo-l": ("buffalo-l-det",),
}
"""What each detector needs from the model store."""

MIN_SCORES: Mapping[str, float] = {
    "haar": 0.6, "yunet": 0.6, "scrfd-500m": 0.5, "scrfd-2.5g": 0.5, "buffalo-l": 0.5
}  # fmt: skip
"""The least score of a face where the recipe names none: their scores are not the same. Of YuNet's faces SCRFD 2.5G
finds 0.95 from 0.5 upwards, and 0.92 from 0.6."""


def check_name(name: str) -> None:
    """Raise RecipeError, listing the detectors that exist, unless `name` is one of them."""
    if name not in DETECTORS:
        raise RecipeError(
            "faces.model", f"'{name}' is not available", f"set it to one of: {', '.join(DETECTORS)}"
        )


def open_detector(name: str, weights: Weights, min_score: float | None = None) -> Detector:
    """Open a detector by name.

    Args:
        weights: model name to file; asked only for what the detector needs.
        min_score: boxes below it are left out; None: below the detector's own least score.

    Raises:
        RecipeError: unknown name.
        ModelMissing, ModelCorrupt: from `weights`, or when a file or a package cannot be used.
    """
    check_name(name)
    return DETECTORS[name](weights, MIN_SCORES[name] if min_score is None else min_score)
