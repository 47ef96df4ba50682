"""Where samples go: gaps, overlaps and stamps that are a little off."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import example, given
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
    frames = [frame(position, count, number) for number, (position, count) in enumerate(packets, start=1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound_module, "decoded_frames", lambda *_: (each for each in frames))
        return decode_sound(info, spool)


def frame(position: int, count: int, value: int, rate: int = 16_000) -> av.AudioFrame:
    """A decoded packet of one value."""
    made = av.AudioFrame.from_ndarray(np.full((1, count), value, np.int16), format="s16", layout="mono")
    made.sample_rate, made.pts, made.time_base = rate, position, Fraction(1, rate)
    return made


steps = st.lists(st.tuples(st.integers(-40, 3000), st.integers(1, 1200)), min_size=1, max_size=40)


@example([(0, 1000), (-40, 5), (0, 500)], 0, 0, 9000)
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
                assert abs(places[0] - stamp) <= TOLERANCE * 16_000
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
        assert abs(sound.end - (199 * 1010 + 1000)) <= TOLERANCE * 16_000
        skews_us = sound.stamps_within(0, sound.end)[:, 1]
        assert 0 < skews_us.max() <= 1000
        assert sound.covered(0, sound.end) == 200_000


def test_a_wild_stamp_is_no_day_of_silence() -> None:
    with tempfile.TemporaryFile() as spool, pytest.raises(Dropped, match="corrupt"):
        placed([(0, 1000), (16_000 * 3600 * 50, 1000)], spool)


def test_nothing_decoded() -> None:
    with tempfile.TemporaryFile() as spool, pytest.raises(Dropped, match="no_audio"):
        placed([], spool)


def test_a_clock_that_is_set_back_ends_the_sound() -> None:
    packets = [(n * 1000, 1000) for n in range(60)] + [(n * 1000, 1000) for n in range(40)]
    with tempfile.TemporaryFile() as spool:
        sound = placed(packets, spool)
        assert (sound.first, sound.end) == (0, 60_000)
        assert sound.turned_back == Fraction(40_000, 16_000)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000])
def test_an_impulse_keeps_its_place_at_every_rate(rate: int) -> None:
    line = np.zeros(rate * 2, np.int16)
    places = [rate // 3, rate, rate * 3 // 2]
    line[places] = 20_000
    packets = [frame(begin + rate, len(part), 0, rate) for begin in range(0, len(line), 1024)
               if len(part := line[begin : begin + 1024])]  # fmt: skip
    for number, made in enumerate(packets):
        made.planes[0].update(line[number * 1024 : number * 1024 + made.samples].tobytes())
    with tempfile.TemporaryFile() as spool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sound_module, "decoded_frames", lambda *_: (each for each in packets))
        sound = decode_sound(INFO, spool)
        assert (sound.first, sound.end) == (16_000, 48_000)
        heard = sound.samples(16_000, 32_000).astype(float) ** 2
    for place in places:
        expected = place * 16_000 / rate
        around = slice(round(expected) - 40, round(expected) + 41)
        centre = np.average(np.arange(around.start, around.stop), weights=heard[around])
        assert abs(centre - expected) < 0.5
