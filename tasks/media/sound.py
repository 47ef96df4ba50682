"""The sound of a source on its presentation clock, decoded once and spooled to disk.

Unbroken sound is mixed to one channel and resampled in one go; where it belongs is decided by its time stamps,
so that gaps, overlaps and skew are known exactly and per clip:

    with tempfile.TemporaryFile(dir=folder) as spool:
        sound = decode_sound(info, spool)
        samples = sound.samples(start=16_000 * 90, count=160_000)

Positions are whole samples at 16 kHz counted from the clock's zero: sample k is what sounds at k / 16000 s.
"""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import IO

import av
import numpy as np

from schemas.errors import Dropped
from schemas.units import SAMPLE_RATE, Milliseconds
from tasks.media.probe import MediaInfo
from tasks.media.source import decoded_frames, seconds, stamp

SAMPLES_PER_MS = SAMPLE_RATE // 1000

TOLERANCE = Fraction(1, 1000)
"""Seconds by which a stamp may disagree with the sound before it. Stamps rounded to milliseconds do; half of the
2 ms that the sync contract grants is left for everything else."""

LONGEST_OVERLAP = Fraction(1)
"""Seconds by which sound may begin again before the end of the sound before it. Beyond, the clock was set back."""

LONGEST_SOURCE_S = 48 * 3600
"""A longer span of stamps is no recording but a fault."""

_BYTES = 2
_LARGEST_STAMP_S = 2**36


@dataclass(frozen=True)
class Sound:
    """Decoded sound, int16 mono at 16 kHz, in a file; silence where the source has none.

    Attributes:
        first, end: positions of the first sample and after the last.
        pieces: positions (start, stop) of unbroken sound, ascending.
        peak: largest absolute sample value, 0–32768.
        removed: positions at which sound was left away because earlier sound overlaps it, with counts.
        stamps: int64 (n, 3), for every packet its position in samples, how much later than there its stamp is
            in µs, and the stamp itself in ticks of the source.
        time_base: seconds of one tick.
        turned_back: seconds of sound that follow after the source's clock jumped backwards; not kept.
    """

    spool: IO[bytes]
    first: int
    end: int
    pieces: tuple[tuple[int, int], ...]
    peak: int
    removed: np.ndarray
    stamps: np.ndarray
    time_base: Fraction
    turned_back: Fraction

    def samples(self, start: int, count: int) -> np.ndarray:
        """int16 (count,) from position `start`; zero outside the sound."""
        found = np.zeros(count, np.int16)
        low, high = max(start, self.first), min(start + count, self.end)
        if low < high:
            raw = os.pread(self.spool.fileno(), (high - low) * _BYTES, (low - self.first) * _BYTES)
            found[low - start : low - start + len(raw) // _BYTES] = np.frombuffer(raw, np.int16)
        return found

    def covered(self, start: int, count: int) -> int:
        """How many of `count` samples from `start` the source has."""
        nearby = self.pieces[max(0, bisect_right(self.pieces, (start, start)) - 1) :]
        covered = 0
        for low, high in nearby:
            if low >= start + count:
                break
            covered += max(0, min(high, start + count) - max(low, start))
        return covered

    def removed_within(self, start: int, count: int) -> int:
        """Samples left away in the span, because they overlapped earlier ones."""
        low, high = np.searchsorted(self.removed[:, 0], (start, start + count))
        return int(self.removed[low:high, 1].sum())

    def stamps_within(self, start: int, count: int) -> np.ndarray:
        """The rows of `stamps` of all packets that sound within the span."""
        positions = self.stamps[:, 0]
        return self.stamps[max(0, bisect_right(positions, start) - 1) : bisect_left(positions, start + count)]


def decode_sound(info: MediaInfo, spool: IO[bytes], beat: Callable[[], None] = lambda: None) -> Sound:
    """Decode the main audio stream into `spool`, an empty file opened for reading and writing.

    A packet whose stamp agrees with the end of the sound before it (`TOLERANCE`) follows it seamlessly; one
    that comes later leaves a hole, which reads as silence; one that comes earlier loses its overlapping part.
    Memory: three numbers per packet.

    Args:
        beat: called for every packet.

    Raises:
        Dropped: `no_audio`, `corrupt`.
        MediaError: the file cannot be opened or its codec is unknown.
    """
    placing = _Placing(spool, _longest(info))
    with closing(decoded_frames(info, info.audio.index)) as frames:
        for frame in frames:
            beat()
            placing.add(frame)
    placing.finish()
    if placing.end is None:
        raise Dropped("no_audio", f"audio stream {info.audio.index} ({info.audio.codec}) decodes to nothing")
    return placing.result()


def sound_bounds_ms(sound: Sound) -> tuple[Milliseconds, Milliseconds]:
    """The whole milliseconds that lie within the sound: first (rounded up) and end (rounded down)."""
    return Milliseconds(-(-sound.first // SAMPLES_PER_MS)), Milliseconds(sound.end // SAMPLES_PER_MS)


class _Run:
    """Unbroken sound on its way through one resampler, from `start` (s) on.

    The resampler's first sample is the run's first, so positions follow from counting alone.
    """

    def __init__(self, start: Fraction, frame: av.AudioFrame) -> None:
        self.start, self.position = start, round(start * SAMPLE_RATE)
        self._kind = _kind(frame)
        self._taken = 0
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)

    @property
    def end(self) -> Fraction:
        return self.start + Fraction(self._taken, self._kind[0])

    def fits(self, frame: av.AudioFrame) -> bool:
        """Whether the frame has the rate, the channels and the sample format of those before it."""
        return _kind(frame) == self._kind

    def push(self, frame: av.AudioFrame) -> Iterator[np.ndarray]:
        """int16 arrays, as far as they are ready."""
        self._taken += frame.samples
        frame.pts = None
        yield from self._resampled(frame)

    def rest(self) -> Iterator[np.ndarray]:
        """What the resampler still holds."""
        yield from self._resampled(None)

    def _resampled(self, frame: av.AudioFrame | None) -> Iterator[np.ndarray]:
        for ready in self._resampler.resample(frame):
            samples = ready.to_ndarray()[0]
            self.position += len(samples)
            yield samples


def _kind(frame: av.AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.format.name, frame.layout.name


class _Placing:
    """Where the next sample goes, and what happened so far."""

    def __init__(self, spool: IO[bytes], longest: int) -> None:
        self._spool, self._longest = spool, longest
        self._first = self._peak = self._piece_start = 0
        self.end: int | None = None
        self._run: _Run | None = None
        self._pieces: list[tuple[int, int]] = []
        self._removed: list[tuple[int, int]] = []
        self._stamps = array("q")
        self._time_base = Fraction(1, SAMPLE_RATE)
        self._turned_back = Fraction(0)

    def add(self, frame: av.AudioFrame) -> None:
        """Place one decoded frame by its stamp; one without a stamp follows what is before it."""
        lasts = Fraction(frame.samples, frame.sample_rate)
        expected = self._run.end if self._run else Fraction(0)
        ticks, time = stamp(frame), seconds(frame)
        if time is None:
            time = expected
        if abs(time) > _LARGEST_STAMP_S:
            raise Dropped("corrupt", f"its sound is stamped {float(time):.0f} s")
        if self._turned_back or (self._run and time < expected - LONGEST_OVERLAP):
            self._turned_back += lasts
            return
        if ticks is not None:
            self._time_base = frame.time_base
        skew = time - expected
        if self._run is None or abs(skew) > TOLERANCE or not self._run.fits(frame):
            self.finish()
            self._run, skew = _Run(time, frame), Fraction(0)
            self._begin_piece(self._run.position)
        due = round((time - skew) * SAMPLE_RATE)
        self._stamps.extend((due, round(skew * 1_000_000), ticks or 0))
        for samples in self._run.push(frame):
            self._write(samples, self._run.position)

    def finish(self) -> None:
        """Write what the resampler still holds."""
        if self._run:
            for samples in self._run.rest():
                self._write(samples, self._run.position)

    def _begin_piece(self, position: int) -> None:
        if self.end is None:
            self._first = self._piece_start = self.end = position
        elif position > self.end:
            self._pieces.append((self._piece_start, self.end))
            self._piece_start = self.end = position

    def _write(self, samples: np.ndarray, stop: int) -> None:
        """Samples that end at position `stop`, without what lies before the end of the sound so far."""
        overlap = min(len(samples), max(0, self.end - (stop - len(samples))))
        if overlap:
            self._removed.append((self.end, overlap))
            samples = samples[overlap:]
        if not len(samples):
            return
        if stop - self._first > self._longest:
            span = (stop - self._first) / SAMPLE_RATE
            raise Dropped("corrupt", f"its sound is stamped over {span:.0f} s, more than the file's length")
        os.pwrite(self._spool.fileno(), samples.tobytes(), (self.end - self._first) * _BYTES)
        self.end += len(samples)
        self._peak = max(self._peak, int(samples.max()), -int(samples.min()))

    def result(self) -> Sound:
        return Sound(
            spool=self._spool,
            first=self._first,
            end=self.end,
            pieces=(*self._pieces, (self._piece_start, self.end)),
            peak=self._peak,
            removed=np.array(self._removed, np.int64).reshape(-1, 2),
            stamps=np.array(self._stamps, np.int64).reshape(-1, 3),
            time_base=self._time_base,
            turned_back=self._turned_back,
        )


def _longest(info: MediaInfo) -> int:
    """Samples that the sound may span at most: a wild stamp must not make a day of silence."""
    end = info.end_time or info.audio.end_time
    span_s = (end - info.start_time) * Fraction(11, 10) + 10 if end else LONGEST_SOURCE_S
    return round(min(span_s, LONGEST_SOURCE_S) * SAMPLE_RATE)
