"""Mouth motion against loudness.

After J. Hershey and J. Movellan, "Audio Vision: Using Audio-Visual Synchrony to Locate Sounds" (NIPS 1999),
who take the mutual information of a pixel's change and the sound's energy as Gaussian, −½ log(1 − ρ²). Of
one motion signal per face that is a function of the correlation ρ alone, whose sign is worth keeping:
a mouth that speaks moves more when the sound is loud.
"""

from __future__ import annotations

import numpy as np

from schemas.units import SAMPLES_PER_FRAME
from tasks.speakers.profile import enough, sound_frames

# Of a crop of 112 px: from under the nose to under the chin, cheek to cheek.
_MOUTH = (slice(44, 100), slice(26, 86))
_STILL = 0.5
_FLOOR_NEPERS = 4.5
_SILENCE = 1e-4


def mouth_motion(crops: np.ndarray) -> np.ndarray:
    """How much the mouth's region changes about each frame.

    Args:
        crops: uint8 (T, 112, 112) grey.

    Returns:
        float64 (T,): log of the mean absolute difference, in grey levels, of the frames before and after.
    """
    mouth = crops[(slice(None), *_MOUTH)].astype(np.float32)
    if len(mouth) < 3:
        return np.zeros(len(mouth))
    change = np.abs(mouth[2:] - mouth[:-2]).mean(axis=(1, 2), dtype=np.float64)
    return np.log(np.pad(change, 1, mode="edge") + _STILL)


def loudness(waveform: np.ndarray, frames: int) -> np.ndarray:
    """Log amplitude of the sound in each picture frame, no lower than 39 dB under its loud parts.

    Args:
        waveform: float32 (N,), −1 to 1, at 16 kHz.

    Returns:
        float64 (frames,), in nepers.
    """
    samples = np.zeros(frames * SAMPLES_PER_FRAME)
    kept = min(len(samples), len(waveform))
    samples[:kept] = waveform[:kept]
    # Pre-emphasis takes out hum and rumble, which carry no speech.
    samples[1:] -= 0.97 * samples[:-1].copy()
    level = np.log(np.sqrt(np.square(samples.reshape(frames, -1)).mean(axis=1)) + _SILENCE)
    return np.maximum(level, np.quantile(level, 0.98) - _FLOOR_NEPERS)


def correlation_profile(
    motion: np.ndarray, level: np.ndarray, start_frame: int, max_shift: int
) -> np.ndarray:
    """Correlation of a window's motion with the sound at every offset.

    Args:
        motion: float (T,), from picture frame `start_frame` on.
        level: float (N,), of the whole clip.

    Returns:
        float64 (2·max_shift + 1,); NaN where less than half of the window has sound. See `tasks.speakers.profile`.
    """
    at = sound_frames(start_frame, len(motion), max_shift)
    known = (at >= 0) & (at < len(level))
    counts = known.sum(axis=1)
    x = _centred(np.broadcast_to(motion, at.shape), known, counts)
    y = _centred(level[np.clip(at, 0, len(level) - 1)], known, counts)
    strength = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum(axis=1))
    return np.where(enough(counts, len(motion)), (x * y).sum(axis=1) / (strength + 1e-9), np.nan)


def _centred(values: np.ndarray, known: np.ndarray, counts: np.ndarray) -> np.ndarray:
    means = (values * known).sum(axis=1) / np.maximum(counts, 1)
    return np.where(known, values - means[:, None], 0)
