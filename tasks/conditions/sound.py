"""All that is measured of a clip's sound, from one reading of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from schemas.units import SAMPLE_RATE
from tasks.conditions.background import Background, background_of
from tasks.conditions.bandwidth import bandwidth_hz
from tasks.conditions.clipping import clipped_share
from tasks.conditions.dropouts import dropout_ms
from tasks.conditions.loudness import Loudness, loudness_of
from tasks.conditions.spectra import power_spectra

STEP_MS = 20
_STEP = SAMPLE_RATE * STEP_MS // 1000


@dataclass(frozen=True)
class Sound:
    """A clip's sound.

    Attributes:
        level_dbfs: root mean square of the whole, dB of full scale, to 0.1; None for digital silence.
        silent_ms: how much of it is below the level of silence, in steps of `STEP_MS`; the last may be shorter.
        clipped_share: see `clipping`.
        bandwidth_hz: see `bandwidth`; None where nothing is heard.
        dropout_ms: see `dropouts`.
        background: None for digital silence.
    """

    level_dbfs: float | None
    silent_ms: int
    loudness: Loudness
    clipped_share: float = 0.0
    bandwidth_hz: int | None = None
    dropout_ms: int = 0
    background: Background | None = None


def level_dbfs(waveform: np.ndarray) -> float:
    """Root mean square, dB of full scale; −inf for digital silence and for nothing."""
    return _dbfs(float((waveform.astype(np.float64) ** 2).mean())) if len(waveform) else -math.inf


def _dbfs(mean_power: float) -> float:
    return 10 * math.log10(mean_power) if mean_power > 0 else -math.inf


def silent_ms(waveform: np.ndarray, silence_dbfs: float) -> int:
    """For how long a waveform, float32 (n,) at 16 kHz, −1…1, is silent; without samples, for 0 ms.

    Args:
        silence_dbfs: a step is silent whose root mean square is below this, dB of full scale.
    """
    power = waveform.astype(np.float64) ** 2
    starts = np.arange(0, len(power), _STEP)
    lengths = np.minimum(_STEP, len(power) - starts)
    sums = np.add.reduceat(power, starts) if len(starts) else np.zeros(0)
    silent = sums / np.maximum(lengths, 1) < 10 ** (silence_dbfs / 10)
    return int(lengths[silent].sum()) * 1000 // SAMPLE_RATE


def sound_of(waveform: np.ndarray, silence_dbfs: float) -> Sound:
    """Measure a waveform, float32 (n,) at 16 kHz, −1…1. About 5 ms for a second of sound."""
    level = level_dbfs(waveform)
    spectra = power_spectra(waveform)
    return Sound(
        None if level == -math.inf else round(level, 1),
        silent_ms(waveform, silence_dbfs),
        loudness_of(waveform),
        clipped_share(waveform, spectra),
        bandwidth_hz(spectra),
        dropout_ms(waveform),
        background_of(spectra),
    )
