"""How much of a sound was cut off at full scale, after what a sample-rate conversion and AAC leave of it.

Cut tops are flat only until a filter or a codec rounds them. What stays is their number: of a sound that was never
cut, a few samples in ten thousand come within 1 dB of its peak; where one sample in a hundred was cut, a hundred do.
"""

from __future__ import annotations

import numpy as np

from tasks.conditions.spectra import HOP, WINDOW

_NEAR = 10 ** (-1 / 20)
_LEAST_PEAK = 10 ** (-3 / 20)
"""A quieter sound is taken as never cut: nothing tells a limiter's work in it from a cut that was turned down."""

_OUTLIERS = 20_000
"""One sample in so many may lie above what counts as the peak: single ones overshoot."""

_TONE_BINS, _TONE, _LOWEST = 2, 0.95, 5
"""A window with so much of its power this near to its strongest frequency is a steady tone, of which almost a third
is within 1 dB of its peak. Below 156 Hz it may as well be wind, which overloads microphones."""


def clipped_share(waveform: np.ndarray, spectra: np.ndarray) -> float:
    """The share of samples, 0–1, within 1 dB of a peak that is near full scale, steady tones aside.

    Args:
        waveform: float32 (n,) at 16 kHz, −1…1.
        spectra: its `power_spectra`.
    """
    if not len(waveform):
        return 0.0
    level = np.abs(waveform)
    place = len(level) - 1 - len(level) // _OUTLIERS
    peak = np.partition(level, place)[place]
    if peak < _LEAST_PEAK:
        return 0.0
    near = np.flatnonzero(level >= _NEAR * peak)
    if len(spectra):
        # Each sample belongs to the window whose middle it is nearest to.
        windows = np.clip((near - WINDOW // 2 + HOP // 2) // HOP, 0, len(spectra) - 1)
        near = near[~_tones(spectra)[windows]]
    return round(len(near) / len(level), 5)


def _tones(spectra: np.ndarray) -> np.ndarray:
    """Which windows hold one tone: bool (windows,)."""
    strongest = spectra.argmax(axis=1)
    around = np.clip(strongest[:, None] + np.arange(-_TONE_BINS, _TONE_BINS + 1), 0, spectra.shape[1] - 1)
    in_tone = np.take_along_axis(spectra, around, axis=1).sum(axis=1)
    return (strongest >= _LOWEST) & (in_tone >= _TONE * spectra.sum(axis=1))
