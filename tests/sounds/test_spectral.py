"""The embedded tagger: right on sounds made here, silent about what it cannot hear, precise on real ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from schemas.errors import AnalysisError
from tasks.media import read_waveform
from tasks.sounds import open_tagger
from tasks.sounds.chunks import chunk_spans, cut_chunks

RATE = 16_000


@pytest.fixture(scope="module")
def tagger():
    return open_tagger("spectral", lambda name: Path(name))


def heard(tagger, chunk: np.ndarray) -> set[str]:
    (scores,) = tagger.tag(chunk[None].astype(np.float32))
    return {name for name, score in zip(tagger.names, scores, strict=True) if score > 0}


def time(seconds: float = 2.0) -> np.ndarray:
    return np.arange(int(seconds * RATE)) / RATE


def noise(tilt_db: float, seed: int, seconds: float = 2.0) -> np.ndarray:
    """Noise whose power density falls by `tilt_db` per octave."""
    white = np.random.default_rng(seed).normal(size=int(seconds * RATE))
    spectrum = np.fft.rfft(white)
    spectrum[0] = 0
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (tilt_db / 6.02)
    shaped = np.fft.irfft(spectrum)
    return 0.1 * shaped / shaped.std()


def notes(seconds: float = 2.0) -> np.ndarray:
    """A melody of four notes a second with five overtones over a held chord: not one hum, not a voice."""
    t = time(seconds)
    melody = np.array([262, 330, 392, 523, 440, 349, 294, 392])[(t * 4).astype(int) % 8]
    decay = np.exp(-3 * (t * 4 % 1))
    phase = np.cumsum(melody) / RATE
    tune = sum(np.sin(2 * np.pi * k * phase) / k for k in range(1, 6)) * decay
    chord = sum(np.sin(2 * np.pi * f * t) for f in (131, 196, 330))
    return 0.1 * tune + 0.05 * chord


@pytest.mark.parametrize("seconds", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("gain", [0.01, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_noises(tagger, seconds, gain, seed):
    assert heard(tagger, gain * noise(0, seed, seconds)) == {"White noise"}
    if seconds >= 2:
        assert heard(tagger, gain * noise(-3.01, seed, seconds)) == {"Pink noise"}


@pytest.mark.parametrize("tilt_db", [-6.02, 3.01])
def test_other_noises_have_no_name(tagger, tilt_db):
    assert not heard(tagger, noise(tilt_db, 0)) & {"White noise", "Pink noise", "Speech", "Music"}


@pytest.mark.parametrize("frequency_hz", [100, 440, 1_000, 3_333, 7_000])
def test_sine_wave(tagger, frequency_hz):
    assert heard(tagger, 0.3 * np.sin(2 * np.pi * frequency_hz * time())) == {"Sine wave"}


def test_two_tones_are_no_sine_wave(tagger):
    both = np.sin(2 * np.pi * 440 * time()) + np.sin(2 * np.pi * 1_500 * time())
    assert "Sine wave" not in heard(tagger, 0.2 * both)


@pytest.mark.parametrize(
    "chunk", [np.zeros(32_000), np.zeros(1), 1e-4 * noise(0, 0)], ids=["zeros", "one", "hiss"]
)
def test_silence(tagger, chunk):
    assert heard(tagger, chunk) == {"Silence"}


def test_notes_are_music(tagger):
    assert heard(tagger, notes()) == {"Music"}


def test_too_short_to_tell(tagger):
    assert heard(tagger, noise(0, 0, 0.2)) == set()


def test_it_says_that_it_is_limited(tagger):
    assert tagger.limited
    assert len(tagger.classes) == len(tagger.names) < 10


@pytest.mark.parametrize("bad", [np.zeros(100), np.zeros((1, 0)), np.full((1, 32_000), np.inf)])
def test_unusable_chunks_are_errors(tagger, bad):
    with pytest.raises(AnalysisError, match="spectral"):
        tagger.tag(bad)


def test_no_chunks_no_scores(tagger):
    assert tagger.tag(np.zeros((0, 32_000), np.float32)).shape == (0, len(tagger.classes))


def chunks_of(file: Path) -> np.ndarray:
    waveform = read_waveform(file)
    return cut_chunks(waveform, RATE, chunk_spans(len(waveform) * 1000 // RATE, 2_000, 2_000))


@pytest.mark.slow
def test_precision_on_real_sounds(shared_data, tagger):
    """Against one sound of each of 50 environmental categories, none of which is speech or music."""
    with (shared_data / "labels/esc.csv").open(newline="") as file:
        environment = [shared_data / row["file"] for row in csv.DictReader(file)][::2]
    with (shared_data / "labels/panda_talk_voiceover.csv").open(newline="") as file:
        talk = [shared_data / row["file"] for row in csv.DictReader(file) if row["speech_present"] == "1"]
    talk += sorted((shared_data / "asd_minis").glob("*__orig.mp4"))[::3]
    speech, music = tagger.names.index("Speech"), tagger.names.index("Music")
    of_environment = np.concatenate([tagger.tag(chunks_of(file)) for file in environment])
    of_talk = [tagger.tag(chunks_of(file))[:, speech] for file in talk]

    wrong = int((of_environment[:, speech] > 0).sum())
    right = sum(int((scores > 0).sum()) for scores in of_talk)
    assert right / (right + wrong) > 0.9
    assert np.mean([scores.max() > 0 for scores in of_talk]) > 0.9
    assert (of_environment[:, music] > 0).mean() < 0.04
    for name in ("White noise", "Pink noise", "Sine wave"):
        assert not of_environment[:, tagger.names.index(name)].any()
