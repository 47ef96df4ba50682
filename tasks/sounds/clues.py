"""What numpy alone can measure of a short sound: level, pitch, how both move, and how the spectrum is made.

Own features, chosen for the classes of `tasks.sounds.spectral`. Everything is at 16 kHz; spectra come from
32 ms Hann windows every 16 ms, pitch from the autocorrelation (below 1.5 kHz) of 64 ms windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

SAMPLE_RATE = 16_000
_FRAME, _HOP, _PITCH_FRAME = 512, 256, 1024
_FRAME_RATE = SAMPLE_RATE / _HOP
_LOWEST_PITCH_HZ, _HIGHEST_PITCH_HZ, _PITCH_BAND_HZ = 70, 400, 1500
_VOICED = 0.75
_HELD_FRAMES = 8
SHORTEST_SAMPLES = SAMPLE_RATE // 2
"""Shorter chunks say too little about movement."""


@dataclass(frozen=True)
class Clues:
    """Measured over one chunk; shares are 0–1.

    Attributes:
        level_db: RMS, dB of full scale.
        range_db: loudest frame over the frame that only a tenth of all are quieter than.
        quiet_share: frames more than 20 dB below the loudest.
        voiced_share: windows with a pitch.
        voiced_run: mean length of a run of voiced windows, in windows of 16 ms.
        glide_share: of steps within voiced runs, those where the pitch moves as a voice's does.
        steady_share: of the same steps, those where it stands still.
        periodicity: mean height of the autocorrelation's peak, 0–1, over windows that are loud enough.
        treble_swing_db: standard deviation over loud frames of the power above 4 kHz in the whole.
        syllabic_share: of the loudness contour's modulation from 0.6 to 30 Hz, the part from 2 to 9 Hz.
        held_share: moments in which some spectral peak stays in one place for 128 ms.
        centroid_hz: mean spectral centroid of loud frames.
        peak_share: power within ±2 bins of each frame's peak; the share that 95 % of the frames exceed.
        tilt_db: slope of the mean spectrum from 200 Hz to 6.4 kHz, dB per octave of power density.
        ripple_db: largest departure from that slope, in half octaves.
        unrest_db: standard deviation of the frames' level.
    """

    level_db: float
    range_db: float
    quiet_share: float
    voiced_share: float
    voiced_run: float
    glide_share: float
    steady_share: float
    periodicity: float
    treble_swing_db: float
    syllabic_share: float
    held_share: float
    centroid_hz: float
    peak_share: float
    tilt_db: float
    ripple_db: float
    unrest_db: float


def listen(chunk: np.ndarray) -> Clues:
    """The clues in a chunk, float (samples,) at 16 kHz with at least `SHORTEST_SAMPLES`."""
    chunk = chunk.astype(np.float64)
    power = _spectra(chunk, _FRAME)
    frame_power = power[:, 2:].sum(1) + 1e-12
    loudness_db = 10 * np.log10(frame_power)
    loud = loudness_db > loudness_db.max() - 30
    band = power[:, 4:225] + 1e-13
    centroid = band @ (np.arange(4, 225) * SAMPLE_RATE / _FRAME) / band.sum(1)
    treble_db = 10 * np.log10(power[:, 128:].sum(1) / frame_power + 1e-9)
    tilt_db, ripple_db = _tilt(power.mean(0))
    return Clues(
        level_db=float(10 * np.log10(np.mean(chunk**2) + 1e-12)),
        range_db=float(loudness_db.max() - np.percentile(loudness_db, 10)),
        quiet_share=float((loudness_db < loudness_db.max() - 20).mean()),
        **_pitch(chunk),
        treble_swing_db=float(treble_db[loud].std()),
        syllabic_share=_syllabic_share(loudness_db),
        held_share=_held_share(power),
        centroid_hz=float(centroid[loud].mean()),
        peak_share=float(np.percentile(_peak_share(power), 5)),
        tilt_db=tilt_db,
        ripple_db=ripple_db,
        unrest_db=float(loudness_db.std()),
    )


def _frames(chunk: np.ndarray, length: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(chunk, length)[::_HOP]


def _spectra(chunk: np.ndarray, length: int) -> np.ndarray:
    """Power per frame and bin, scaled so that a frame's sum is about its mean square."""
    window = np.hanning(length + 1)[:-1]
    return np.abs(np.fft.rfft(_frames(chunk, length) * window, axis=1)) ** 2 * (
        2 / length / (window**2).sum()
    )


def _pitch(chunk: np.ndarray) -> dict[str, float]:
    frames = _frames(chunk, _PITCH_FRAME)
    frames = frames - frames.mean(1, keepdims=True)
    window = np.hanning(_PITCH_FRAME)
    spectra = np.abs(np.fft.rfft(frames * window, 2 * _PITCH_FRAME, axis=1)) ** 2
    spectra[:, _PITCH_BAND_HZ * 2 * _PITCH_FRAME // SAMPLE_RATE :] = 0
    correlation = np.fft.irfft(spectra, axis=1)
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * _PITCH_FRAME)) ** 2)
    lags = np.arange(SAMPLE_RATE // _HIGHEST_PITCH_HZ, SAMPLE_RATE // _LOWEST_PITCH_HZ)
    height = correlation[:, lags] / (correlation[:, :1] + 1e-12) / (of_window[lags] / of_window[0])
    peak, pitch = height.max(1), SAMPLE_RATE / lags[height.argmax(1)]

    level_db = 10 * np.log10((frames**2).mean(1) + 1e-12)
    loud = level_db > max(level_db.max() - 25, -60)
    voiced = (peak > _VOICED) & loud
    edges = np.flatnonzero(np.diff(np.r_[0, voiced, 0]))
    runs = edges[1::2] - edges[::2]
    step_octaves = np.abs(np.diff(np.log2(pitch)))[voiced[1:] & voiced[:-1]]
    return {
        "voiced_share": float(voiced.mean()),
        "voiced_run": float(runs.mean()) if len(runs) else 0.0,
        "glide_share": _share((step_octaves > 0.003) & (step_octaves < 0.1)),
        "steady_share": _share(step_octaves <= 0.003),
        "periodicity": float(peak[loud].mean()) if loud.any() else 0.0,
    }


def _share(those: np.ndarray) -> float:
    return float(those.mean()) if len(those) else 0.0


def _syllabic_share(loudness_db: np.ndarray) -> float:
    contour = np.maximum(loudness_db, loudness_db.max() - 40)
    contour = (contour - contour.mean()) * np.hanning(len(contour))
    modulation = np.abs(np.fft.rfft(contour, 256)) ** 2
    rate = np.fft.rfftfreq(256, 1 / _FRAME_RATE)
    whole = modulation[(rate > 0.6) & (rate < 30)].sum() + 1e-9
    return float(modulation[(rate >= 2) & (rate < 9)].sum() / whole)


def _held_share(power: np.ndarray) -> float:
    """Peaks count from 125 Hz to 6.2 kHz, when 12 dB above their frame's mean and within 60 dB of the loudest."""
    level_db = 10 * np.log10(power[:, 4:200] + 1e-10)
    level_db = np.maximum(level_db, level_db.max() - 60)
    inner = level_db[:, 1:-1]
    peaks = (
        (inner > level_db[:, :-2]) & (inner > level_db[:, 2:]) & (inner > inner.mean(1, keepdims=True) + 12)
    )
    if len(peaks) < _HELD_FRAMES:
        return 0.0
    held = np.lib.stride_tricks.sliding_window_view(peaks, _HELD_FRAMES, axis=0).all(-1)
    return float(held.any(1).mean())


def _peak_share(power: np.ndarray) -> np.ndarray:
    padded = np.pad(power, ((0, 0), (2, 2)))
    rows, peak = np.arange(len(power)), power.argmax(1)
    around = sum(padded[rows, peak + shift] for shift in range(5))
    return around / (power.sum(1) + 1e-12)


def _tilt(spectrum: np.ndarray) -> tuple[float, float]:
    """Slope and largest departure, dB, of the power density in ten half octaves from 200 Hz to 6.4 kHz."""
    edges = np.round(200 * 2 ** np.arange(0, 5.01, 0.5) * _FRAME / SAMPLE_RATE).astype(int)
    density = [spectrum[low:high].mean() for low, high in pairwise(edges)]
    density_db = 10 * np.log10(np.array(density) + 1e-15)
    # The centre of a band is that of its bins: the lowest band has only three.
    octaves = np.log2([(low + high - 1) / 2 for low, high in pairwise(edges)])
    slope, offset = np.polyfit(octaves, density_db, 1)
    return float(slope), float(np.abs(density_db - slope * octaves - offset).max())
