"""How loud sounds are and where they begin, of sounds that are made for it."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.units import SAMPLE_RATE
from tasks.moments.sound import SILENCE_DBFS, TICK_MS, TICK_SAMPLES, listen

BEGINNINGS_S = (1.0, 2.003, 3.117, 4.5049, 6.2, 8.3333)
LENGTH_S, BEEP_S = 10, 0.1


def as_samples(waveform: np.ndarray) -> np.ndarray:
    return (np.clip(waveform, -1, 1) * 32767).astype(np.int16)


def noise(length_s: float, loudness: float) -> np.ndarray:
    return loudness * np.random.default_rng(5).standard_normal(round(length_s * SAMPLE_RATE))


def beeps(tone_hz: float, loudness: float) -> np.ndarray:
    times = np.arange(LENGTH_S * SAMPLE_RATE) / SAMPLE_RATE
    waveform = np.zeros(len(times))
    for begins in BEGINNINGS_S:
        heard = (times >= begins) & (times < begins + BEEP_S)
        waveform[heard] += loudness * np.sin(2 * np.pi * tone_hz * (times[heard] - begins))
    return waveform


def tone(length_s: float, loudness: float = 0.3, tone_hz: float = 440) -> np.ndarray:
    return loudness * np.sin(2 * np.pi * tone_hz * np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE)


@pytest.mark.parametrize("hiss", [0, 1e-3])
@pytest.mark.parametrize("loudness", [0.5, 0.05])
@pytest.mark.parametrize("tone_hz", [200, 1000, 4000])
def test_a_beep_rises_most_where_it_begins(tone_hz: float, loudness: float, hiss: float) -> None:
    heard = listen(as_samples(beeps(tone_hz, loudness) + noise(LENGTH_S, hiss)), 0, LENGTH_S * 100)
    elsewhere = np.ones(len(heard.rise_db), bool)
    for begins in BEGINNINGS_S:
        near = slice(round(begins * 100) - 25, round(begins * 100) + 25)
        highest = near.start + int(np.argmax(heard.rise_db[near]))
        assert abs(highest * TICK_MS - begins * 1000) <= 7
        assert heard.rise_db[highest] > 6
        elsewhere[near] = False
    assert heard.rise_db[elsewhere].max() < 2


def test_a_tone_that_goes_on_is_as_loud_as_it_is_and_rises_nowhere() -> None:
    heard = listen(as_samples(tone(10)), 0, 1_000)
    inside = slice(2, -2)
    assert np.allclose(heard.level_dbfs[inside], 20 * np.log10(0.3 / 2**0.5), atol=0.05)
    # Neither its first sample nor its last is an event.
    assert heard.rise_db.max() < 0.1


@pytest.mark.parametrize("loudness", [1e-3, 0.1])
def test_noise_that_goes_on_has_no_blow_in_it(loudness: float) -> None:
    heard = listen(as_samples(noise(10, loudness)), 0, 1_000)
    assert abs(heard.level_dbfs[2:-2].mean() - 20 * np.log10(loudness)) < 0.2
    assert heard.rise_db.max() < 3.5


def test_silence() -> None:
    heard = listen(np.zeros(SAMPLE_RATE, np.int16), 0, 100)
    assert np.allclose(heard.level_dbfs, SILENCE_DBFS, atol=1e-3)
    assert not heard.rise_db.any()


def test_a_tone_that_starts_or_stops_in_the_recording_rises_at_its_start() -> None:
    waveform = np.concatenate([np.zeros(SAMPLE_RATE), tone(1), np.zeros(SAMPLE_RATE)])
    heard = listen(as_samples(waveform), 0, 300)
    assert abs(int(np.argmax(heard.rise_db)) - 100) <= 1
    assert heard.level_dbfs[98] < SILENCE_DBFS + 1 and heard.level_dbfs[102] > -20
    assert heard.level_dbfs[198] > -20 and heard.level_dbfs[202] < SILENCE_DBFS + 1


RECORDED = as_samples(beeps(700, 0.3) + noise(LENGTH_S, 0.01))


@settings(max_examples=25, deadline=None)
@given(st.integers(-200, 1_200), st.integers(0, 400))
def test_a_span_sounds_as_it_does_in_the_whole(first_tick: int, ticks: int) -> None:
    """Wherever it begins: before the recording, in it or after it, where there is silence."""
    whole = listen(RECORDED, -200, 1_900)
    span = listen(RECORDED, first_tick, ticks)
    place = slice(first_tick + 200, first_tick + 200 + ticks)
    assert np.array_equal(span.level_dbfs, whole.level_dbfs[place])
    assert np.allclose(span.rise_db, whole.rise_db[place], atol=1e-4)
    outside = np.arange(first_tick, first_tick + ticks) * TICK_SAMPLES
    silent = (outside < -256) | (outside > len(RECORDED) + 256)
    assert np.allclose(span.level_dbfs[silent], SILENCE_DBFS, atol=1e-3)
    assert not span.rise_db[silent].any()


def test_a_long_source_sounds_the_same_across_what_is_read_at_once() -> None:
    """Half a minute is heard at a time; a beep on the border is heard like any other."""
    waveform = np.zeros(70 * SAMPLE_RATE)
    for begins in (29.995, 45.0, 60.005):
        first = round(begins * SAMPLE_RATE)
        waveform[first : first + SAMPLE_RATE // 10] = tone(0.1, 0.5, 1000)
    heard = listen(as_samples(waveform), 0, 7_000)
    highest = np.array([near + np.argmax(heard.rise_db[near : near + 40]) for near in (2_980, 4_480, 5_980)])
    assert np.all(np.abs(highest * TICK_MS - np.array([29_995, 45_000, 60_005])) <= 7)
    assert np.ptp(heard.rise_db[highest]) < 2


def test_memory_does_not_grow_with_the_sound(tmp_path: Path) -> None:
    """Ten minutes from a file take what one takes, but for eight bytes of result per tick."""
    spool = tmp_path / "sound.s16"
    as_samples(noise(600, 0.1)).tofile(spool)
    one, ten = (_peak_bytes(np.memmap(spool, np.int16, "r"), ticks) for ticks in (6_000, 60_000))
    assert ten - one - 8 * 54_000 < 100_000
    assert ten < 64 * 2**20


def _peak_bytes(samples: np.ndarray, ticks: int) -> int:
    tracemalloc.start()
    try:
        listen(samples, 0, ticks)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
