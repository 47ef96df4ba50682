"""Chunks cover the waveform, have one length, and come in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.sounds.chunks import chunk_spans, cut_chunks


@pytest.mark.parametrize(
    ("duration_ms", "wanted"),
    [
        (0, []),
        (1, [(0, 1)]),
        (1_999, [(0, 1_999)]),
        (2_000, [(0, 2_000)]),
        (2_001, [(0, 2_000), (1, 2_001)]),
        (4_000, [(0, 2_000), (1_000, 3_000), (2_000, 4_000)]),
        (4_400, [(0, 2_000), (1_000, 3_000), (2_000, 4_000), (2_400, 4_400)]),
    ],
)
def test_cases(duration_ms, wanted):
    assert chunk_spans(duration_ms, 2_000, 1_000) == wanted


@given(st.integers(0, 30_000), st.integers(1, 4_000), st.data())
def test_cover_without_gap(duration_ms, chunk_ms, data):
    hop_ms = data.draw(st.integers(max(1, chunk_ms // 20), chunk_ms))
    spans = chunk_spans(duration_ms, chunk_ms, hop_ms)
    reached_ms = 0
    for start_ms, end_ms in spans:
        assert start_ms <= reached_ms < end_ms
        assert end_ms - start_ms == min(chunk_ms, duration_ms)
        reached_ms = end_ms
    assert reached_ms == duration_ms


@given(st.integers(1, 5_000), st.sampled_from([16_000, 32_000]))
def test_samples_of_each_chunk(duration_ms, sample_rate):
    waveform = np.arange(duration_ms * sample_rate // 1000, dtype=np.float32)
    spans = chunk_spans(duration_ms, 1_000, 700)
    chunks = cut_chunks(waveform, sample_rate, spans)
    for (start_ms, end_ms), chunk in zip(spans, chunks, strict=True):
        assert chunk[0] == start_ms * sample_rate // 1000
        assert len(chunk) == (end_ms - start_ms) * sample_rate // 1000


def test_nothing_to_cut():
    assert cut_chunks(np.zeros(0, np.float32), 16_000, []).shape == (0, 0)
