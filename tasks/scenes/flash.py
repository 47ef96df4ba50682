"""The simplest clip with known sync: white flashes and beeps at known times on black."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from tasks.scenes.encode import encode
from tasks.scenes.noise import overlap_add

FLASH_MS = 80
BEEP_MS = 40
BEEP_HZ = 1000.0


def flash_and_beep(
    path: Path,
    duration_s: float,
    fps: Fraction | int | float,
    sample_rate: int,
    events_s: Sequence[float],
    beeps_s: Sequence[float] | None = None,
    size: tuple[int, int] = (320, 180),
) -> list[float]:
    """Write a clip of flashes and beeps.

    Args:
        path: .mp4, .mov, .mkv or .webm.
        events_s: when flashes begin, in s: each with the first frame at or after its time, for 80 ms.
        beeps_s: when beeps begin, in s, to the sample; 40 ms of a 1 kHz cosine, at full level at once.
            None: with the flashes. A beep before its flash is early sound, a positive offset.
        size: width and height, px.

    Returns:
        For each flash the time in s of the first white frame.

    Raises:
        MediaError: ffmpeg failed.
    """
    rate = Fraction(fps).limit_denominator(1001)
    frames = -(-Fraction(duration_s).limit_denominator(100_000) * rate // 1)
    starts = [-(-Fraction(time_s).limit_denominator(100_000) * rate // 1) for time_s in events_s]
    long = max(1, round(FLASH_MS * rate / 1000))
    white = {start + step for start in starts for step in range(long)}
    sound = np.zeros(round(duration_s * sample_rate))
    t = np.arange(BEEP_MS * sample_rate // 1000) / sample_rate
    beep = 0.8 * np.cos(2 * np.pi * BEEP_HZ * t)
    for time_s in events_s if beeps_s is None else beeps_s:
        overlap_add(sound, beep[None], np.array([round(time_s * sample_rate)]))
    encode(Path(path), _pictures(frames, white, size), sound.astype(np.float32), size, rate, sample_rate)
    return [float(start / rate) for start in starts]


def _pictures(frames: int, white: set[int], size: tuple[int, int]) -> Iterator[np.ndarray]:
    dark, bright = (np.full((size[1], size[0], 3), level, dtype=np.uint8) for level in (0, 255))
    for number in range(frames):
        yield bright if number in white else dark
