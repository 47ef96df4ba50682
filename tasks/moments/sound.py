"""How loud a source's sound is and where something begins in it, every 10 ms of its presentation clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.units import SAMPLE_RATE

TICK_MS = 10
TICK_SAMPLES = SAMPLE_RATE * TICK_MS // 1000
SILENCE_DBFS = -100.0

_WINDOW = 512
_BLOCK_TICKS = 3000
_BACK_TICKS = 3
"""What begins is louder than it was 30 ms before: a window that overlaps its predecessor by little."""

_FIRST_RISE_TICK = _BACK_TICKS + _WINDOW // TICK_SAMPLES
_HALF_WINDOW_TICKS = -(-_WINDOW // (2 * TICK_SAMPLES))

_BANDS, _LOWEST_HZ, _HIGHEST_HZ = 24, 80.0, 7600.0
_FAINT_DBFS = -75.0
"""In each band; below, changes are those of noise that nobody hears."""


@dataclass(frozen=True)
class Heard:
    """A source's sound, tick by tick of 10 ms.

    Attributes:
        level_dbfs: float32 (ticks,), root mean square of 32 ms around the tick's start.
        rise_db: float32 (ticks,), by how much sound rises within 30 ms, mean over 24 bands of equal width in
            pitch; falling bands count nothing. Noise that goes on has 1 to 3, syllables and notes 4 to 10,
            a blow 10 to 40.
    """

    level_dbfs: np.ndarray
    rise_db: np.ndarray


def listen(samples: np.ndarray, first_tick: int, ticks: int) -> Heard:
    """Listen to a span.

    Args:
        samples: int16 (n,), mono, 16 kHz; may be mapped from a file, of which half a minute is read at once.
        first_tick: where the span begins, in ticks of 160 samples from the first sample; may be negative.
        ticks: how long it is.
    """
    level, rise = np.empty(ticks, np.float32), np.empty(ticks, np.float32)
    taper = np.hanning(_WINDOW).astype(np.float32)
    bands = _band_weights()
    for begin in range(0, ticks, _BLOCK_TICKS):
        count = min(_BLOCK_TICKS, ticks - begin)
        windows = _windows(samples, first_tick + begin - _BACK_TICKS, count + _BACK_TICKS)
        spectra = np.abs(np.fft.rfft(windows * taper, axis=1)).astype(np.float32) ** 2
        pitch_db = 10 * np.log10(spectra @ bands + 10 ** (_FAINT_DBFS / 10))
        power = np.mean(np.square(windows[_BACK_TICKS:]), axis=1)
        level[begin : begin + count] = 10 * np.log10(power + 10 ** (SILENCE_DBFS / 10))
        rise[begin : begin + count] = np.maximum(pitch_db[_BACK_TICKS:] - pitch_db[:-_BACK_TICKS], 0).mean(
            axis=1
        )
    # Where a recording begins or breaks off, nothing that sounds begins; a window half outside it hears a click.
    rise[: max(0, _FIRST_RISE_TICK - first_tick)] = 0
    rise[max(0, len(samples) // TICK_SAMPLES - _HALF_WINDOW_TICKS - first_tick + 1) :] = 0
    return Heard(level, rise)


def _windows(samples: np.ndarray, first_tick: int, count: int) -> np.ndarray:
    """float32 (count, 512), −1…1: the samples around the start of each tick, zero outside the sound."""
    start = first_tick * TICK_SAMPLES - _WINDOW // 2
    length = (count - 1) * TICK_SAMPLES + _WINDOW
    block = np.zeros(length, np.float32)
    low, high = max(0, start), min(len(samples), start + length)
    if low < high:
        block[low - start : high - start] = samples[low:high]
    block /= 32768
    return np.lib.stride_tricks.sliding_window_view(block, _WINDOW)[::TICK_SAMPLES]


def _band_weights() -> np.ndarray:
    """float32 (257, 24): from the power of a tapered window's bins to mean squares in bands of equal mel width."""
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
    lowest, highest = (2595 * np.log10(1 + edge / 700) for edge in (_LOWEST_HZ, _HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, _BANDS + 2) / 2595) - 1)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (hertz[:, None] - low) / (centre - low)
    falling = (high - hertz[:, None]) / (high - centre)
    weights = np.clip(np.minimum(rising, falling), 0, None)
    # Narrow bands may fall between two bins.
    weights[np.argmin(np.abs(hertz[:, None] - centre), axis=0), np.arange(_BANDS)] += 1e-3
    power_of_full_scale = _WINDOW * np.sum(np.hanning(_WINDOW) ** 2) / 2
    return (weights / power_of_full_scale).astype(np.float32)
