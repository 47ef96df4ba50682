"""Short-time power spectra of a waveform, made once and read by several measures."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from schemas.units import SAMPLE_RATE

WINDOW, HOP = 512, 256
"""Samples: 32 ms and 16 ms."""

BIN_HZ = SAMPLE_RATE / WINDOW

_AT_ONCE = 4096


def power_spectra(waveform: np.ndarray) -> np.ndarray:
    """Spectra of a waveform, float32 (n,) at 16 kHz, −1…1; a rest that fills no window is left.

    Returns:
        float32 (windows, 257): power by frequency, in steps of `BIN_HZ`, full scale being 1. Memory: 64 kB for a
        second of sound.
    """
    count = max(0, (len(waveform) - WINDOW) // HOP + 1)
    spectra = np.empty((count, WINDOW // 2 + 1), np.float32)
    if not count:
        return spectra
    shape = np.hanning(WINDOW).astype(np.float32)
    scale = np.float32(2 / WINDOW / (shape**2).sum())
    windows = sliding_window_view(waveform, WINDOW)[::HOP]
    for start in range(0, count, _AT_ONCE):
        transformed = np.fft.rfft(windows[start : start + _AT_ONCE] * shape)
        spectra[start : start + _AT_ONCE] = (transformed.real**2 + transformed.imag**2) * scale
    return spectra
