"""The synthetic voice: it is speech to a speech detector, and its envelope and phrases tell the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ClapperError
from tasks.scenes import speech
from tasks.scenes.noise import overlap_add
from tasks.scenes.phones import VOICES
from tasks.scenes.speech import say
from tests.scenes.silero import inside, speech_probability


@pytest.mark.parametrize("voice", range(len(VOICES)))
def test_a_speech_detector_hears_speech_in_the_phrases_and_nothing_around_them(voice):
    said = say(12_000, VOICES[voice], seed=voice + 40, sample_rate=16_000)
    second = np.zeros(16_000, np.float32)
    heard = speech_probability(np.concatenate([second, said.waveform, second])) > 0.5
    phrases = inside(len(heard), [(start + 1000, end + 1000) for start, end in said.phrases])
    around = ~inside(len(heard), [(1000, 13_100)])
    assert heard[phrases].mean() >= 0.85
    assert heard[around].mean() < 0.05


@settings(max_examples=25, deadline=None)
@given(st.integers(500, 9000), st.integers(0, 500), st.sampled_from([16_000, 22_050, 44_100]))
def test_phrases_lie_in_order_and_between_them_is_digital_silence(length_ms, seed, sample_rate):
    said = say(length_ms, VOICES[seed % len(VOICES)], seed, sample_rate)
    assert len(said.waveform) == length_ms * sample_rate // 1000
    assert said.envelope.shape == (length_ms,)
    assert said.envelope.min() >= 0
    assert said.envelope.max() <= 1
    assert np.abs(said.waveform).max() == pytest.approx(0.6, abs=1e-4)
    ends = [0, *(edge for phrase in said.phrases for edge in phrase), length_ms]
    assert ends == sorted(ends)
    for start, end in zip(ends[::2], ends[1::2], strict=True):
        pause = said.waveform[-(-start * sample_rate // 1000) : end * sample_rate // 1000]
        assert not pause.any()


def test_the_envelope_follows_the_loudness_of_the_waveform():
    waveform, envelope = speech(6.0, seed=3, sample_rate=16_000)
    level = np.sqrt(np.square(waveform[: 6000 * 16].reshape(-1, 640)).mean(axis=1))
    assert np.corrcoef(level, envelope[20::40])[0, 1] > 0.95


def test_speech_is_the_same_every_time_and_differs_by_seed():
    one, two, other = (speech(2.0, seed, 44_100)[0] for seed in (5, 5, 10))
    assert one.tobytes() == two.tobytes()
    assert one.tobytes() != other.tobytes()


def test_half_a_second_is_the_shortest_speech():
    with pytest.raises(ClapperError, match="499 ms is less than 500 ms"):
        say(499, VOICES[0], 0, 16_000)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=12))
def test_overlap_add_keeps_every_sample_that_fits(pieces):
    out = np.zeros(50)
    for start, length in pieces:
        overlap_add(out, np.ones((1, length)), np.array([start]))
    assert out.sum() == sum(length for _, length in pieces)
