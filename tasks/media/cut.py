"""Where clips begin and end, and which frame of a clip shows which source picture. Pure arithmetic.

A source picture with stamp t belongs to the 25 fps frame nearest in time (halves round up), and stays until the
next picture's frame. Whatever first appears at t so appears within 20 ms of t, and a picture that lasts long is
never shown early, as it would be if every frame took the picture nearest to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from schemas.units import FRAME_MS, FRAME_RATE, Milliseconds

_HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Segment:
    """A span that is asked for, ms on the source's presentation clock; `end_ms` exclusive."""

    start_ms: Milliseconds
    end_ms: Milliseconds
    label: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class Cut:
    """A clip to be made: it begins at `start_ms` and has at most `frames` frames; `wanted` is what was asked."""

    start_ms: Milliseconds
    frames: int
    wanted: Segment


def slot(time: Fraction, start_ms: int) -> int:
    """The number of the frame, counted from a clip's start, that is nearest to a time in seconds."""
    return floor((time - Fraction(start_ms, 1000)) * FRAME_RATE + _HALF)


def whole_frames(time: Fraction, start_ms: int) -> int:
    """How many whole frames lie between a clip's start and a time in seconds; never less than 0."""
    return max(0, floor((time - Fraction(start_ms, 1000)) * FRAME_RATE))


def common_start(time: Fraction, until: Fraction, sound_start_ms: int) -> Milliseconds:
    """Where a source's clips may begin: both streams exist, at a whole millisecond.

    Args:
        time, until: stamps, in seconds, of the first picture still seen after the sound begins and of the next.
        sound_start_ms: where the sound begins.

    The next picture's stamp is taken if it comes within a frame, so that a 25 fps source keeps its own grid
    and no picture moves at all.
    """
    if time * 1000 >= sound_start_ms:
        return Milliseconds(ceil(time * 1000))
    if 0 < until * 1000 - sound_start_ms < FRAME_MS:
        return Milliseconds(ceil(until * 1000))
    return Milliseconds(sound_start_ms)


def fixed_cuts(start_ms: int, sound_end_ms: int, clip_length_ms: int) -> list[Cut]:
    """Clips of one length from `start_ms`, gapless, until the sound ends; the last one may be shorter."""
    cuts = []
    for begin in range(start_ms, sound_end_ms, clip_length_ms):
        end = min(begin + clip_length_ms, sound_end_ms)
        cuts.append(Cut(begin, (end - begin) // FRAME_MS, Segment(begin, end)))
    return cuts


def listed_cuts(segments: Iterable[Segment], start_ms: int, sound_end_ms: int) -> list[Cut]:
    """The listed spans as far as the source has them, by start and end."""
    cuts = []
    for segment in sorted(segments, key=lambda each: (each.start_ms, each.end_ms)):
        begin, end = max(segment.start_ms, start_ms), min(segment.end_ms, sound_end_ms)
        cuts.append(Cut(begin, max(0, end - begin) // FRAME_MS, segment))
    return cuts
