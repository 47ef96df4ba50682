"""Up to which frequency a sound reaches: a telephone's ends at 3.4 kHz, that of a poor encoder not far above."""

from __future__ import annotations

import numpy as np

from tasks.conditions.spectra import BIN_HZ

_PERCENTILE = 95
"""Consonants and blows are short, so the loud moments of each frequency count."""

_BELOW_STRONGEST = 1e-7
"""Power 70 dB below the strongest frequency: a door's knock has little more above 1.5 kHz, yet is not muffled."""

_FLOOR = 10**-9.5


def bandwidth_hz(spectra: np.ndarray) -> int | None:
    """The highest frequency of `power_spectra` that is heard, Hz, to 31 Hz; None where nothing is."""
    if not len(spectra):
        return None
    loud = np.percentile(spectra, _PERCENTILE, axis=0)
    heard = np.flatnonzero((loud > _BELOW_STRONGEST * loud.max()) & (loud > _FLOOR))
    return round(float(heard[-1]) * BIN_HZ) if len(heard) else None
