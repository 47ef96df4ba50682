"""What a sound stands above, and whether that is noise.

Speech, barking and blows leave pauses, and what is heard in these is the background: there the measure is a
signal-to-noise ratio. Music that never rests, an engine and rain leave none. Of them it says how far the mean is
above the quietest moments, which is no more than their true ratio, and says nothing against them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.conditions.spectra import BIN_HZ

_LOWEST_HZ, _HIGHEST_HZ = 150, 7000
"""Rumble below comes and goes like a sound; above, codecs leave gaps."""

_QUIETEST = 10
_FLATNESS_OF = 20
"""Per cent of the windows that count as background, for its level and for its spectrum."""

_SILENCE = 1e-12
"""Power of a window below which it is digital silence, not background."""


@dataclass(frozen=True)
class Background:
    """The quietest tenth of a sound, digital silence aside.

    Attributes:
        above_db: how far the sound's mean power is above it, dB, to 0.1.
        flatness: of its spectrum, 0–1, to 0.01: near 1 for hiss, 0.7 for softer noise and heavy rain, below 0.5 for
            most machines, music and voices.
    """

    above_db: float
    flatness: float


def background_of(spectra: np.ndarray) -> Background | None:
    """Measure `power_spectra`; None where all is digital silence."""
    first, last = int(_LOWEST_HZ / BIN_HZ) + 1, int(_HIGHEST_HZ / BIN_HZ) + 1
    powers = spectra[:, first:].sum(axis=1, dtype=np.float64)
    sounding = powers > _SILENCE
    if not sounding.any():
        return None
    heard, powers = spectra[sounding], powers[sounding]
    floor = np.percentile(powers, _QUIETEST)
    quiet = heard[powers <= np.percentile(powers, _FLATNESS_OF), first:last].mean(axis=0, dtype=np.float64)
    quiet = np.maximum(quiet, np.finfo(np.float64).tiny)
    # Of a steady sound the mean is the background itself, and a ratio of 0 has no decibels.
    above = max(float(powers.mean() / floor) - 1, 1e-3)
    flatness = float(np.exp(np.log(quiet).mean()) / quiet.mean())
    return Background(round(10 * float(np.log10(above)), 1), round(flatness, 2))
