"""Which spans are chosen: invariants for any timeline, and the cases that they leave open."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import LengthShare, Moments
from tasks.media import Segment
from tasks.moments.plan import plan
from tests.moments.timelines import timeline


def rules(**changes) -> Moments:
    return Moments(**{"max_per_source": 20, **changes})


@st.composite
def situations(draw):
    """A timeline, a list or none, and rules."""
    length_ms = draw(st.integers(100, 9_000)) * 10
    start_ms = draw(st.integers(-5_000, 100_000))
    instants = st.integers(0, length_ms)
    spans = st.tuples(instants, instants).map(sorted)
    happens = [(*span, draw(st.floats(0, 1))) for span in draw(st.lists(spans, max_size=6))]
    known = timeline(
        length_ms,
        happens,
        draw(st.lists(spans, max_size=5)),
        sorted(draw(st.lists(instants.filter(lambda ms: 10 <= ms < length_ms - 10), max_size=8))),
        start_ms,
    )
    listed = None
    if draw(st.booleans()):
        listed = [Segment(start_ms + a, start_ms + b) for a, b in draw(st.lists(spans, max_size=4))]
    least = draw(st.integers(25, 200)) * 40
    rule = Moments(
        min_length=f"{least} ms",
        max_length=f"{least + draw(st.integers(0, 200)) * 40} ms",
        max_per_source=draw(st.integers(1, 12)),
        min_gap=f"{draw(st.integers(0, 3000))} ms",
        max_shift=f"{draw(st.integers(0, 2000))} ms",
        min_salience=draw(st.sampled_from([0, 0.2, 0.6])),
    )
    share = st.tuples(st.integers(1, 15), st.integers(1, 5), st.integers(0, 9))
    shares = [
        LengthShare(above=f"{above} s", up_to=f"{above + width} s", clips=clips)
        for above, width, clips in draw(st.lists(share, max_size=4))
    ]
    return known, listed, rule, shares


@settings(deadline=None)
@given(situations(), st.text(max_size=8))
def test_what_holds_for_every_plan(situation, video_id):
    known, listed, rule, shares = situation
    moments = plan(known, listed, rule, shares, video_id)
    assert moments == plan(known, listed, rule, shares, video_id)
    assert len(moments) <= rule.max_per_source
    assert all(after.start_ms - before.end_ms >= rule.min_gap for before, after in pairwise(moments))
    for moment in moments:
        assert rule.min_length <= moment.end_ms - moment.start_ms <= rule.max_length
        assert (moment.end_ms - moment.start_ms) % 40 == 0
        assert known.start_ms <= moment.start_ms <= moment.around_ms < moment.end_ms <= known.end_ms
        assert moment.salience >= rule.min_salience - 1e-4
        assert (moment.segment is None) == (listed is None)
        first, last = ((ms - known.start_ms) // 10 for ms in (moment.start_ms, moment.end_ms))
        assert moment.start_in_speech == known.speaking[first]
        assert moment.end_in_speech == known.speaking[last]
        area = (known.start_ms, known.end_ms)
        if listed is not None:
            segment = listed[moment.segment]
            area = max(area[0], segment.start_ms), min(area[1], segment.end_ms)
            assert area[0] <= moment.start_ms and moment.end_ms <= area[1]
        crossed = [cut for _, cut in known.cuts if first < cut < last]
        assert moment.shot_cuts == len(crossed)
        if crossed:
            edges = [area[0], *(known.start_ms + cut * 10 for _, cut in known.cuts), area[1]]
            shots = [(max(begin + 40, area[0]), min(end - 40, area[1])) for begin, end in pairwise(edges)]
            # A margin of 40 ms at each cut, and a grid of 10 ms on both sides.
            assert all(end - begin < rule.min_length + 120 for begin, end in shots)


@settings(deadline=None)
@given(st.integers(0, 26_000), st.integers(20, 1_000), st.text(max_size=4))
def test_one_event_is_inside_with_room_on_both_sides(event_ms, lasts_ms, video_id):
    known = timeline(30_000, [(event_ms, event_ms + lasts_ms, 1.0)])
    (moment,) = plan(known, None, rules(max_per_source=1, min_salience=0.05), (), video_id)
    assert moment.start_ms <= event_ms // 10 * 10
    assert moment.end_ms >= (event_ms + lasts_ms) // 10 * 10
    assert event_ms // 10 * 10 <= moment.around_ms < event_ms + lasts_ms
    if 7_000 < event_ms < 22_000:
        assert min(event_ms - moment.start_ms, moment.end_ms - event_ms - lasts_ms) > 400


def test_the_most_salient_come_first():
    known = timeline(90_000, [(10_000, 11_000, 0.5), (40_000, 41_000, 0.9), (70_000, 71_000, 0.7)])
    for count, expected in ((1, {40_000}), (2, {40_000, 70_000}), (3, {10_000, 40_000, 70_000})):
        found = plan(known, None, rules(max_per_source=count, min_salience=0.1), (), "v")
        assert {moment.around_ms for moment in found} == expected


def test_a_shot_that_is_long_enough_is_not_left():
    known = timeline(20_000, [(0, 20_000, 0.6)], cuts_ms=[2_000, 9_000, 11_000, 19_000])
    found = plan(known, None, rules(), (), "v")
    assert found and not any(moment.shot_cuts for moment in found)
    assert all(
        2_040 <= moment.start_ms < moment.end_ms <= 8_960
        or 11_040 <= moment.start_ms < moment.end_ms <= 18_960
        for moment in found
    )


def test_a_dissolve_belongs_to_neither_shot():
    known = replace(timeline(20_000, [(0, 20_000, 0.6)]), cuts=((900, 1_010),))
    found = plan(known, None, rules(), (), "v")
    assert {moment.start_ms < 9_000 for moment in found} == {True, False}
    assert all(moment.end_ms <= 8_960 or moment.start_ms >= 10_140 for moment in found)


def test_where_all_shots_are_short_clips_run_across_cuts_and_say_so():
    known = timeline(20_000, [(0, 20_000, 0.6)], cuts_ms=range(2_000, 20_000, 2_000))
    found = plan(known, None, rules(), (), "v")
    assert found and all(moment.shot_cuts >= 1 for moment in found)


PAUSES = [(0, 4_000), (4_300, 9_000), (9_250, 14_000), (14_200, 20_000)]


@pytest.mark.parametrize("video_id", [f"v{number}" for number in range(12)])
def test_ends_move_to_pauses(video_id):
    """Speech with a pause at least every six seconds, which an end that moves 3 s always reaches."""
    known = timeline(20_000, [(0, 20_000, 0.6)], speech=PAUSES)
    (found,) = plan(known, None, rules(max_shift="3000 ms", max_per_source=1), (), video_id)
    assert not (found.start_in_speech or found.end_in_speech)


def test_ends_do_not_move_further_than_they_may():
    known = timeline(20_000, [(0, 20_000, 0.6)], speech=[(0, 20_000)])
    (moment,) = plan(known, [Segment(2_000, 18_000)], rules(max_per_source=1), (), "v")
    assert moment.start_in_speech and moment.end_in_speech
    unmoved = plan(known, [Segment(2_000, 18_000)], rules(max_per_source=1, max_shift="0 ms"), (), "v")
    assert abs(unmoved[0].start_ms - moment.start_ms) <= 1_500
    assert abs(unmoved[0].end_ms - moment.end_ms) <= 1_500


def test_lengths_on_long_material_have_the_shares():
    """The bins of AV-SyncBench's Table 1, on an hour without cuts."""
    table = {(3, 5): 1586, (5, 7): 346, (7, 9): 1253, (9, 11): 2064, (11, 13): 995}
    shares = [
        LengthShare(above=f"{above} s", up_to=f"{up_to} s", clips=clips)
        for (above, up_to), clips in table.items()
    ]
    rng = np.random.default_rng(3)
    speech = [(start, start + int(rng.integers(800, 2_500))) for start in range(0, 3_600_000, 3_000)]
    blows = [(start, start + 200, 1.0) for start in range(500, 3_600_000, 2_000)]
    known = timeline(3_600_000, blows, speech)
    found = plan(known, None, rules(max_per_source=200), shares, "long")
    assert len(found) == 200
    lengths = np.array([moment.end_ms - moment.start_ms for moment in found]) / 1000
    for (above, up_to), clips in table.items():
        share = ((lengths > above) & (lengths <= up_to)).mean()
        expected = clips / sum(table.values())
        # Three standard deviations of a draw of 200.
        assert abs(share - expected) < 3 * (expected * (1 - expected) / 200) ** 0.5, (above, share, expected)


def test_nothing_that_is_not_salient():
    assert not plan(timeline(20_000, [(0, 20_000, 0.19)]), None, rules(), (), "v")
    assert not plan(timeline(2_990, [(0, 2_990, 1.0)]), None, rules(), (), "v")
    assert not plan(timeline(20_000, [(0, 20_000, 0.9)]), [], rules(), (), "v")
