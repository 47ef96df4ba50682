"""Cutting a waveform into overlapping chunks of one length (RealSync, A.2)."""

from __future__ import annotations

import numpy as np


def chunk_spans(duration_ms: int, chunk_ms: int, hop_ms: int) -> list[tuple[int, int]]:
    """Start and end (exclusive) of each chunk, in ms, in order; together they cover the whole waveform.

    Chunks begin every `hop_ms`. Where the last of these does not reach the end, one more ends there exactly, so
    that all have the length `chunk_ms`. A waveform no longer than a chunk is one chunk; an empty one is none.
    """
    if duration_ms <= chunk_ms:
        return [(0, duration_ms)] if duration_ms > 0 else []
    last_ms = duration_ms - chunk_ms
    starts = [*range(0, last_ms, hop_ms), last_ms]
    return [(start_ms, start_ms + chunk_ms) for start_ms in starts]


def cut_chunks(waveform: np.ndarray, sample_rate: int, spans: list[tuple[int, int]]) -> np.ndarray:
    """The chunks of a waveform, float32 (len(spans), samples), for spans of one length in ms."""
    if not spans:
        return np.zeros((0, 0), np.float32)
    samples = (spans[0][1] - spans[0][0]) * sample_rate // 1000
    starts = [start_ms * sample_rate // 1000 for start_ms, _ in spans]
    return np.stack([waveform[start : start + samples] for start in starts]).astype(np.float32, copy=False)
