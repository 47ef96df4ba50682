"""Mouth motion and loudness, whose correlation is the embedded measure of sync.

After J. Hershey and J. Movellan, "Audio Vision: Using Audio-Visual Synchrony to Locate Sounds" (NIPS 1999),
who take the mutual information of a pixel's change and the sound's energy as Gaussian, −½ log(1 − ρ²). Of
one motion signal per face that is a function of the correlation ρ alone, whose sign is worth keeping:
a mouth that speaks moves more when the sound is loud. See `tasks.speakers.profile.correlation_profile`.
"""

from __future__ import annotations

import cv2
import numpy as np

from schemas.units import SAMPLES_PER_FRAME

# Of a crop of 112 px: from under the nose to under the chin, cheek to cheek; and the face above, which is rigid.
_MOUTH = (slice(44, 100), slice(26, 86))
_RIGID = (slice(0, 56), slice(8, 104))
_FURTHEST_PX = 12.0
_STILL = 0.5
_FLOOR_NEPERS = 4.5
_SILENCE = 1e-4


def mouth_motion(crops: np.ndarray) -> np.ndarray:
    """How much the mouth's region changes about each frame, over and above the way that the whole face moves.

    The frames before and after are laid over each other by the shift of the upper face first: a box that jitters by
    a pixel moves the whole crop by two or three, which would else count as much as a word.

    Args:
        crops: uint8 (T, 112, 112) grey.

    Returns:
        float64 (T,): log of (0.5 + the mean absolute difference in grey levels of the frames before and after).
    """
    if len(crops) < 3:
        return np.full(len(crops), np.log(_STILL))
    taper = cv2.createHanningWindow(
        (_RIGID[1].stop - _RIGID[1].start, _RIGID[0].stop - _RIGID[0].start), cv2.CV_32F
    )
    rigid = crops[(slice(None), *_RIGID)].astype(np.float32)
    change = [
        _change(before, after, cv2.phaseCorrelate(above, below, taper)[0])
        for before, after, above, below in zip(crops[:-2], crops[2:], rigid[:-2], rigid[2:], strict=True)
    ]
    return np.log(np.pad(np.array(change), 1, mode="edge") + _STILL)


def _change(before: np.ndarray, after: np.ndarray, shift_px: tuple[float, float]) -> float:
    x, y = shift_px
    if max(abs(x), abs(y)) > _FURTHEST_PX:
        x, y = 0.0, 0.0
    size = (_MOUTH[1].stop - _MOUTH[1].start, _MOUTH[0].stop - _MOUTH[0].start)
    centre = (_MOUTH[1].start + (size[0] - 1) / 2, _MOUTH[0].start + (size[1] - 1) / 2)
    # Half of the shift each: both are interpolated alike, and so lose the same sharpness.
    one = cv2.getRectSubPix(before, size, (centre[0] - x / 2, centre[1] - y / 2))
    other = cv2.getRectSubPix(after, size, (centre[0] + x / 2, centre[1] + y / 2))
    return float(cv2.absdiff(one, other).mean())


def grey_levels(motion: np.ndarray) -> float:
    """The mean change of a window's mouth in grey levels, from its `mouth_motion`."""
    return float(np.exp(motion).mean() - _STILL) if len(motion) else 0.0


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
