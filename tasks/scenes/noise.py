"""Noise with a spectrum that moves: white noise, shaped frame by frame and overlapped."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

HOP_MS = 8


def shaped_noise(
    samples: int,
    sample_rate: int,
    gains: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rng: np.random.Generator,
    hop_ms: int = HOP_MS,
) -> np.ndarray:
    """Noise whose spectrum is given over time.

    Args:
        gains: from the frames' times in s (T,) and frequencies in Hz (F,) to linear gains (T, F).
        hop_ms: how often the spectrum may change.

    Returns:
        float64 (samples,), of standard deviation 1 where every gain is 1.
    """
    hop = max(1, sample_rate * hop_ms // 1000)
    size = 2 * hop
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size)
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    frames = samples // hop + 2
    out = np.zeros((frames + 1) * hop)
    for first in range(0, frames, 1024):
        count = min(1024, frames - first)
        starts = (first + np.arange(count)) * hop
        spectra = np.fft.rfft(rng.standard_normal((count, size)) * window, axis=1)
        # Frames begin one hop before the sound, so the middle of frame k lies at k hops.
        spectra *= gains(starts / sample_rate, frequencies)
        overlap_add(out, np.fft.irfft(spectra, size, axis=1) * window, starts)
    return out[hop : hop + samples]


def overlap_add(out: np.ndarray, pieces: np.ndarray, starts: np.ndarray) -> None:
    """Add each row of `pieces` (N, L) into `out` (samples,) at its start; what lies past the end is lost."""
    length = pieces.shape[1]
    for piece, start in zip(pieces, starts, strict=True):
        room = len(out) - start
        if room > 0:
            out[start : start + length] += piece[:room]
