"""What counts as happening, and where a source may be cut, from what is known of its sound and its pictures."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sections import Moments
from tasks.media import Segment
from tasks.moments.observe import Observed
from tasks.moments.pictures import Seen
from tasks.moments.sound import SILENCE_DBFS, TICK_MS, TICK_SAMPLES, Heard, listen
from tasks.moments.timeline import Timeline, first_tick, timeline_of
from tasks.scenes.phones import VOICES
from tasks.scenes.speech import say
from tasks.speech import SpeechInterval

TICKS, START_MS = 1_000, 70_000
HUM_DBFS, LOUD_DBFS = -60.0, -25.0

Span = tuple[int, int]


def observed(moves: list[Span], cuts: tuple[tuple[float, float], ...] = (), rate: int = 25) -> Observed:
    """Ten seconds whose clock starts at 70 s; a twentieth of the picture moves in the spans, ms from the start."""
    times = START_MS / 1000 + np.arange(10 * rate) / rate
    moved = np.zeros(len(times), np.float32)
    for start, end in moves:
        moved[start * rate // 1000 : end * rate // 1000] = 0.05
    samples = np.zeros(TICKS * TICK_SAMPLES, np.int16)
    seen = Seen(times, moved, cuts)
    return Observed(START_MS, START_MS + 10_000, samples, START_MS * 16, seen)


def heard(loud: list[Span] = (), blows: list[int] = (), floor_dbfs: float = HUM_DBFS) -> Heard:
    level, rise = np.full(TICKS, floor_dbfs, np.float32), np.zeros(TICKS, np.float32)
    for start, end in loud:
        level[start // TICK_MS : end // TICK_MS] = LOUD_DBFS
    rise[[blow // TICK_MS for blow in blows]] = 25
    return Heard(level, rise)


def spoken(*spans: Span) -> list[SpeechInterval]:
    return [SpeechInterval(START_MS + start, START_MS + end, 0.9) for start, end in spans]


def at(timeline: Timeline, time_ms: int) -> float:
    return float(timeline.happening[time_ms // TICK_MS])


ALL = [(0, 10_000)]


def test_nothing_happens_without_sound_or_without_movement():
    rules = Moments()
    assert not timeline_of(observed(ALL), heard(), [], rules).happening.any()
    everything = heard(ALL, [1_000, 2_000])
    assert not timeline_of(observed([]), everything, spoken((0, 10_000)), rules).happening.any()
    assert timeline_of(observed(ALL), everything, [], rules).happening.min() > 0.4


def test_a_blow_counts_for_more_than_speech_and_speech_for_more_than_what_goes_on():
    sounds = heard([(4_000, 10_000)], [2_000])
    timeline = timeline_of(observed(ALL), sounds, spoken((5_000, 7_000)), Moments())
    blow, speech, tone, hum = (at(timeline, time_ms) for time_ms in (2_000, 6_000, 8_000, 500))
    assert 0 == hum < 0.4 < tone < speech < blow <= 1
    assert timeline.happening.max() == pytest.approx(blow)


@pytest.mark.parametrize(
    ("late_ms", "together"), [(-400, False), (-120, True), (0, True), (120, True), (400, False)]
)
def test_what_is_heard_and_seen_belongs_together_when_it_is_near(late_ms: int, together: bool):
    """A blow, and a movement of a tenth of a second that much later."""
    moves = [(5_000 + late_ms, 5_100 + late_ms)]
    happens = timeline_of(observed(moves), heard(blows=[5_040]), [], Moments()).happening
    assert (happens.max() > 0.5) == together
    assert not happens[:440].any() and not happens[570:].any()


def test_more_movement_is_more_and_a_little_is_not_nothing():
    sounds = heard(ALL)
    amounts = []
    for share in (0.0005, 0.002, 0.01, 0.05, 0.2, 0.9):
        known = observed(ALL)
        known.seen.moved[:] = share
        amounts.append(at(timeline_of(known, sounds, [], Moments()), 5_000))
    assert amounts[0] == 0 and amounts[1] > 0.15
    assert all(more > less for less, more in pairwise(amounts[:5])) and amounts[4] == amounts[5]


def test_a_picture_that_stands_has_stopped_moving():
    """Where no picture comes for seconds, the last one's movement is over."""
    known = observed(ALL)
    kept = (known.seen.times < START_MS / 1000 + 3) | (known.seen.times >= START_MS / 1000 + 8)
    seen = Seen(known.seen.times[kept], known.seen.moved[kept], ())
    known = Observed(known.start_ms, known.end_ms, known.samples, known.first_sample, seen)
    happens = timeline_of(known, heard(ALL), [], Moments()).happening
    assert happens[:300].all() and not happens[325:785].any() and happens[800:].all()
    none = Observed(
        START_MS, START_MS + 10_000, known.samples, START_MS * 16, Seen(np.empty(0), np.empty(0), ())
    )
    assert not timeline_of(none, heard(ALL), [], Moments()).happening.any()


def speaking_ms(timeline: Timeline) -> np.ndarray:
    """Times from the start, ms, at which a cut would be inside speech."""
    return np.flatnonzero(timeline.speaking) * TICK_MS


@pytest.mark.parametrize(("silence_ms", "free"), [(60, False), (110, False), (120, True), (400, True)])
def test_a_gap_between_two_intervals_is_a_pause_from_min_pause_on(silence_ms: int, free: bool):
    """In the middle of noise as loud as the speech, so that nothing else tells."""
    speech = spoken((1_000, 5_000), (5_000 + silence_ms, 9_000))
    inside = speaking_ms(timeline_of(observed([]), heard(ALL), speech, Moments()))
    assert inside[0] == 1_010 and inside[-1] == 8_990
    pause = set(range(5_000, 5_000 + silence_ms + 1, TICK_MS)) - set(inside)
    assert bool(pause) == free
    if free:
        # Either edge of the pause is a place to cut.
        assert {5_000, 5_000 + silence_ms} <= pause


@pytest.mark.parametrize(
    ("length_ms", "depth_db", "free"),
    [(300, 30, True), (300, 18, True), (300, 10, False), (120, 30, True), (60, 30, False)],
)
def test_a_dip_in_speech_is_a_pause_if_it_is_deep_and_long(length_ms: int, depth_db: float, free: bool):
    sounds = heard(ALL)
    sounds.level_dbfs[500 : 500 + length_ms // TICK_MS] -= depth_db
    timeline = timeline_of(observed([]), sounds, spoken((1_000, 9_000)), Moments())
    dip = np.arange(500, 500 + length_ms // TICK_MS + 1)
    assert (~timeline.speaking[dip]).any() == free
    assert timeline.speaking[101:500].all() and timeline.speaking[dip[-1] + 1 : 900].all()
    # The deeper, the better a place to cut, even where it is no pause.
    assert timeline.unrest[dip].min() < timeline.unrest[300] or length_ms < 120


def test_a_quiet_end_of_a_phrase_is_no_pause_before_long_silence():
    """A dip is measured against what is loudest within a second: long quiet speech is speech."""
    sounds = heard([(1_000, 3_000)], floor_dbfs=LOUD_DBFS - 20)
    timeline = timeline_of(observed([]), sounds, spoken((1_000, 9_000)), Moments())
    assert timeline.speaking[450:900].all()


@pytest.mark.parametrize("number", range(4))
def test_pauses_between_known_phrases_are_found_though_the_detector_hears_none(number: int):
    """Invented speech of which one interval tells nothing but that somebody speaks all the time."""
    said = say(30_000, VOICES[number % len(VOICES)], number, 16_000)
    samples = (said.waveform * 32767).astype(np.int16)
    samples += (np.random.default_rng(number).standard_normal(len(samples)) * 20).astype(np.int16)
    known = Observed(0, 30_000, samples, 0, Seen(np.empty(0), np.empty(0), ()))
    speech = [SpeechInterval(0, 30_000, 0.9)]
    timeline = timeline_of(known, listen(samples, 0, 3_000), speech, Moments())
    inside = [(start + 60, end - 60) for start, end in said.phrases]
    phrases = np.zeros(timeline.ticks + 1, bool)
    for start, end in inside:
        phrases[-(-start // TICK_MS) : end // TICK_MS] = True
    pauses = [
        slice(before // TICK_MS, -(-after // TICK_MS) + 1)
        for (_, before), (after, _) in pairwise(said.phrases)
        if 200 <= after - before <= 900
    ]
    assert len(pauses) >= 3
    assert all(not timeline.speaking[pause].all() for pause in pauses)
    assert timeline.speaking[phrases].mean() > 0.97


CUTS = ((70.96, 71.0), (72.003, 72.007), (69.0, 69.04), (80.1, 80.14))


def test_cuts_lie_on_the_grid_with_the_doubt_between_them():
    timeline = timeline_of(observed([], CUTS), heard(), [], Moments())
    assert timeline.cuts == ((96, 100), (200, 201))


@given(st.integers(-3_000, 3_000), st.integers(-48_000, 48_000))
def test_the_grid_begins_in_the_sound_where_both_streams_do(start_ms: int, first_sample: int):
    known = Observed(
        start_ms, start_ms + 1_000, np.zeros(1, np.int16), first_sample, Seen(np.empty(0), np.empty(0), ())
    )
    exact = (start_ms * 16 - first_sample) / TICK_SAMPLES
    assert abs(first_tick(known) - exact) <= 0.5


@given(st.floats(-10, 20), st.integers(-100_000, 100_000))
def test_ticks_after_and_before_a_time(time_s: float, start_ms: int):
    timeline = Timeline(
        start_ms, np.zeros(1_000, np.float32), np.zeros(1_001, bool), np.zeros(1_001, np.float32), ()
    )
    time_ms = start_ms + round(time_s * 1000)
    before, after = timeline.tick_before(time_ms), timeline.tick_after(time_ms)
    assert 0 <= before <= after <= timeline.ticks == 1_000
    if timeline.start_ms <= time_ms <= timeline.end_ms:
        assert start_ms + before * TICK_MS <= time_ms <= start_ms + after * TICK_MS
        assert after - before <= 1
    listed = timeline.within([Segment(time_ms, time_ms + 2_000)])
    assert listed == [(after, timeline.tick_before(time_ms + 2_000))]
    assert timeline.within(None) == [(0, 1_000)] and timeline.within([]) == []


def test_silence_between_phrases_is_a_pause_of_any_depth():
    sounds = heard([(1_000, 4_000), (6_000, 9_000)], floor_dbfs=SILENCE_DBFS)
    inside = speaking_ms(timeline_of(observed([]), sounds, spoken((1_000, 9_000)), Moments()))
    assert not set(inside) & set(range(4_100, 4_900)) and not set(inside) & set(range(5_100, 5_900))
