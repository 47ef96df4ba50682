"""From evidence to the probability that a face makes the sound.

The coefficients in `calibration.json` come from a logistic regression on openly available labelled clips; the file
says which, when and how well. `python -m tests.benchmarks.fit_speakers` makes it again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path

FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True)
class Calibration:
    """probability = 1 / (1 + exp(−(intercept + Σ weight · feature)))."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """0–1, of one window's features."""
        total = self.intercept + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1 / (1 + exp(-max(min(total, 50.0), -50.0)))


@cache
def calibration(scorer: str) -> Calibration:
    """The calibration of a scorer, by the scorer's name."""
    fitted = json.loads(FILE.read_text(encoding="utf-8"))["scorers"][scorer]
    return Calibration(fitted["intercept"], tuple(fitted["weights"]))
