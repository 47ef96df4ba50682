"""Flashes and beeps in a file, and how far apart they are: what can be measured without knowing the source.

    record = EventRecord()
    measure(path, record.see, record.hear)
    record.offsets()                       # None for ordinary material

A flash is known only to the frame that shows it, a beep to the millisecond. Memory: 16 bytes a frame and 4 bytes a
millisecond of sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from statistics import median

import numpy as np

from schemas.units import OffsetMs

PAIR_WITHIN_MS = 500
"""Farther apart than this, a flash and a beep are not taken for one event."""

LEAST_FLASHES = 3
_LEAST_CONTRAST = 60
"""Of mean luma, 16 to 235, between the darkest frame and the lightest."""

_DARK, _LIGHT, _LIT = 0.25, 0.5, 0.75
"""Of the way from the darkest to the lightest frame: dark before a flash, alight in it, and reached by it."""

_DARK_FRAMES = 3
_FLASH_AT_MOST_MS = 1000
_QUIET, _BEGUN = 0.1, 0.25
"""Of the loudest sample: quiet before a beep, and begun."""

_QUIET_MS, _ATTACK_MS = 100, 20
_LONGEST_MS = 6 * 3_600_000


@dataclass(frozen=True)
class EventPair:
    """One event, seen and heard, in ms on the clip's clock. Positive offset: the audio is early."""

    flash_ms: int
    beep_ms: int
    offset_ms: OffsetMs


@dataclass(frozen=True)
class EventOffsets:
    """Flash-and-beep material, measured.

    Attributes:
        flashes, beeps: how many were found; some may have no partner, such as one cut off at the clip's edge.
        median_ms: of the pairs' offsets.
        largest_ms: the offset that is farthest from 0.
    """

    pairs: tuple[EventPair, ...]
    flashes: int
    beeps: int
    median_ms: OffsetMs
    largest_ms: OffsetMs


class EventRecord:
    """Mean lumas and loudness, taken down while a file is decoded; the first six hours of it."""

    def __init__(self) -> None:
        self._times_ms: list[float] = []
        self._lumas: list[float] = []
        self._peaks: list[np.ndarray] = []
        self._sound_start_ms: float | None = None
        self._sound_ms = 0

    def see(self, time: Fraction, luma: np.ndarray) -> None:
        """A frame: its stamp in s, and its luma, uint8 (height, width)."""
        self._times_ms.append(float(time * 1000))
        self._lumas.append(float(luma[::4, ::4].mean()))

    def hear(self, time: Fraction, rate: int, samples: np.ndarray) -> None:
        """A piece of sound: its stamp in s, its rate in Hz, and its samples, int32 (n, channels)."""
        start_ms = float(time * 1000)
        if self._sound_start_ms is None:
            self._sound_start_ms = start_ms
        end_ms = start_ms - self._sound_start_ms + len(samples) * 1000 / rate
        if not len(samples) or end_ms > _LONGEST_MS:
            return
        loudness = np.abs(samples.astype(np.float32)).max(axis=1)
        places = np.floor(start_ms - self._sound_start_ms + np.arange(len(samples)) * (1000 / rate) + 1e-6)
        # Where stamps leave a gap, the milliseconds between stay silent.
        first = min(self._sound_ms, int(places[0])) if places[0] >= 0 else self._sound_ms
        peaks = np.zeros(max(0, int(places[-1]) + 1 - first), np.float32)
        if len(peaks):
            np.maximum.at(peaks, np.maximum(places.astype(np.int64) - first, 0), loudness)
            self._join(peaks, first)

    def _join(self, peaks: np.ndarray, first: int) -> None:
        """Put the peaks from millisecond `first` on behind those before; a shared millisecond is the louder one."""
        shared = self._sound_ms - first
        if shared > 0 and shared <= len(peaks) and self._peaks and shared <= len(self._peaks[-1]):
            tail = self._peaks[-1][-shared:]
            np.maximum(tail, peaks[:shared], out=tail)
        self._peaks.append(peaks[max(0, shared) :])
        self._sound_ms += len(self._peaks[-1])

    def offsets(self) -> EventOffsets | None:
        """The pairs, or None when this is not flash-and-beep material: fewer than three flashes, or flashes and
        beeps that do not pair up, three in four of each at the least."""
        flashes = flash_times_ms(self._times_ms, self._lumas)
        if len(flashes) < LEAST_FLASHES:
            return None
        peaks = np.concatenate(self._peaks) if self._peaks else np.zeros(0, np.float32)
        beeps = [self._sound_start_ms + place for place in beep_places_ms(peaks)]
        pairs = paired(flashes, beeps)
        if 4 * len(pairs) < 3 * max(len(flashes), len(beeps)):
            return None
        offsets = [pair.offset_ms for pair in pairs]
        middle, largest = OffsetMs(round(median(offsets))), max(offsets, key=abs)
        return EventOffsets(tuple(pairs), len(flashes), len(beeps), middle, largest)


def flash_times_ms(times_ms: list[float], lumas: list[float]) -> list[float]:
    """When the picture leaps from dark to light and is dark again within a second.

    Args:
        times_ms, lumas: of every frame in turn.
    """
    if not lumas or max(lumas) - min(lumas) < _LEAST_CONTRAST:
        return []
    level = (np.array(lumas) - min(lumas)) / (max(lumas) - min(lumas))
    found = []
    lit = np.flatnonzero((level[1:] >= _LIGHT) & (level[:-1] < _LIGHT)) + 1
    for begin in lit:
        after = np.flatnonzero(level[begin:] < _LIGHT)
        end = begin + int(after[0]) if len(after) else len(level) - 1
        # One frame may lie between dark and light, where a camera or a change of rate has blended them.
        at_once = _dark_before(level, begin) and level[begin : begin + 2].max() >= _LIT
        blended = _dark_before(level, begin - 1) and level[begin] >= _LIT
        if (at_once or blended) and times_ms[end] - times_ms[begin] <= _FLASH_AT_MOST_MS:
            found.append(times_ms[begin])
    return found


def _dark_before(level: np.ndarray, frame: int) -> bool:
    before = level[max(0, frame - _DARK_FRAMES) : max(0, frame)]
    return len(before) > 0 and before.max() < _DARK


def beep_places_ms(peaks: np.ndarray) -> list[int]:
    """When sound begins after at least a tenth of a second of quiet, in ms from the first one.

    Args:
        peaks: (milliseconds,), the largest absolute sample of each.
    """
    if not len(peaks) or not peaks.max():
        return []
    before = np.concatenate([[0], np.cumsum(peaks >= _QUIET * peaks.max())])
    begun = np.flatnonzero(peaks >= _BEGUN * peaks.max())
    begun = begun[begun >= _ATTACK_MS]
    late, early = begun - _ATTACK_MS, np.maximum(0, begun - _ATTACK_MS - _QUIET_MS)
    found: list[int] = []
    for place in begun[before[late] == before[early]]:
        if not found or place - found[-1] > _QUIET_MS:
            found.append(int(place))
    return found


def paired(flashes_ms: list[float], beeps_ms: list[float]) -> list[EventPair]:
    """Flashes and beeps that are each other's nearest, within `PAIR_WITHIN_MS`."""
    pairs = []
    for flash in flashes_ms if beeps_ms else ():
        beep = min(beeps_ms, key=lambda other: abs(other - flash))
        mutual = min(flashes_ms, key=lambda other: abs(other - beep)) == flash
        if mutual and abs(flash - beep) <= PAIR_WITHIN_MS:
            pairs.append(EventPair(round(flash), round(beep), OffsetMs(round(flash - beep))))
    return pairs
