"""The sound of a source on its presentation clock, decoded once and spooled to disk.

ffmpeg decodes, mixes to one channel and resamples; where the samples belong is decided here, from the time
stamp of every packet, so that gaps, overlaps and skew are known exactly and per clip:

    with tempfile.TemporaryFile(dir=folder) as spool:
        sound = decode_sound(info, spool)
        samples = sound.samples(start=16_000 * 90, count=160_000)

Positions are whole samples at 16 kHz counted from the clock's zero: sample k is what sounds at k / 16000 s.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import IO

import numpy as np
from ffmpeg.nodes import FilterableStream

from schemas.errors import Dropped
from schemas.units import SAMPLE_RATE, Milliseconds
from tasks.media.packets import source_stream, stamped_packets
from tasks.media.probe import MediaInfo

SAMPLES_PER_MS = SAMPLE_RATE // 1000

TOLERANCE = SAMPLES_PER_MS
"""Samples (1 ms) by which a stamp may disagree with the sound before it. Stamps rounded to milliseconds do;
half of the 2 ms that the sync contract grants is left for everything else."""

_BYTES = 2
_LONGEST_UNKNOWN_S = 24 * 3600


@dataclass(frozen=True)
class Sound:
    """Decoded sound, int16 mono at 16 kHz, in a file; silence where the source has none.

    Attributes:
        first, end: positions of the first sample and after the last.
        pieces: positions (start, stop) of unbroken sound, ascending.
        peak: largest absolute sample value, 0–32768.
        removed: positions at which sound was left away because earlier sound overlaps it, with counts.
        stamps: for every packet its position and how far its stamp was from there, in samples.
    """

    spool: IO[bytes]
    first: int
    end: int
    pieces: tuple[tuple[int, int], ...]
    peak: int
    removed: np.ndarray
    stamps: np.ndarray

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

    def skew_within(self, start: int, count: int) -> float:
        """The largest distance between stamp and position of any packet in the span, ms."""
        positions = self.stamps[:, 0]
        low, high = max(0, bisect_right(positions, start) - 1), bisect_left(positions, start + count)
        return float(np.abs(self.stamps[low:high, 1]).max(initial=0) / SAMPLES_PER_MS)


def decode_sound(info: MediaInfo, spool: IO[bytes]) -> Sound:
    """Decode the main audio stream into `spool`, an empty file opened for reading and writing.

    A packet whose stamp agrees with the end of the sound before it (`TOLERANCE`) follows it seamlessly; one
    that comes later leaves a hole, which reads as silence; one that comes earlier loses its overlapping part.
    Memory: a few numbers per packet.

    Raises:
        Dropped: `no_audio`, `corrupt`.
        MediaError: ffmpeg failed or stalled.
    """
    placing = _Placing(spool, _longest(info))
    for time, packet in stamped_packets(_graph(info), str(info.path), acodec="pcm_s16le"):
        placing.add(round(time * SAMPLE_RATE), np.frombuffer(bytes(packet), np.int16))
    if placing.end is None:
        raise Dropped("no_audio", f"audio stream {info.audio.index} ({info.audio.codec}) decodes to nothing")
    return placing.result()


def sound_bounds_ms(sound: Sound) -> tuple[Milliseconds, Milliseconds]:
    """The whole milliseconds that lie within the sound: first (rounded up) and end (rounded down)."""
    return Milliseconds(-(-sound.first // SAMPLES_PER_MS)), Milliseconds(sound.end // SAMPLES_PER_MS)


class _Placing:
    """Where the next sample goes, and what happened so far."""

    def __init__(self, spool: IO[bytes], longest: int) -> None:
        self._spool, self._longest = spool, longest
        self._first = self._peak = 0
        self.end: int | None = None
        self._pieces: list[tuple[int, int]] = []
        self._removed: list[tuple[int, int]] = []
        self._stamps: list[tuple[int, int]] = []
        self._piece_start = 0

    def add(self, position: int, samples: np.ndarray) -> None:
        if self.end is None:
            self._first = self._piece_start = self.end = position
        skew = position - self.end
        if skew > TOLERANCE:
            self._pieces.append((self._piece_start, self.end))
            self._piece_start = self.end = position
        elif skew < -TOLERANCE:
            self._removed.append((self.end, min(-skew, len(samples))))
            samples = samples[-skew:]
        self._stamps.append((self.end, skew if abs(skew) <= TOLERANCE else 0))
        if not len(samples):
            return
        if self.end + len(samples) - self._first > self._longest:
            span = (self.end - self._first) / SAMPLE_RATE
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
            stamps=np.array(self._stamps, np.int64).reshape(-1, 2),
        )


def _longest(info: MediaInfo) -> int:
    """Samples that the sound may span at most: a wild stamp must not make a day of silence."""
    end = info.end_time or info.audio.end_time
    span_s = (end - info.start_time) * Fraction(11, 10) + 10 if end else _LONGEST_UNKNOWN_S
    return round(span_s * SAMPLE_RATE)


def _graph(info: MediaInfo) -> FilterableStream:
    # Stamps that stand still or run backwards would be bent by the muxer; without them a hole is left, and seen.
    return (
        source_stream(info.path, str(info.audio.index))
        .filter("aselect", "isnan(prev_selected_pts)+gt(pts,prev_selected_pts)")
        .filter("aformat", sample_fmts="s16", sample_rates=SAMPLE_RATE, channel_layouts="mono")
    )
