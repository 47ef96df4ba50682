"""What an invented voice says: syllables of a small phone inventory, laid out as control tracks in time.

The words mean nothing. Their rhythm, pitch and formants do what those of speech do: phrases with pauses,
stressed and weak syllables, a falling pitch line with accents, consonants that close the mouth. Formant
targets are round numbers near the averages of Peterson and Barney, "Control methods used in a study of the
vowels", JASA 24 (1952).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemas.errors import ClapperError

TRACK_RATE = 1000
"""Values per second of every control track and of a speech envelope, Hz."""


@dataclass(frozen=True)
class Voice:
    """A speaker: mean pitch in Hz, size of the vocal tract (1: adult man) and syllables per second."""

    pitch_hz: float
    tract: float
    syllables_per_s: float = 4.6
    breath: float = 0.06


VOICES = (
    Voice(112, 1.00, 4.6, 0.05),
    Voice(198, 0.86, 4.9, 0.09),
    Voice(132, 0.96, 5.2, 0.06),
    Voice(221, 0.83, 4.4, 0.10),
    Voice(96, 1.05, 4.2, 0.05),
)


@dataclass(frozen=True)
class Phone:
    """One sound: formants in Hz, strength of voice and hiss (0–1), the hiss's centre in Hz, length in ms."""

    formants: tuple[float, float, float]
    voice: float
    hiss: float = 0.0
    hiss_hz: float = 4000.0
    length_ms: int = 70


VOWELS = tuple(
    Phone(formants, 1.0, length_ms=length_ms)
    for formants, length_ms in (
        ((730, 1090, 2440), 125),
        ((530, 1840, 2480), 105),
        ((270, 2290, 3010), 100),
        ((570, 840, 2410), 125),
        ((300, 870, 2240), 105),
        ((660, 1720, 2410), 120),
        ((500, 1500, 2500), 75),
        ((390, 1990, 2550), 85),
    )
)
NASALS = (Phone((260, 1050, 2200), 0.30, length_ms=65), Phone((260, 1500, 2500), 0.32, length_ms=60))
GLIDES = (
    Phone((360, 1250, 1700), 0.55, length_ms=60),
    Phone((340, 1100, 2600), 0.55, length_ms=60),
    Phone((300, 700, 2200), 0.50, length_ms=55),
    Phone((280, 2200, 2900), 0.50, length_ms=55),
)
FRICATIVES = (
    Phone((320, 1600, 2550), 0.0, 0.50, 6200, 85),
    Phone((320, 1750, 2500), 0.0, 0.55, 3300, 85),
    Phone((320, 1150, 2300), 0.0, 0.22, 5000, 70),
    Phone((300, 1500, 2550), 0.28, 0.22, 5600, 65),
    Phone((300, 1150, 2300), 0.30, 0.12, 4500, 55),
)
CLOSURE_MS = 40
SHORTEST_MS = 500
BURSTS = (
    Phone((350, 900, 2200), 0.0, 0.45, 1300, 22),
    Phone((350, 1750, 2600), 0.0, 0.55, 4600, 24),
    Phone((330, 1950, 2300), 0.0, 0.50, 2300, 28),
    Phone((320, 1100, 2200), 0.20, 0.30, 1100, 16),
    Phone((320, 1750, 2600), 0.22, 0.35, 3600, 16),
)


@dataclass(frozen=True)
class Tracks:
    """Control tracks at TRACK_RATE, float64 (T,), formants (3, T); phrases as (start_ms, end_ms)."""

    pitch_hz: np.ndarray
    formants_hz: np.ndarray
    voice: np.ndarray
    hiss: np.ndarray
    hiss_hz: np.ndarray
    phrases: tuple[tuple[int, int], ...]


def talk(length_ms: int, voice: Voice, rng: np.random.Generator) -> Tracks:
    """Control tracks of `length_ms` of continuous talk: phrases of 1.2 to 4.4 s, pauses of 0.22 to 0.38 s.

    Raises:
        ClapperError: less than 500 ms, too short for a phrase.
    """
    if length_ms < SHORTEST_MS:
        raise ClapperError(
            "speech", f"{length_ms} ms is less than {SHORTEST_MS} ms", "ask for a longer stretch"
        )
    tracks = np.zeros((7, length_ms))
    tracks[:4] = np.array([[voice.pitch_hz], [500], [1500], [2500]])
    tracks[6] = 4000
    phrases, at = [], 0
    while length_ms - at >= SHORTEST_MS:
        room = length_ms - at
        wanted = int(rng.integers(1200, 2800))
        # A rest too short for a phrase of its own is joined to this one: talk ends where it was asked to.
        wanted = room if room - wanted < 1600 else wanted
        tracks[:, at : at + wanted] = _phrase(wanted, voice, rng)
        phrases.append((at, at + wanted))
        at += wanted + int(rng.integers(220, 380))
    formants = _smooth(tracks[1:4], 45) / voice.tract
    return Tracks(
        pitch_hz=_smooth(tracks[0:1], 60)[0],
        formants_hz=formants,
        voice=_smooth(tracks[4:5], 19)[0],
        hiss=_smooth(tracks[5:6], 11)[0],
        hiss_hz=tracks[6],
        phrases=tuple(phrases),
    )


def _phrase(length_ms: int, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """Rows pitch, F1, F2, F3, voice, hiss, hiss Hz of one phrase of exactly `length_ms`."""
    columns, stress = [], []
    pace = 4.6 / voice.syllables_per_s
    while sum(len(column[0]) for column in columns) < length_ms:
        strong = rng.random() < 0.45
        for phone in _syllable(rng):
            stretch = pace * rng.uniform(0.88, 1.15) * (1.2 if strong and phone.voice == 1 else 1.0)
            columns.append(_hold(phone, max(10, round(phone.length_ms * stretch)), 1.0 if strong else 0.72))
            stress.append(np.full(columns[-1].shape[1], 1.0 if strong else 0.0))
    sound = np.concatenate(columns, axis=1)[:, :length_ms]
    accents = _smooth(np.concatenate(stress)[None, :length_ms], 120)[0]
    line = np.linspace(1.12, 0.86, length_ms) + 0.16 * accents
    ends = np.minimum(1.0, np.minimum(np.arange(length_ms) / 25, np.arange(length_ms)[::-1] / 60))
    sound[3:5] *= ends
    return np.concatenate([(voice.pitch_hz * line)[None], sound])


def _syllable(rng: np.random.Generator) -> list[Phone]:
    vowel = VOWELS[rng.integers(len(VOWELS))]
    onset = _consonant(rng) if rng.random() < 0.88 else []
    coda = _consonant(rng) if rng.random() < 0.25 else []
    return [*onset, vowel, *coda]


def _consonant(rng: np.random.Generator) -> list[Phone]:
    family = (NASALS, GLIDES, FRICATIVES, BURSTS)[rng.choice(4, p=(0.22, 0.26, 0.22, 0.30))]
    phone = family[rng.integers(len(family))]
    if family is not BURSTS:
        return [phone]
    return [Phone(phone.formants, phone.voice * 0.3, length_ms=CLOSURE_MS), phone]


def _hold(phone: Phone, length_ms: int, loudness: float) -> np.ndarray:
    column = [*phone.formants, phone.voice * loudness, phone.hiss * loudness, phone.hiss_hz]
    return np.repeat(np.array(column, dtype=np.float64)[:, None], length_ms, axis=1)


def _smooth(rows: np.ndarray, length: int) -> np.ndarray:
    """Each row under a Hann window of odd `length`, its ends held."""
    window = np.hanning(length + 2)[1:-1]
    window /= window.sum()
    padded = np.pad(rows, ((0, 0), (length // 2, length - 1 - length // 2)), mode="edge")
    return np.stack([np.convolve(row, window, mode="valid") for row in padded])
