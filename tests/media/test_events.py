"""Flashes and beeps: measured in sign and size, and not seen where there are none."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.media.check import check_file
from tasks.media.events import EventRecord, flash_times_ms, paired
from tasks.scenes import Scene, Source, render
from tasks.scenes.programme import NEWS
from tests.media.test_check import FLASHES, clip_of, flashing


@pytest.mark.parametrize("early_ms", [0, 40, 80, -120])
def test_offsets_have_the_right_sign_and_size(tmp_path: Path, early_ms: int) -> None:
    events = check_file(flashing(tmp_path, early_ms)).events
    assert (events.flashes, events.beeps, len(events.pairs)) == (4, 4, 4)
    for pair, flash in zip(events.pairs, FLASHES, strict=True):
        assert pair.flash_ms == round(flash * 1000)
        assert abs(pair.offset_ms - early_ms) <= 1
    assert abs(events.median_ms - early_ms) <= 1
    assert abs(events.largest_ms - early_ms) <= 1


@pytest.mark.parametrize("kind", ["talking_head", "hammer"])
def test_ordinary_material_has_no_events(tmp_path: Path, kind: str) -> None:
    scene = Scene(kind, 4000, 7, (1,), (1,)) if kind == "talking_head" else Scene(kind, 4000, 7, (), ())
    source = Source("news", "One", NEWS, "mp4", 160, 90, Fraction(25), 48_000, (scene,))
    check = check_file(clip_of(render(source, tmp_path)))
    assert check.passed
    assert check.events is None


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_noise_is_not_taken_for_flashes_and_beeps(seed: int) -> None:
    rng, record = np.random.default_rng(seed), EventRecord()
    for frame in range(100):
        record.see(Fraction(frame, 25), rng.integers(16, 236, (16, 16), np.uint8))
        record.hear(Fraction(frame, 25), 16_000, rng.integers(-(2**31), 2**31, (640, 1)).astype(np.int32))
    assert record.offsets() is None


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(30, 60), min_size=3, max_size=8),
    st.integers(-480, 480),
    st.sampled_from([8000, 16_000, 44_100, 48_000]),
    st.integers(300, 2000),
)
def test_any_shift_is_measured_to_a_millisecond(
    steps: list[int], early_ms: int, rate: int, piece: int
) -> None:
    flashes = [int(frame) for frame in 20 + np.cumsum(steps)]
    length = flashes[-1] + 40
    samples = np.zeros((length * rate // 25, 1), np.int32)
    for frame in flashes:
        begin = round((frame * 40 - early_ms) * rate / 1000)
        samples[begin : begin + rate // 20] = 2**30
    record = EventRecord()
    for frame in range(length):
        lit = any(begin <= frame < begin + 3 for begin in flashes)
        record.see(Fraction(frame, 25), np.full((8, 8), 235 if lit else 16, np.uint8))
    for begin in range(0, len(samples), piece):
        record.hear(Fraction(begin, rate), rate, samples[begin : begin + piece])
    events = record.offsets()
    assert len(events.pairs) == len(flashes)
    assert all(abs(pair.offset_ms - early_ms) <= 1 for pair in events.pairs)


def test_a_gap_between_stamps_counts_as_silence() -> None:
    record = EventRecord()
    for frame in range(150):
        record.see(Fraction(frame, 25), np.full((8, 8), 235 if frame in (20, 60, 100) else 16, np.uint8))
    for event_ms in (0, 800, 1600, 2400, 4000, 5900):
        samples = np.zeros((1600, 1), np.int32)
        samples[:800] = 2**30 if 0 < event_ms < 5000 else 0
        record.hear(Fraction(event_ms, 1000), 16_000, samples)
    events = record.offsets()
    assert [pair.offset_ms for pair in events.pairs] == [0, 0, 0]


@pytest.mark.parametrize(
    ("lumas", "flashes"),
    [
        ([16] * 5 + [235] * 3 + [16] * 5, 1),
        ([16] * 5 + [120] + [235] * 3 + [16] * 5, 1),
        ([16] * 5 + [60, 100, 140, 180, 220, 235] + [16] * 5, 0),
        ([16] * 5 + [235] * 40 + [16] * 5, 0),
        ([100] * 5 + [130] * 3 + [100] * 5, 0),
    ],
    ids=["a flash", "blended", "a fade", "a long light", "too little contrast"],
)
def test_a_flash_leaps_and_is_brief(lumas: list[float], flashes: int) -> None:
    assert len(flash_times_ms([40.0 * number for number in range(len(lumas))], lumas)) == flashes


def test_pairs_are_each_others_nearest_within_half_a_second() -> None:
    pairs = paired([1000, 2000, 3000], [1100, 2600, 2900, 2990])
    assert [(pair.flash_ms, pair.beep_ms, pair.offset_ms) for pair in pairs] == [
        (1000, 1100, -100),
        (3000, 2990, 10),
    ]
