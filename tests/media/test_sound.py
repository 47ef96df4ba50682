"""Where samples go: gaps, overlaps and stamps that are a little off."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Dropped
from tasks.media import sound as sound_module
from tasks.media.probe import AudioStream, MediaInfo
from tasks.media.sound import TOLERANCE, Sound, decode_sound

INFO = MediaInfo(
    Path("talk.mkv"), "matroska", None, Fraction(0), None, None, AudioStream(0, "pcm", 16_000, 1, 0, None)
)


def placed(packets: list[tuple[int, int]], spool, info: MediaInfo = INFO) -> Sound:
    """The sound of packets given as (position, count); each sample is its packet's number, from 1."""
    stamped = [
        (Fraction(position, 16_000), np.full(count, number, np.int16).tobytes())
        for number, (position, count) in enumerate(packets, start=1)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound_module, "stamped_packets", lambda *_, **__: iter(stamped))
        return decode_sound(info, spool)


steps = st.lists(st.tuples(st.integers(-40, 3000), st.integers(1, 1200)), min_size=1, max_size=40)


@given(steps, st.integers(0, 5000), st.integers(0, 20_000), st.integers(1, 9000))
def test_samples_lie_within_a_millisecond_of_their_stamps(
    steps: list[tuple[int, int]], first: int, start: int, count: int
) -> None:
    packets, position = [], first
    for offset, length in steps:
        packets.append((max(first, position + offset) if packets else first, length))
        position = packets[-1][0] + length
    with tempfile.TemporaryFile() as spool:
        sound = placed(packets, spool)
        line = sound.samples(sound.first, sound.end - sound.first)
        for number, (stamp, _) in enumerate(packets, start=1):
            places = np.flatnonzero(line == number) + sound.first
            if len(places) and not sound.removed_within(places[0], 1):
                assert abs(places[0] - stamp) <= TOLERANCE
                assert np.array_equal(np.diff(places), np.ones(len(places) - 1))
        span = sound.samples(start, count)
        assert sound.covered(start, count) == np.count_nonzero(span)
        whole = np.zeros(30_000 + 9000 + sound.end, np.int16)
        whole[sound.first : sound.end] = line
        assert np.array_equal(span, whole[start : start + count])
        removed = sum(length for _, length in packets) - np.count_nonzero(line)
        assert removed == sound.removed_within(0, sound.end + 1)


def test_a_drifting_clock_is_followed() -> None:
    packets = [(n * 1010, 1000) for n in range(200)]
    with tempfile.TemporaryFile() as spool:
        sound = placed(packets, spool)
        assert abs(sound.end - (199 * 1010 + 1000)) <= TOLERANCE
        assert 0 < sound.skew_within(0, sound.end) <= 1
        assert sound.covered(0, sound.end) == 200_000


def test_a_wild_stamp_is_no_day_of_silence() -> None:
    with tempfile.TemporaryFile() as spool, pytest.raises(Dropped, match="corrupt"):
        placed([(0, 1000), (16_000 * 3600 * 30, 1000)], spool)


def test_nothing_decoded() -> None:
    with tempfile.TemporaryFile() as spool, pytest.raises(Dropped, match="no_audio"):
        placed([], spool)
