"""The detectors of speech that a recipe may name.

| name | what | weights |
|---|---|---|
| silero | silero-vad on onnxruntime, 220 times real time on one core | inside its package |
| pyannote | segmentation network of pyannote's community-1; needs the `full` extra | model store |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from schemas.sections import Speech
from tasks.speech.intervals import SpeechInterval
from tasks.speech.pyannote import DETECTION_WEIGHTS, Weights, open_pyannote
from tasks.speech.silero import open_silero, silero_weights

Detector = Callable[[np.ndarray], list[SpeechInterval]]
"""From a waveform, float32 (N,) mono at 16 kHz in −1…1, to its intervals of speech in order.

Raises AnalysisError for a waveform of another shape or with values that are not finite.
"""

DETECTORS: Mapping[str, Callable[[Speech, Weights], Detector]] = {
    "silero": lambda settings, weights: open_silero(settings),
    "pyannote": open_pyannote,
}
"""Name to the function that opens the detector with the recipe's settings (raises ModelMissing)."""

WEIGHTS: Mapping[str, tuple[str, ...]] = {"silero": (), "pyannote": DETECTION_WEIGHTS}
"""What each detector needs from the model store."""

PACKAGED_WEIGHTS: Mapping[str, Callable[[], Path]] = {"silero": silero_weights}
"""Name to the file of weights that comes inside a package rather than from the model store."""


def open_detector(name: str, settings: Speech, weights: Weights) -> Detector:
    """Open a detector by name.

    Args:
        weights: model name to file; asked only for what the detector needs.

    Raises:
        RecipeError: no such detector here; lists those that exist.
        ModelMissing, ModelCorrupt: its weights or its package are not right on this machine.
    """
    check_name(name)
    return DETECTORS[name](settings, weights)


def check_name(name: str) -> None:
    """Raise RecipeError, listing the detectors that exist, unless `name` is one of them."""
    if name not in DETECTORS:
        raise RecipeError(
            "speech.model", f"'{name}' is not available", f"set it to one of: {', '.join(DETECTORS)}"
        )


def packaged_checksum(name: str) -> str | None:
    """SHA-256 (hex) of a detector's packaged weights: an upgraded package makes other intervals.

    None for a detector whose weights come from the model store.

    Raises:
        RecipeError: no such detector.
        ModelMissing: its package is not installed.
    """
    check_name(name)
    if name not in PACKAGED_WEIGHTS:
        return None
    with PACKAGED_WEIGHTS[name]().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
