"""Offsets that never change: what each exported clip is shifted by when a loader evaluates on it.

**A positive offset means that the audio is early (leads the picture)**: the public loaders take the sound from
`start + offset` and the picture from `start`, so what is heard will be seen `offset` later. All follow from the
name of the clip alone: the same in every export of every version, with no file of random numbers to keep.

    on_the_grid("dQw4w9WgXcQ_10000_20000", frames=250)     # Placed(offset_ms=-400, start_frame=61)
"""

from __future__ import annotations

import hashlib
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from math import exp

from schemas.units import FRAME_MS, FRAME_RATE, IN_TIME, SAMPLE_RATE, OffsetMs

MAX_OFFSET_MS = 2_000
STEP_MS = 200
GRID_MS = tuple(OffsetMs(offset) for offset in range(-MAX_OFFSET_MS, MAX_OFFSET_MS + 1, STEP_MS))
"""The 21 classes of SparseSync and Synchformer."""

CROP_FRAMES = 5 * FRAME_RATE
"""Frames that the loaders cut from a clip, and as much sound."""

FINEST_MS = 10
"""The loaders round offsets to two decimals of a second."""

BELL_MS = 900
"""Standard deviation of the bell that `bell_shaped` follows before it is cut off. The public lists of RealSync, whose
offsets other than 0 have a root mean square of 878 ms, are met within 20 ms."""

_UNITS = 1 << 53


@dataclass(frozen=True)
class Placed:
    """Where a loader crops a clip's picture, and by how much its sound is shifted."""

    offset_ms: OffsetMs
    start_frame: int

    @property
    def offset_s(self) -> str:
        return f"{self.offset_ms / 1000:.1f}"

    @property
    def start_s(self) -> str:
        return f"{self.start_frame / FRAME_RATE:.2f}"


def on_the_grid(name: str, frames: int) -> Placed:
    """One of the 21 offsets, all alike likely, and a start at which picture and sound lie within the clip.

    Args:
        frames: how many the clip has; at least 225, so that there is a start for every offset.
    """
    offset = GRID_MS[_pick(f"grid {name}", len(GRID_MS))]
    shift = offset // FRAME_MS
    latest = frames - CROP_FRAMES
    starts = [
        frame for frame in range(max(0, -shift), min(latest, latest - shift) + 1) if _survives(frame, offset)
    ]
    return Placed(offset, starts[_pick(f"start {name}", len(starts))])


def uniform(name: str) -> OffsetMs:
    """Every 10 ms within ±2 s alike likely."""
    steps = MAX_OFFSET_MS // FINEST_MS
    return OffsetMs((_pick(f"uniform {name}", 2 * steps + 1) - steps) * FINEST_MS)


def bell_shaped(name: str) -> OffsetMs:
    """Exactly 0 for one half; for the other a step of 200 ms, at most 2 s, small ones more likely."""
    if _pick(f"in time {name}", 2):
        return IN_TIME
    share = _pick(f"bell {name}", _UNITS) / _UNITS
    return _AWAY_MS[bisect(_BELL, share * _BELL[-1])]


def _survives(frame: int, offset_ms: int) -> bool:
    """Whether a loader that multiplies seconds by a rate, and cuts off, finds this frame and its sample again.

    29 frames are 1.16 s, and int(1.16 * 25) is 28: the picture would be a frame from its sound.
    """
    start_s, offset_s = float(f"{frame / FRAME_RATE:.2f}"), float(f"{offset_ms / 1000:.1f}")
    sample = (frame * FRAME_MS + offset_ms) * SAMPLE_RATE // 1000
    found = int((start_s + offset_s) * SAMPLE_RATE)
    return int(start_s * FRAME_RATE) == frame and sample - 1 <= found <= sample and found >= 0


def _pick(text: str, among: int) -> int:
    """A number from 0, below `among`, that follows from a text; all alike likely but for less than 2⁻³²."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:12], "big") % among


def _weight(offset_ms: int) -> float:
    # The last steps stand for what lies on their inner side alone.
    share = 0.5 if abs(offset_ms) == MAX_OFFSET_MS else 1.0
    return share * exp(-((offset_ms / BELL_MS) ** 2) / 2)


_AWAY_MS = tuple(offset for offset in GRID_MS if offset)
_BELL = tuple(accumulate(_weight(offset) for offset in _AWAY_MS))
