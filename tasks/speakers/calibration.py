"""From evidence to the probability that a face makes the sound, and to what cannot be told.

The numbers in `calibration.json` come from openly available labelled clips; the file says which, when and how well.
`python -m tests.benchmarks.fit_speakers --write` makes it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True)
class Metric:
    """Where a network's views of face and sound can be compared: two linear maps into one small space.

    Attributes:
        picture: float (width, r), for what the network makes of a face in a frame.
        sound: float (width, r), for what it makes of the sound of a frame.
    """

    picture: np.ndarray
    sound: np.ndarray


@dataclass(frozen=True)
class Limits:
    """Below these nothing can be told of a window: its frames, those with speech, and its mouth's motion in grey."""

    frames: int = 0
    spoken_frames: int = 0
    grey_levels: float = 0.0

    def broken_by(self, frames: int, spoken_frames: int, grey_levels: float) -> str | None:
        """`too_short`, `too_little_speech` or `too_still`, the first that holds; None if the window can be judged."""
        if frames < self.frames:
            return "too_short"
        if spoken_frames < self.spoken_frames:
            return "too_little_speech"
        return "too_still" if grey_levels < self.grey_levels else None


@dataclass(frozen=True)
class Calibration:
    """probability = 1 / (1 + exp(−(intercept + Σ weight · feature))).

    Attributes:
        lag_frames: what the scorer's offsets are off by where picture and sound are in time.
    """

    intercept: float
    weights: tuple[float, ...]
    lag_frames: float = 0.0
    limits: Limits = Limits()

    def probability(self, features: Sequence[float]) -> float:
        """0–1, of one window's features."""
        total = self.intercept + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1 / (1 + exp(-max(min(total, 50.0), -50.0)))


@cache
def calibration(scorer: str) -> Calibration:
    """The calibration of a scorer, by the scorer's name."""
    fitted = _fitted(scorer)
    return Calibration(
        fitted["intercept"], tuple(fitted["weights"]), fitted["lag_frames"], Limits(**fitted["limits"])
    )


@cache
def metric(scorer: str) -> Metric:
    """The metric of a scorer that has a network, by the scorer's name."""
    fitted = _fitted(scorer)["metric"]
    return Metric(np.array(fitted["picture"]), np.array(fitted["sound"]))


def digest(scorer: str) -> str:
    """SHA-256 of all that was fitted for a scorer: what its results depend on."""
    return hashlib.sha256(json.dumps(_fitted(scorer), sort_keys=True).encode()).hexdigest()


def _fitted(scorer: str) -> dict:
    return json.loads(FILE.read_text(encoding="utf-8"))["scorers"][scorer]
