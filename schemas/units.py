"""Units, and the sign of an offset. Times are rational inside and integer milliseconds outside."""

from __future__ import annotations

from fractions import Fraction
from typing import NewType

FRAME_RATE = 25
"""Frames per second of every normalised clip (RealSync §3)."""

SAMPLE_RATE = 16_000
"""Audio samples per second of every normalised clip, mono (RealSync §3)."""

FRAME_MS = 1000 // FRAME_RATE
SAMPLES_PER_FRAME = SAMPLE_RATE // FRAME_RATE

Milliseconds = NewType("Milliseconds", int)

OffsetMs = NewType("OffsetMs", int)
"""An audio-visual offset in milliseconds. **Positive: the audio is early (leads the picture).**

The sign of ITU-R BT.1359, of SyncNet's code and of SparseSync / Synchformer.
"""


IN_TIME = OffsetMs(0)
"""Picture and sound meet."""


def to_ms(seconds: Fraction | float) -> Milliseconds:
    """Seconds to the nearest whole millisecond."""
    return Milliseconds(round(Fraction(seconds) * 1000))


def frame_to_ms(frame: int) -> Milliseconds:
    """The time at which a 25 fps frame begins; exact, since a frame lasts 40 ms."""
    return Milliseconds(frame * 1000 // FRAME_RATE)
