"""How loud a clip is, and for how long it is silent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from schemas.units import SAMPLE_RATE

STEP_MS = 20
_STEP = SAMPLE_RATE * STEP_MS // 1000


@dataclass(frozen=True)
class Loudness:
    """A clip's sound.

    Attributes:
        level_dbfs: root mean square of the whole, dB of full scale, to 0.1; None for digital silence.
        silent_ms: how much of it is below the level of silence, in steps of `STEP_MS`; the last may be shorter.
    """

    level_dbfs: float | None
    silent_ms: int


def level_dbfs(waveform: np.ndarray) -> float:
    """Root mean square, dB of full scale; −inf for digital silence and for nothing."""
    return _dbfs(float((waveform.astype(np.float64) ** 2).mean())) if len(waveform) else -math.inf


def _dbfs(mean_power: float) -> float:
    return 10 * math.log10(mean_power) if mean_power > 0 else -math.inf


def loudness_of(waveform: np.ndarray, silence_dbfs: float) -> Loudness:
    """Measure a waveform, float32 (n,) at 16 kHz, −1…1; one without samples is silent for 0 ms.

    Args:
        silence_dbfs: a step is silent whose root mean square is below this, dB of full scale.
    """
    power = waveform.astype(np.float64) ** 2
    starts = np.arange(0, len(power), _STEP)
    lengths = np.minimum(_STEP, len(power) - starts)
    sums = np.add.reduceat(power, starts) if len(starts) else np.zeros(0)
    silent = sums / np.maximum(lengths, 1) < 10 ** (silence_dbfs / 10)
    level = _dbfs(float(sums.sum()) / len(power)) if len(power) else -math.inf
    return Loudness(
        None if level == -math.inf else round(level, 1), int(lengths[silent].sum()) * 1000 // SAMPLE_RATE
    )
