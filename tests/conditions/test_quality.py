"""Clipping, background, bandwidth and dropouts of sounds with known faults, before and after AAC."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.conditions.background import background_of
from tasks.conditions.bandwidth import bandwidth_hz
from tasks.conditions.clipping import clipped_share
from tasks.conditions.dropouts import dropout_ms
from tasks.conditions.spectra import HOP, WINDOW, power_spectra

RATE = 16_000


def talking(seconds: float, seed: int = 1) -> np.ndarray:
    """Syllables: bursts of noise and of a buzzing voice with pauses between them, peak 0.5."""
    generator = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * number * times + number**2) / number for number in range(1, 30))
    rise = np.clip(np.sin(2 * np.pi * 1.7 * times), 0, 1) ** 2 * (
        0.6 + 0.4 * np.sin(2 * np.pi * 0.31 * times)
    )
    sound = rise * (voice / 3 + 0.3 * generator.normal(size=len(times)))
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def through_aac(waveform: np.ndarray) -> np.ndarray:
    """Encoded and decoded as clips are, the delay of the codec left in."""
    raw = ["-f", "f32le", "-ar", str(RATE), "-ac", "1"]
    encode = ["ffmpeg", "-v", "error", *raw, "-i", "-", "-c:a", "aac", "-b:a", "64k", "-f", "adts", "-"]
    packed = subprocess.run(encode, input=waveform.astype("<f4").tobytes(), capture_output=True, check=True)
    decode = ["ffmpeg", "-v", "error", "-f", "aac", "-i", "-", *raw, "-"]
    sound = subprocess.run(decode, input=packed.stdout, capture_output=True, check=True).stdout
    return np.clip(np.frombuffer(sound, "<f4"), -1, 1)


def clipped(share: float) -> np.ndarray:
    """Talk of which this share of the samples was cut off at full scale."""
    sound = talking(6)
    top = np.quantile(np.abs(sound), 1 - share)
    return np.clip(sound / top, -1, 1) * np.float32(0.97)


def share_of(waveform: np.ndarray) -> float:
    return clipped_share(waveform, power_spectra(waveform))


@pytest.mark.parametrize(("share", "low", "high"), [(0, 0, 0.002), (0.01, 0.005, 0.03), (0.05, 0.025, 0.09)])
def test_cut_tops_are_counted_after_aac(share: float, low: float, high: float) -> None:
    sound = clipped(share) if share else talking(6) * np.float32(1.9)
    assert low <= share_of(through_aac(sound)) <= high


def test_what_was_turned_down_is_not_judged() -> None:
    assert share_of(clipped(0.05)) > 0.03
    assert share_of(clipped(0.05) * np.float32(0.6)) == 0


def test_a_steady_tone_is_not_clipped_and_a_square_wave_is() -> None:
    times = np.arange(3 * RATE) / RATE
    tone = np.sin(2 * np.pi * 440 * times).astype(np.float32) * np.float32(0.9)
    assert share_of(tone) == 0
    assert share_of(np.sign(tone) * np.float32(0.9)) > 0.9


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 2**32 - 1))
def test_sounds_of_any_length_are_measured(samples: int, seed: int) -> None:
    sound = np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)
    spectra = power_spectra(sound)
    assert spectra.shape == (max(0, (samples - WINDOW) // HOP + 1), WINDOW // 2 + 1)
    assert 0 <= clipped_share(sound, spectra) <= 1
    assert (background_of(spectra) is None) == (bandwidth_hz(spectra) is None) == (samples < WINDOW)
    assert dropout_ms(sound) == 0


NOISES = {"white": 0.0, "pink": 0.5}


def noise(name: str, count: int) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(5).normal(size=count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** NOISES[name]
    return np.fft.irfft(spectrum, count)


@pytest.mark.parametrize("ratio_db", [0, 5, 10, 20])
@pytest.mark.parametrize("name", NOISES)
def test_noise_of_a_known_ratio_under_talk(name: str, ratio_db: float) -> None:
    sound = talking(8)
    added = noise(name, len(sound)).astype(np.float32)
    # The ratio within the band that is looked at.
    powers = [power_spectra(part)[:, 5:].sum() for part in (sound, added)]
    added *= np.float32(np.sqrt(powers[0] / powers[1] / 10 ** (ratio_db / 10)))
    found = background_of(power_spectra(sound + added))
    assert found.above_db == pytest.approx(ratio_db, abs=1.6)
    assert found.flatness >= 0.65


def test_a_chord_that_never_rests_has_no_flat_background() -> None:
    times = np.arange(5 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * times) for hertz in (220, 277, 330, 440)).astype(np.float32) / 8
    found = background_of(power_spectra(chord))
    assert found.above_db < 6
    assert found.flatness < 0.05


def test_digital_silence_is_no_background() -> None:
    assert background_of(power_spectra(np.zeros(RATE, np.float32))) is None
    assert bandwidth_hz(power_spectra(np.zeros(RATE, np.float32))) is None
    padded = np.concatenate((talking(4), np.zeros(8 * RATE, np.float32)))
    assert background_of(power_spectra(padded)).above_db > 0


@pytest.mark.parametrize("cutoff_hz", [2500, 3400, 5500, None])
def test_the_band_of_a_sound_after_aac(cutoff_hz: int | None) -> None:
    sound = talking(5)
    if cutoff_hz:
        spectrum = np.fft.rfft(sound)
        spectrum[np.fft.rfftfreq(len(sound), 1 / RATE) > cutoff_hz] = 0
        sound = np.fft.irfft(spectrum, len(sound)).astype(np.float32)
    assert bandwidth_hz(power_spectra(through_aac(sound))) == pytest.approx(cutoff_hz or 8000, abs=200)


def with_hole(start_ms: int, length_ms: int) -> np.ndarray:
    sound = np.random.default_rng(3).normal(0, 0.1, 2 * RATE).astype(np.float32)
    sound[start_ms * 16 : (start_ms + length_ms) * 16] = 0
    return sound


@settings(max_examples=40, deadline=None)
@given(
    st.integers(100, 700).map(lambda ms: 5 * (ms // 5)), st.integers(0, 1200).map(lambda ms: 5 * (ms // 5))
)
def test_a_hole_counts_from_15_ms_to_a_second(start_ms: int, length_ms: int) -> None:
    assert dropout_ms(with_hole(start_ms, length_ms)) == (length_ms if 15 <= length_ms <= 1000 else 0)


@pytest.mark.parametrize("length_ms", [40, 60, 100, 300])
def test_aac_leaves_most_of_a_hole(length_ms: int) -> None:
    found = dropout_ms(through_aac(with_hole(900, length_ms)))
    assert length_ms - 30 <= found <= length_ms


def test_silence_at_the_ends_and_pauses_of_quiet_rooms_are_no_holes() -> None:
    assert dropout_ms(with_hole(0, 200)) == dropout_ms(with_hole(1800, 200)) == 0
    room = with_hole(500, 200) + np.random.default_rng(4).normal(0, 10 ** (-65 / 20), 2 * RATE)
    assert dropout_ms(room.astype(np.float32)) == 0
