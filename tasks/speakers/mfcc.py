"""Mel-frequency cepstra of speech, as LR-ASD's network was trained on.

The recipe is that of python_speech_features.mfcc with its defaults: 13 coefficients, frames of 25 ms every
10 ms without a taper, 512-point power spectra, 26 triangular mel filters from 0 Hz to Nyquist, a
pre-emphasis of 0.97, a sine lifter of 22, and the log energy of the frame in place of coefficient 0.
"""

from __future__ import annotations

import functools

import numpy as np

from schemas.units import SAMPLE_RATE

HOP_SAMPLES = SAMPLE_RATE // 100
FRAME_SAMPLES = SAMPLE_RATE // 40
_FFT, _FILTERS, _COEFFICIENTS, _LIFTER, _PRE_EMPHASIS = 512, 26, 13, 22, 0.97
_TINY = np.finfo(float).eps
_BLOCK = 4096


def mfcc(waveform: np.ndarray, frames: int) -> np.ndarray:
    """MFCC of the first `frames` hops of 10 ms; silence follows where the waveform ends sooner.

    Args:
        waveform: float32 (N,), −1 to 1, at 16 kHz.
        frames: number of hops wanted, four for each frame of a 25 fps picture.

    Returns:
        float32 (frames, 13).
    """
    if frames <= 0:
        return np.zeros((0, _COEFFICIENTS), np.float32)
    needed = (frames - 1) * HOP_SAMPLES + FRAME_SAMPLES
    # The network learnt on 16-bit sample values; its input carries that scale in the log energy.
    samples = np.clip(np.rint(waveform[:needed].astype(np.float64) * 32768), -32768, 32767)
    emphasised = np.zeros(needed)
    emphasised[: len(samples)] = samples
    emphasised[1 : len(samples)] -= _PRE_EMPHASIS * samples[:-1]
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, FRAME_SAMPLES)[::HOP_SAMPLES]
    blocks = [_cepstra(windows[i : i + _BLOCK]) for i in range(0, frames, _BLOCK)]
    return np.concatenate(blocks).astype(np.float32)


def _cepstra(windows: np.ndarray) -> np.ndarray:
    power = np.abs(np.fft.rfft(windows, _FFT)) ** 2 / _FFT
    energy = np.log(np.maximum(power.sum(axis=1), _TINY))
    mel = np.log(np.maximum(power @ _mel_filters().T, _TINY))
    cepstra = mel @ _cosines_with_lifter()
    cepstra[:, 0] = energy
    return cepstra


@functools.cache
def _mel_filters() -> np.ndarray:
    """float64 (26, 257): triangles whose corners are evenly spaced in mel and rounded down to FFT bins."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    corners_hz = 700 * (10 ** (np.linspace(0, top, _FILTERS + 2) / 2595) - 1)
    corners = np.floor((_FFT + 1) * corners_hz / SAMPLE_RATE)[:, None]
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(_FFT // 2 + 1)
    rising = (bins - left) / np.maximum(centre - left, 1)
    falling = (right - bins) / np.maximum(right - centre, 1)
    return np.where((bins >= left) & (bins < centre), rising, 0) + np.where(
        (bins >= centre) & (bins < right), falling, 0
    )


@functools.cache
def _cosines_with_lifter() -> np.ndarray:
    """float64 (26, 13): orthonormal DCT-II, each column weighted by the lifter."""
    order = np.arange(_COEFFICIENTS)
    cosines = np.cos(np.pi * np.outer(np.arange(_FILTERS) + 0.5, order) / _FILTERS)
    scale = np.where(order == 0, np.sqrt(1 / _FILTERS), np.sqrt(2 / _FILTERS))
    lifter = 1 + _LIFTER / 2 * np.sin(np.pi * order / _LIFTER)
    return cosines * scale * lifter
