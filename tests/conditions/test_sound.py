"""Level and silence of tones and pauses of known levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conditions.loudness import Loudness
from tasks.conditions.sound import Sound, silent_ms, sound_of

RATE = 16_000


def tone(seconds: float, level_dbfs: float) -> np.ndarray:
    """A sine whose root mean square is `level_dbfs`."""
    times = np.arange(int(seconds * RATE)) / RATE
    return (2**0.5 * 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * 400 * times)).astype(np.float32)


@pytest.mark.parametrize("level", [-6.0, -45.0, -59.0, -61.0, -80.0])
def test_the_level_of_a_tone(level: float) -> None:
    found = sound_of(tone(2, level), -60)
    assert found.level_dbfs == pytest.approx(level, abs=0.05)
    assert found.silent_ms == (0 if level > -60 else 2000)


def test_digital_silence_has_no_level() -> None:
    assert sound_of(np.zeros(3 * RATE, np.float32), -60) == Sound(None, 3000, Loudness(None, None))


def test_no_samples_are_no_silence() -> None:
    assert sound_of(np.zeros(0, np.float32), -60) == Sound(None, 0, Loudness(None, None))


def test_pauses_of_quiet_speech_are_silent_and_its_words_are_not() -> None:
    words = np.concatenate(
        [part for _ in range(4) for part in (tone(0.3, -45), np.zeros(int(0.2 * RATE), np.float32))]
    )
    assert silent_ms(words, -60) == 800


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 60), st.sampled_from([None, -75.0, -50.0, -20.0])), min_size=1, max_size=6
    ),
    st.integers(0, 319),
)
def test_silence_is_counted_in_steps(parts: list[tuple[int, float | None]], rest: int) -> None:
    """Parts of whole steps of 20 ms, then `rest` samples that fill none."""
    steps = [
        np.zeros(320 * count, np.float32) if level is None else tone(0.02 * count, level)
        for count, level in parts
    ]
    waveform = np.concatenate([*steps, np.zeros(rest, np.float32)])
    expected = sum(20 * count for count, level in parts if level is None or level < -60)
    assert silent_ms(waveform, -60) == expected + rest * 1000 // RATE
    assert silent_ms(waveform, -120) <= silent_ms(waveform, -30)
