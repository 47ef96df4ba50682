"""Loudness and true peak: tones whose values follow from the standard, silence, and what is too short."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conditions.loudness import Loudness, loudness_of

RATE = 16_000


def tone(seconds: float, peak_dbfs: float, hertz: float = 997, phase: float = 0.0) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return (10 ** (peak_dbfs / 20) * np.sin(2 * np.pi * hertz * times + phase)).astype(np.float32)


# EBU Tech 3341's cases 1 to 5, in one channel: 3.0 LU below what two of them read.
CASES = {
    "1: -23": ([(20, -23.0)], -26.0),
    "2: -33": ([(20, -33.0)], -36.0),
    "3: quieter parts are gated": ([(10, -36.0), (60, -23.0), (10, -36.0)], -26.0),
    "4: and near silence": ([(10, -72.0), (10, -36.0), (60, -23.0), (10, -36.0), (10, -72.0)], -26.0),
    "5: parts within the gate count": ([(20, -26.0), (20.1, -20.0), (20, -26.0)], -26.0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_tones_of_the_standard(name: str) -> None:
    parts, expected = CASES[name]
    waveform = np.concatenate([tone(seconds, level) for seconds, level in parts])
    assert loudness_of(waveform).lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("hertz", "weight"), [(100, -1.8), (997, 0.0), (4000, 3.3)])
def test_the_ear_hears_low_tones_less_and_high_ones_more(hertz: float, weight: float) -> None:
    assert loudness_of(tone(5, -20, hertz)).lufs == pytest.approx(-23.0 + weight, abs=0.2)


def test_the_peak_is_between_the_samples() -> None:
    """All samples of this tone are at 0.707 of its crest."""
    waveform = tone(2, -6, RATE / 4, np.pi / 4)
    waveform *= np.minimum(1, np.arange(len(waveform))[::-1] / 800) * np.minimum(
        1, np.arange(len(waveform)) / 800
    )
    assert np.abs(waveform).max() == pytest.approx(10 ** (-9 / 20), abs=0.005)
    assert loudness_of(waveform).true_peak_dbtp == pytest.approx(-6, abs=0.2)


@pytest.mark.parametrize(
    ("samples", "has_peak"), [(0, False), (1, False), (1599, False), (1600, True), (6399, True)]
)
def test_less_than_a_block_has_no_loudness(samples: int, has_peak: bool) -> None:
    found = loudness_of(tone(1, -20)[:samples])
    assert found.lufs is None
    assert (found.true_peak_dbtp is not None) == has_peak


def test_one_block_has_a_loudness() -> None:
    assert loudness_of(tone(0.4, -20)).lufs == pytest.approx(-23, abs=0.1)
    assert loudness_of(tone(0.45, -20)).lufs == pytest.approx(-23, abs=0.1)


def test_silence_has_none() -> None:
    assert loudness_of(np.zeros(3 * RATE, np.float32)) == Loudness(None, None)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 24), st.floats(-20, -3))
def test_a_gain_moves_the_loudness_by_itself(seed: int, seconds: float, gain_db: float) -> None:
    """Also where the sound is longer than what the filter gets at a time."""
    noise = np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)
    before, after = loudness_of(noise), loudness_of(noise * np.float32(10 ** (gain_db / 20)))
    assert after.lufs - before.lufs == pytest.approx(gain_db, abs=0.11)
    assert after.true_peak_dbtp - before.true_peak_dbtp == pytest.approx(gain_db, abs=0.25)
    assert before.true_peak_dbtp >= 20 * np.log10(np.abs(noise).max()) - 0.1
