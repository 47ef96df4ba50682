"""A synthetic voice: glottal pulses through moving formants, and hiss for fricatives; numpy only.

    waveform, envelope = speech(4.0, seed=7, sample_rate=16000)

Each glottal pulse is filtered by the vocal tract as it stands at that instant, in the frequency domain, and
added in at its exact (fractional) sample. That is the cascade formant synthesiser of Klatt, "Software for a
cascade/parallel formant synthesizer", JASA 67 (1980), done pulse by pulse, so that it runs at any sample rate
without a sample loop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.scenes.noise import overlap_add, shaped_noise
from tasks.scenes.phones import TRACK_RATE, VOICES, Tracks, Voice, talk

BANDWIDTHS_HZ = (70.0, 95.0, 140.0, 250.0, 330.0)
UPPER_FORMANTS_HZ = (3500.0, 4500.0)
ENVELOPE_WINDOW_MS = 50
HIGHEST_HZ = 10_000


@dataclass(frozen=True)
class Talk:
    """Speech and its truth.

    Attributes:
        waveform: float32 (samples,), peak 0.6.
        envelope: float32 (milliseconds,), loudness at 1 kHz, 0–1: what opens the mouth.
        phrases: (start_ms, end_ms) of each phrase; between them is digital silence.
    """

    waveform: np.ndarray
    envelope: np.ndarray
    phrases: tuple[tuple[int, int], ...]


def speech(seconds: float, seed: int, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Invented speech of one voice, picked by `seed`.

    Returns:
        The waveform, float32 (round(seconds × sample_rate),), peak 0.6, and its envelope, float32
        (round(seconds × 1000),), 0–1, one value per millisecond.
    """
    said = say(round(seconds * 1000), VOICES[seed % len(VOICES)], seed, sample_rate)
    samples = round(seconds * sample_rate)
    waveform = np.zeros(samples, dtype=np.float32)
    waveform[: len(said.waveform)] = said.waveform[:samples]
    return waveform, said.envelope


def say(length_ms: int, voice: Voice, seed: int, sample_rate: int) -> Talk:
    """Speech of one voice with its phrases; the same bytes for the same arguments."""
    rng = np.random.default_rng([seed, 1])
    tracks = talk(length_ms, voice, rng)
    samples = length_ms * sample_rate // 1000
    sound = _voiced(tracks, samples, sample_rate, rng) + _hiss(tracks, voice, samples, sample_rate, rng)
    silent = np.ones(samples, dtype=bool)
    for start_ms, end_ms in tracks.phrases:
        silent[start_ms * sample_rate // 1000 : end_ms * sample_rate // 1000] = False
    sound[silent] = 0.0
    sound *= 0.6 / max(float(np.abs(sound).max(initial=0.0)), 1e-9)
    return Talk(sound.astype(np.float32), loudness(sound, sample_rate, length_ms), tracks.phrases)


def loudness(sound: np.ndarray, sample_rate: int, length_ms: int) -> np.ndarray:
    """Root mean square over 50 ms around each millisecond, scaled so that loud speech is 1; float32, 0–1."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
    centres = (np.arange(length_ms) * sample_rate) // TRACK_RATE
    half = ENVELOPE_WINDOW_MS * sample_rate // 2000
    low = np.clip(centres - half, 0, len(sound))
    high = np.clip(centres + half, 0, len(sound))
    level = np.sqrt(np.maximum(energy[high] - energy[low], 0.0) / (2 * half))
    return np.clip(level / max(float(np.percentile(level, 95)), 1e-9), 0.0, 1.0).astype(np.float32)


def _voiced(tracks: Tracks, samples: int, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    phase = np.cumsum(tracks.pitch_hz * (1 + 0.006 * rng.standard_normal(len(tracks.pitch_hz)))) / TRACK_RATE
    count = int(phase[-1])
    times_s = np.interp(np.arange(1, count), phase, np.arange(len(phase)) / TRACK_RATE)
    slots = np.minimum((times_s * TRACK_RATE).astype(int), len(phase) - 1)
    strength = tracks.voice[slots] * (1 + 0.05 * rng.standard_normal(len(slots)))
    heard = strength > 0.004
    times_s, slots, strength = times_s[heard], slots[heard], strength[heard]
    size = 1 << int(np.ceil(np.log2(sample_rate * 0.030)))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    # Nothing of a voice lies higher; the inverse transform takes what is missing as zero.
    frequencies = frequencies[frequencies < HIGHEST_HZ]
    out = np.zeros(samples + size)
    for first in range(0, len(slots), 512):
        part = slice(first, first + 512)
        starts = np.floor(times_s[part] * sample_rate)
        late_s = times_s[part] - starts / sample_rate
        pulses = _tract(frequencies, tracks.formants_hz[:, slots[part]]) * _glottis(frequencies)
        turn = (-2 * np.pi * frequencies * late_s[:, None]).astype(np.float32)
        pulses *= (np.cos(turn) + 1j * np.sin(turn)) * strength[part, None].astype(np.float32)
        overlap_add(out, np.fft.irfft(pulses, size, axis=1), starts.astype(int))
    return out[:samples] / max(float(np.abs(out).max()), 1e-9)


def _glottis(frequencies: np.ndarray) -> np.ndarray:
    """Spectrum of one glottal pulse with lip radiation: −12 dB/octave above 120 Hz, +6 dB from the lips."""
    s = 1j * frequencies
    return (s / np.square(1 + s / 120.0) / (1 + s / 9000.0)).astype(np.complex64)


def _tract(frequencies: np.ndarray, formants_hz: np.ndarray) -> np.ndarray:
    """Transfer function of the vocal tract, complex (pulses, frequencies): five resonances in cascade."""
    pulses = formants_hz.shape[1]
    scale = formants_hz[2].mean() / 2500.0 if pulses else 1.0
    upper = np.repeat(np.array(UPPER_FORMANTS_HZ)[:, None] * np.clip(scale, 0.95, 1.2), pulses, axis=1)
    inverse = np.ones((pulses, len(frequencies)), dtype=np.complex64)
    level = frequencies.astype(np.float32)
    for centre, bandwidth in zip(np.concatenate([formants_hz, upper]), BANDWIDTHS_HZ, strict=True):
        ratio = level / centre[:, None].astype(np.float32)
        inverse *= 1 - np.square(ratio) + 1j * ratio * (bandwidth / centre[:, None]).astype(np.float32)
    return 1 / inverse


def _hiss(
    tracks: Tracks, voice: Voice, samples: int, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    def gains(times_s: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
        slots = np.clip((times_s * TRACK_RATE).astype(int), 0, len(tracks.hiss) - 1)
        octaves = np.log2(np.maximum(frequencies, 50.0))[None, :] - np.log2(tracks.hiss_hz[slots])[:, None]
        friction = tracks.hiss[slots][:, None] * np.exp(-0.5 * np.square(octaves / 0.42))
        breath = np.abs(_tract(frequencies, tracks.formants_hz[:, slots])) * tracks.voice[slots][:, None]
        return 0.55 * friction + 0.05 * voice.breath * np.minimum(breath, 12.0)

    return shaped_noise(samples, sample_rate, gains, rng)
