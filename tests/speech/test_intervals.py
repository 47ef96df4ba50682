"""From probabilities to intervals: a table of cases, and what holds for any probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sections import Speech
from tasks.speech.intervals import speech_intervals

WINDOW_MS, PAD_MS = 32, 30
SETTINGS = Speech(threshold=0.5, min_speech="96 ms", min_silence="64 ms")


def find(probabilities: list[float], settings: Speech = SETTINGS) -> list[tuple[int, int]]:
    duration_ms = WINDOW_MS * len(probabilities)
    found = speech_intervals(np.array(probabilities), WINDOW_MS, duration_ms, settings, PAD_MS)
    return [(interval.start_ms, interval.end_ms) for interval in found]


@pytest.mark.parametrize(
    ("probabilities", "wanted"),
    [
        ([], []),
        ([0.1] * 20, []),
        ([0.9] * 20, [(0, 640)]),
        # Four windows of speech, padded on both sides.
        ([0] * 5 + [0.9] * 4 + [0] * 5, [(160 - 30, 288 + 30)]),
        # Exactly the shortest length is left out.
        ([0] * 5 + [0.9] * 3 + [0] * 5, []),
        # Hysteresis: 0.4 neither begins speech nor ends it.
        ([0.4] * 5 + [0.9] * 2 + [0.4] * 5 + [0] * 5, [(160 - 30, 384 + 30)]),
        # Two quiet windows are bridged, since speech ends only once 64 ms have gone by.
        ([0.9] * 5 + [0] * 2 + [0.9] * 5, [(0, 384)]),
        # Three are not; the neighbours grow by 30 ms each into the 96 ms between them.
        ([0.9] * 5 + [0] * 3 + [0.9] * 5, [(0, 190), (226, 416)]),
    ],
)
def test_cases(probabilities, wanted):
    assert find(probabilities) == wanted


def test_close_neighbours_meet_in_the_middle():
    settings = Speech(threshold=0.5, min_speech="32 ms", min_silence="32 ms")
    (first, second) = speech_intervals(np.array([0.9] * 4 + [0] * 2 + [0.9] * 4), 32, 320, settings, 100)
    assert first.end_ms == second.start_ms == 160


def test_score_is_the_mean_over_the_interval():
    (only,) = speech_intervals(np.array([0, 0.6, 0.8, 0.7, 0.7, 0, 0, 0, 0]), 32, 288, SETTINGS, PAD_MS)
    assert only.score == pytest.approx(0.7)


@given(
    st.lists(st.floats(0, 1), max_size=200),
    st.floats(0.05, 1),
    st.integers(0, 500),
    st.integers(0, 500),
    st.integers(0, 31),
)
def test_intervals_are_ordered_apart_and_inside(
    probabilities, threshold, min_speech_ms, min_silence_ms, cut_ms
):
    settings = Speech(
        threshold=threshold, min_speech=f"{min_speech_ms} ms", min_silence=f"{min_silence_ms} ms"
    )
    duration_ms = max(0, WINDOW_MS * len(probabilities) - cut_ms)
    found = speech_intervals(np.array(probabilities), WINDOW_MS, duration_ms, settings, PAD_MS)
    edges = [edge for interval in found for edge in (interval.start_ms, interval.end_ms)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= duration_ms for edge in edges)
    for interval in found:
        assert interval.end_ms - interval.start_ms > min_speech_ms
        assert 0 <= interval.score <= 1


@given(st.lists(st.floats(0, 1), max_size=100), st.floats(0.2, 0.9))
def test_a_lower_threshold_never_finds_less(probabilities, threshold):
    strict = Speech(threshold=threshold, min_speech="0 ms", min_silence="100 ms")
    lax = strict.model_copy(update={"threshold": threshold - 0.15})

    def covered(settings: Speech) -> int:
        return sum(end - start for start, end in find(probabilities, settings))

    assert covered(lax) >= covered(strict)
