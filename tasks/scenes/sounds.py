"""Sounds other than speech: impacts that begin on their first sample, music, weather, a line-up tone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from tasks.scenes.noise import overlap_add, shaped_noise

ROOM_TONE = 0.0004
"""Level of the hush under every scene but the silent ones, −68 dB."""


def impacts(kind: str, times_ms: Sequence[int], length_ms: int, sample_rate: int, seed: int) -> np.ndarray:
    """Blows of one kind ("bounce", "hammer" or "claps") at given times.

    Returns:
        float32 (length_ms × sample_rate // 1000,); each blow's first sample lies at its time.
    """
    rng = np.random.default_rng([seed, 11])
    out = np.zeros(length_ms * sample_rate // 1000)
    for time_ms in times_ms:
        blow = _BLOWS[kind](sample_rate, rng) * rng.uniform(0.75, 0.95)
        overlap_add(out, blow[None], np.array([time_ms * sample_rate // 1000]))
    return out.astype(np.float32)


def _bounce(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """A ball on wood: a low thump that sinks in pitch, a hollow ring, and a slap at the start."""
    t = np.arange(sample_rate * 300 // 1000) / sample_rate
    thump = np.cos(2 * np.pi * (85 * t + 1.4 * (1 - np.exp(-t / 0.02)))) * np.exp(-t / 0.050)
    ring = np.cos(2 * np.pi * 410 * t) * np.exp(-t / 0.030) * 0.30
    slap = rng.standard_normal(len(t)) * np.exp(-t / 0.004) * 0.45
    return _unit(thump + ring + slap)


def _hammer(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Steel on a nail in wood: inharmonic partials that die fast, and a knock."""
    t = np.arange(sample_rate * 260 // 1000) / sample_rate
    partials = sum(
        level * np.cos(2 * np.pi * hertz * t) * np.exp(-t / decay)
        for hertz, level, decay in (
            (1230, 0.6, 0.040),
            (2710, 0.8, 0.055),
            (4160, 0.6, 0.035),
            (6890, 0.4, 0.020),
        )
    )
    knock = np.cos(2 * np.pi * 190 * t) * np.exp(-t / 0.035) + rng.standard_normal(len(t)) * np.exp(
        -t / 0.003
    )
    return _unit(partials + 0.8 * knock)


def _clap(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Two palms: a burst of noise around 1.4 kHz that rings for about 30 ms."""
    length = sample_rate * 160 // 1000
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequencies = np.maximum(np.fft.rfftfreq(length, 1 / sample_rate), 20)
    spectrum *= np.exp(-0.5 * np.square(np.log2(frequencies / 1400) / 0.75)) + 0.12
    t = np.arange(length) / sample_rate
    return _unit(np.fft.irfft(spectrum, length) * (np.exp(-t / 0.006) + 0.15 * np.exp(-t / 0.030)))


_BLOWS = {"bounce": _bounce, "hammer": _hammer, "claps": _clap}


def music(length_ms: int, sample_rate: int, seed: int) -> np.ndarray:
    """A title tune: four chords, a bass and a plucked melody on the chord's notes; float32, peak 0.7."""
    rng = np.random.default_rng([seed, 13])
    out = np.zeros(length_ms * sample_rate // 1000 + sample_rate)
    root = 220.0 * 2 ** (int(rng.integers(-3, 4)) / 12)
    beat_s = 60 / float(rng.integers(100, 132))
    chords = ((0, 4, 7), (7, 11, 14), (9, 12, 16), (5, 9, 12))
    for beat in range(int(length_ms / 1000 / beat_s) + 1):
        chord = chords[beat // 4 % 4]
        if beat % 4 == 0:
            for step in chord:
                _add_note(out, sample_rate, beat * beat_s, root * 2 ** (step / 12), 4 * beat_s, 0.16, "pad")
            _add_note(
                out, sample_rate, beat * beat_s, root * 2 ** (chord[0] / 12 - 1), 2.5 * beat_s, 0.30, "pluck"
            )
        for half in range(2):
            step = chord[int(rng.integers(3))] + 12
            at = (beat + half / 2) * beat_s
            _add_note(out, sample_rate, at, root * 2 ** (step / 12), 0.5, 0.26, "pluck")
    out = out[: length_ms * sample_rate // 1000]
    _fade(out, sample_rate, 60)
    return _unit(out, 0.7).astype(np.float32)


def _add_note(
    out: np.ndarray, sample_rate: int, at_s: float, hertz: float, length_s: float, level: float, touch: str
) -> None:
    note = level * _note(sample_rate, hertz, length_s, touch)
    overlap_add(out, note[None], np.array([int(at_s * sample_rate)]))


@lru_cache(maxsize=64)
def _note(sample_rate: int, hertz: float, length_s: float, touch: str) -> np.ndarray:
    t = np.arange(int(length_s * sample_rate)) / sample_rate
    decay = 0.35 if touch == "pluck" else 2.5
    tone = sum(
        np.sin(2 * np.pi * hertz * k * t) * k**-1.4 * np.exp(-t * (1 + 0.35 * k) / decay)
        for k in range(1, 8)
        if k * hertz < 0.45 * sample_rate
    )
    attack = 0.006 if touch == "pluck" else 0.08
    return tone * np.minimum(1, t / attack) * np.minimum(1, (length_s - t) / 0.05)


def wind(length_ms: int, sample_rate: int, seed: int) -> np.ndarray:
    """Gusts: noise below some 500 Hz whose level and colour wander; float32, peak 0.5."""
    rng = np.random.default_rng([seed, 17])
    phase = rng.uniform(0, 2 * np.pi, 3)

    def gains(times_s: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
        gust = 0.55 + 0.45 * np.mean(
            np.sin(2 * np.pi * np.outer(times_s, (0.17, 0.31, 0.53)) + phase), axis=1
        )
        centre = 180 + 320 * gust
        low = 1 / (1 + np.square(np.square(frequencies[None, :] / centre[:, None])))
        return gust[:, None] * low * (frequencies > 30)

    return _unit(shaped_noise(_samples(length_ms, sample_rate), sample_rate, gains, rng, 16), 0.5).astype(
        np.float32
    )


def rain(length_ms: int, sample_rate: int, seed: int) -> np.ndarray:
    """Steady rain: bright noise, and single drops on top; float32, peak 0.5."""
    rng = np.random.default_rng([seed, 19])

    def gains(times_s: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
        bright = np.exp(-0.5 * np.square(np.log2(np.maximum(frequencies, 20) / 4500) / 1.3))
        return (0.9 + 0.1 * np.sin(0.8 * times_s))[:, None] * bright

    out = shaped_noise(_samples(length_ms, sample_rate), sample_rate, gains, rng, 16)
    t = np.arange(sample_rate * 12 // 1000) / sample_rate
    for at in rng.integers(0, len(out), size=length_ms * 18 // 1000):
        drop = np.sin(2 * np.pi * rng.uniform(1800, 5200) * t) * np.exp(-t / 0.003) * rng.uniform(0.5, 2.0)
        overlap_add(out, drop[None], np.array([at]))
    return _unit(out, 0.5).astype(np.float32)


def tone(length_ms: int, sample_rate: int, hertz: float = 1000.0, level: float = 0.125) -> np.ndarray:
    """A sine wave, faded over 5 ms at its ends; float32. The default is line-up tone, −18 dBFS."""
    out = level * np.sin(2 * np.pi * hertz * np.arange(_samples(length_ms, sample_rate)) / sample_rate)
    _fade(out, sample_rate, 5)
    return out.astype(np.float32)


def room_tone(samples: int, seed: int) -> np.ndarray:
    """The hush of a room; float32 (samples,)."""
    return (ROOM_TONE * np.random.default_rng([seed, 23]).standard_normal(samples)).astype(np.float32)


def _samples(length_ms: int, sample_rate: int) -> int:
    return length_ms * sample_rate // 1000


def _fade(sound: np.ndarray, sample_rate: int, fade_ms: int) -> None:
    ramp = np.minimum(1, np.arange(len(sound)) / max(1, sample_rate * fade_ms // 1000))
    sound *= ramp * ramp[::-1]


def _unit(sound: np.ndarray, peak: float = 1.0) -> np.ndarray:
    return sound * (peak / max(float(np.abs(sound).max(initial=0.0)), 1e-9))
