"""The detectors of speech that a recipe may name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from schemas.errors import RecipeError
from schemas.recipe import Speech
from tasks.speech.intervals import SpeechInterval
from tasks.speech.silero import open_silero, silero_weights

Detector = Callable[[np.ndarray], list[SpeechInterval]]
"""From a waveform, float32 (N,) mono at 16 kHz in −1…1, to its intervals of speech in order.

Raises AnalysisError for a waveform of another shape or with values that are not finite.
"""

DETECTORS: Mapping[str, Callable[[Speech], Detector]] = {"silero": open_silero}
"""Name to the function that opens the detector with the recipe's settings (raises ModelMissing)."""

PACKAGED_WEIGHTS: Mapping[str, Callable[[], Path]] = {"silero": silero_weights}
"""Name to the file of weights that comes inside a package rather than from the model store."""


def open_detector(name: str, settings: Speech) -> Detector:
    """Open a detector by name.

    Raises:
        RecipeError: no such detector here; lists those that exist.
        ModelMissing: its weights are not on this machine.
    """
    check_name(name)
    return DETECTORS[name](settings)


def check_name(name: str) -> None:
    """Raise RecipeError, listing the detectors that exist, unless `name` is one of them."""
    if name not in DETECTORS:
        raise RecipeError(
            "speech.model", f"'{name}' is not available", f"set it to one of: {', '.join(DETECTORS)}"
        )


def weights_checksum(name: str) -> str:
    """SHA-256 (hex) of a detector's packaged weights: an upgraded package makes other intervals.

    Raises:
        RecipeError: no such detector.
        ModelMissing: its package is not installed.
    """
    check_name(name)
    with PACKAGED_WEIGHTS[name]().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
