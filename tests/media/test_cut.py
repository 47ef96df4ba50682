"""Properties of the arithmetic of clips and frames."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tasks.media.cut import Segment, common_start, fixed_cuts, listed_cuts, slot, whole_frames
from tasks.media.framing import framed_clips
from tasks.media.omissions import Bounds, edges, missing_parts, remainder, too_short
from tasks.media.pictures import Shown

times = st.fractions(min_value=0, max_value=7200, max_denominator=90_000)
starts = st.integers(0, 7_200_000)


class Written:
    """Stands in for an encoder: remembers which picture each frame shows."""

    def __init__(self) -> None:
        self.shown: list[int] = []
        self.discarded = False

    @property
    def frames(self) -> int:
        return len(self.shown)

    def add(self, picture: int) -> None:
        self.shown.append(picture)

    def discard(self) -> None:
        self.discarded = True


def same(picture: int) -> int:
    """Stands in for a scaler."""
    return picture


def as_pictures(stamps: list[Fraction]) -> list[Shown]:
    ends = [*stamps[1:], stamps[-1] + Fraction(1, 25)]
    return [
        Shown(time, number, until, number, last=number == len(stamps) - 1)
        for number, (time, until) in enumerate(zip(stamps, ends, strict=True))
    ]


@given(times, starts)
def test_a_time_is_at_most_half_a_frame_from_its_slot(time: Fraction, start_ms: int) -> None:
    distance = time - Fraction(start_ms, 1000) - Fraction(slot(time, start_ms), 25)
    assert -Fraction(1, 50) <= distance < Fraction(1, 50)


@given(times, starts)
def test_whole_frames_end_before_the_time(time: Fraction, start_ms: int) -> None:
    frames = whole_frames(time, start_ms)
    left = time - Fraction(start_ms, 1000) - Fraction(frames, 25)
    assert left < Fraction(1, 25)
    assert left >= 0 or frames == 0


@given(
    st.lists(st.integers(1, 400_000), min_size=1, max_size=60), st.integers(0, 2000), st.integers(25, 3000)
)
def test_each_frame_shows_the_latest_picture_that_belongs_to_it(
    steps: list[int], start_ms: int, length: int
) -> None:
    stamps, now = [], Fraction(0)
    for step in steps:
        stamps.append(now)
        now += Fraction(step, 1_000_000)
    [cut, *_] = listed_cuts([Segment(start_ms, start_ms + length)], 0, 10**9)
    encoder = Written()
    for clip in framed_clips(as_pictures(stamps), [cut], lambda: encoder, same):
        assert clip.frames <= cut.frames
        for frame, shown in enumerate(encoder.shown):
            belonging = [n for n, time in enumerate(stamps) if slot(time, start_ms) <= frame]
            assert shown == belonging[-1]
        fresh = {shown for n, shown in enumerate(encoder.shown) if slot(stamps[shown], start_ms) == n}
        assert clip.repeated == clip.frames - len(fresh)
        within = [n for n, time in enumerate(stamps[:-1]) if 0 <= slot(time, start_ms) < cut.frames]
        assert clip.dropped == len(set(within) - set(encoder.shown))
        if encoder.shown:
            assert (clip.first_ticks, clip.last_ticks) == (encoder.shown[0], encoder.shown[-1])
        assert clip.skew <= Fraction(1, 50)


def test_overlapping_and_unordered_cuts_each_get_all_their_frames() -> None:
    pictures = as_pictures([Fraction(n, 25) for n in range(250)])
    spans = [Segment(4000, 6000), Segment(0, 2000), Segment(1000, 5000), Segment(9000, 12_000)]
    cuts = listed_cuts(spans, 0, 20_000)
    made = {clip.cut.start_ms: clip.encoder.shown for clip in framed_clips(pictures, cuts, Written, same)}
    assert {start: (shown[0], len(shown)) for start, shown in made.items()} == {
        0: (0, 50),
        1000: (25, 100),
        4000: (100, 50),
        9000: (225, 25),
    }


def test_no_more_pictures_are_taken_than_the_cuts_need() -> None:
    pictures = iter(as_pictures([Fraction(n, 25) for n in range(250)]))
    list(framed_clips(pictures, listed_cuts([Segment(0, 2000)], 0, 20_000), Written, same))
    assert next(pictures).frame == 50


def test_open_encoders_are_discarded_when_the_consumer_stops() -> None:
    pictures = as_pictures([Fraction(n, 25) for n in range(250)])
    made: list[Written] = []

    def new() -> Written:
        made.append(Written())
        return made[-1]

    clips = framed_clips(pictures, listed_cuts([Segment(0, 1000), Segment(500, 9000)], 0, 20_000), new, same)
    next(clips)
    clips.close()
    assert [encoder.discarded for encoder in made] == [False, True]


@given(st.integers(0, 10_000), st.integers(0, 60_000), st.integers(25, 400))
def test_a_grid_covers_everything_and_has_one_length(start_ms: int, length_ms: int, clip_frames: int) -> None:
    cuts = fixed_cuts(start_ms, start_ms + length_ms, clip_frames * 40)
    covered = sum(cut.wanted.end_ms - cut.wanted.start_ms for cut in cuts)
    assert covered == length_ms
    assert all(cut.frames == clip_frames for cut in cuts[:-1])


def test_the_start_is_where_both_streams_are() -> None:
    frame = Fraction(1, 25)
    assert common_start(Fraction(2), 2 + frame, 1000) == 2000
    assert common_start(frame, 2 * frame, 41) == 80
    assert common_start(Fraction(0), Fraction(10), 41) == 41
    assert common_start(Fraction(1001, 30_000), Fraction(2002, 30_000), 0) == 34


def test_what_is_missing_is_named() -> None:
    bounds = Bounds(200, 9000, 0, 7000)
    assert [(part.start_ms, part.end_ms, part.reason) for part in edges(bounds)] == [
        (0, 200, "no_picture"),
        (7000, 9000, "no_sound"),
    ]
    [early, late, beyond] = listed_cuts(
        [Segment(0, 3000), Segment(5000, 8000), Segment(9500, 12_000)], 200, 7000
    )
    assert [(part.end_ms, part.reason) for part in missing_parts(early, early.frames, bounds)] == [
        (200, "no_picture")
    ]
    assert [(part.start_ms, part.reason) for part in missing_parts(late, late.frames, bounds)] == [
        (7000, "no_sound")
    ]
    assert too_short(beyond, bounds, 1000).reason == "outside_source"
    assert too_short(late, bounds, 3000).reason == "no_sound"
    assert too_short(early, bounds, 4000).reason == "shorter_than_minimum"
    last = fixed_cuts(200, 7000, 5000)[-1]
    assert [(part.start_ms, part.end_ms, part.reason) for part in remainder(last, bounds, 3000)] == [
        (5200, 7000, "shorter_than_minimum")
    ]
