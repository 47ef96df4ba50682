"""Fingerprints of sound: Chromaprint, 32 bits for every 124 ms, each of what is heard in 2.7 s.

They follow the pitch classes of what sounds, which codecs, bit rates and volume leave alone.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from schemas.errors import ToolMissing
from schemas.units import SAMPLE_RATE

_RATE, _FRAME, _HOP, _FRAMES = 11_025, 4096, 4096 // 3, 20
"""Chromaprint's own: it hears 11,025 Hz in frames of 4096 samples, three overlapping, and 20 of them for an item."""

STEP_MS = 1000 * _HOP / _RATE
SPAN_MS = 1000 * (_FRAME + (_FRAMES - 1) * _HOP) / _RATE
"""Of one item: 124 ms after the one before, and of 2,724 ms."""

_SILENCE_DBFS = -60.0


def prints_of(waveform: np.ndarray) -> list[int | None]:
    """The items of a waveform's fingerprint in their order, 0 to 2³² − 1; None where it is silent.

    Args:
        waveform: float32 (n,), 16 kHz, mono, −1…1. One shorter than 2.7 s has no items.

    Raises:
        ToolMissing: the Chromaprint library is not on this machine.
    """
    chromaprint = _library()
    printer = chromaprint.Fingerprinter()
    printer.start(SAMPLE_RATE, 1)
    printer.feed((np.clip(waveform, -1, 1) * 32767).round().astype("<i2").tobytes())
    items, _ = chromaprint.decode_fingerprint(printer.finish())
    heard = _is_heard(waveform, len(items))
    return [int(item) if loud else None for item, loud in zip(items, heard, strict=True)]


def _is_heard(waveform: np.ndarray, count: int) -> np.ndarray:
    """Whether the span of each of `count` items is louder than silence."""
    energy = np.concatenate(([0.0], np.cumsum(waveform.astype(np.float64) ** 2)))
    starts = (np.arange(count) * STEP_MS * SAMPLE_RATE / 1000).astype(np.int64)
    stops = np.minimum(starts + int(SPAN_MS * SAMPLE_RATE / 1000), len(waveform))
    power = (energy[stops] - energy[starts]) / np.maximum(stops - starts, 1)
    return power > 10 ** (_SILENCE_DBFS / 10)


def _library() -> ModuleType:
    try:
        import chromaprint
    except ImportError as error:
        raise ToolMissing(
            "libchromaprint", f"cannot be loaded: {error}", "install ffmpeg or libchromaprint1 from Debian"
        ) from error
    return chromaprint
