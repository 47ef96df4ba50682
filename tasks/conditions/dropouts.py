"""Holes in a sound: moments of nothing between sounds, as lost packets and poor cuts leave them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from schemas.units import SAMPLE_RATE

STEP_MS = 5
_STEP = SAMPLE_RATE * STEP_MS // 1000

_EMPTY, _SOUND = 10**-7.5, 10**-4.5
"""Mean power of a step at −75 and at −45 dBFS."""

_SHORTEST, _LONGEST, _BESIDE = 3, 200, 16
"""Steps: AAC fills the edges of a hole, so that one of 40 ms leaves 15 ms; a second and more is a pause that somebody
made; and on either side there is sound within 80 ms."""


def dropout_ms(waveform: np.ndarray) -> int:
    """How much of a waveform, float32 (n,) at 16 kHz, −1…1, is holes; holes of less than 15 ms do not count.

    A hole at the beginning or the end is none. AAC makes holes up to 25 ms shorter than they were.
    """
    count = len(waveform) // _STEP
    power = (waveform[: count * _STEP].reshape(count, _STEP).astype(np.float64) ** 2).mean(axis=1)
    empty = power < _EMPTY
    edges = np.flatnonzero(np.diff(empty, prepend=False, append=False))
    return STEP_MS * sum(
        int(end - start)
        for start, end in list(pairwise(edges))[::2]
        if _SHORTEST <= end - start <= _LONGEST
        and power[max(0, start - _BESIDE) : start].max(initial=0) > _SOUND
        and power[end : end + _BESIDE].max(initial=0) > _SOUND
    )
