"""The torture chamber: in every clip of every source, each event is where the source has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from schemas.errors import Dropped
from schemas.sections import Media
from tasks.media import Normalized, NormalizedClip, normalize
from tests.media.chamber import SWEEP_S, Trial, encode, make, scene, sounding
from tests.media.chamber_measuring import READERS, Heard, Reading, Seen, Told, sweeps, told_by_ffprobe
from tests.media.making import FLASH_S
from tests.media.trials import TRIALS

MEDIA = Media(clip_length="4 s", min_clip_length="1 s", short_side="64 px")
CLIP_FRAMES = 100
SOUND_BOUND_S, PICTURE_BOUND_S = 0.002, 0.020
ROUNDING_S = 2e-6
"""ffprobe tells times in whole microseconds."""

MARGIN_S = 0.05
LEAST_SEEN_S = 0.06
"""What is seen for less than a frame and a half need not appear at 25 frames a second."""


@dataclass(frozen=True)
class Case:
    """A source as others tell it, what became of it, and every clip as three readers have it."""

    trial: Trial
    told: Told
    made: Normalized
    dropped: Dropped | None
    readings: tuple[tuple[NormalizedClip, tuple[Reading, ...]], ...]


@pytest.fixture(scope="module", params=TRIALS, ids=lambda trial: trial.name)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return tried(request.param, tmp_path_factory.mktemp("trial"))


def tried(trial: Trial, folder: Path) -> Case:
    source = make(trial, folder)
    told = told_by_ffprobe(source, trial.scene.tracks.index(True))
    try:
        made = normalize(source, None, MEDIA, folder / "clips", name=lambda start, end: f"{start}_{end}.mp4")
        dropped = None
    except Dropped as error:
        made, dropped = Normalized((), ()), error
    readings = tuple((clip, tuple(read(clip.path) for read in READERS)) for clip in made.clips)
    return Case(trial, told, made, dropped, readings)


def test_the_source_is_as_meant(case: Case) -> None:
    trial, told = case.trial, case.told
    if trial.sound_late is None:
        pytest.skip("the container does not carry the time of both streams")
    problems = list(misplaced(told, trial.sound_late, trial.carried_s))
    assert problems == []


def test_every_event_keeps_its_time(case: Case) -> None:
    problems = [
        f"{clip.path.name}, {read.__name__}: {problem}"
        for clip, readings in case.readings
        for read, reading in zip(READERS, readings, strict=True)
        for problem in (*moved_flashes(case.told, clip, reading), *moved_sweeps(case.told, clip, reading))
    ]
    assert problems == []
    inside = [
        event
        for clip, _ in case.readings
        for events, length in ((case.told.flashes, float(FLASH_S)), (case.told.sweeps, SWEEP_S))
        for event in well_inside(events, clip, length)
    ]
    assert case.dropped or len(inside) >= 8


def test_counts_and_stamps_are_exact_for_every_reader(case: Case) -> None:
    for clip, readings in case.readings:
        assert clip.samples == 640 * clip.frames
        assert clip.source_end_ms - clip.source_start_ms == clip.duration_ms == 40 * clip.frames
        for reading in readings:
            assert len(reading.samples) == clip.samples
            assert reading.times == pytest.approx(np.arange(clip.frames) / 25, abs=1e-6)
            assert np.abs(reading.samples - readings[0].samples).max() < 1e-3
    for (clip, _), (after, _) in pairwise(case.readings):
        follows = after.source_start_ms - clip.source_end_ms
        assert follows >= 0
        assert clip.frames == CLIP_FRAMES or follows >= 40
        assert follows == 0 or case.made.left_out


def test_all_is_kept_or_has_a_reason(case: Case) -> None:
    trial, told, made = case.trial, case.told, case.made
    if case.dropped:
        assert trial.refusable, case.dropped
        assert case.dropped.reason in trial.reasons
        return
    spans = sorted(
        [(clip.source_start_ms, clip.source_end_ms) for clip in made.clips]
        + [(part.start_ms, part.end_ms) for part in made.left_out]
    )
    assert all(-1 <= begin - end < 40 for (_, end), (begin, _) in pairwise(spans))
    if trial.reasons:
        assert {part.reason for part in made.left_out} & set(trial.reasons)
    if told.pictures != tuple(sorted(told.pictures)):
        return  # a clock that turns back has no last instant
    first, last = whole_ms(told)
    # What is shorter than a frame is not told: before the first clip, behind the last one, and behind one stream.
    assert abs(spans[0][0] - first) < 40
    assert abs(spans[-1][1] - last) < 80
    assert abs(sum(end - begin for begin, end in spans) - (last - first)) < 3 * 40
    if not trial.refusable:
        kept = sum(clip.duration_ms for clip in made.clips)
        assert kept > common_ms(told) - 1000 - 80


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("loudness", [0.02, 1.0])
def test_a_sweep_is_found_to_the_tenth_of_a_millisecond(rate: int, loudness: float) -> None:
    events = [Fraction(311, 1000) + Fraction(9371, 10_000) * n for n in range(9)]
    noise = np.random.default_rng(rate).normal(0, 0.1, 9 * rate)
    found = sweeps(loudness * (sounding(events, np.arange(9 * rate) / rate) + noise), rate, start=0.25)
    assert [heard.time - 0.25 for heard in found] == pytest.approx([float(each) for each in events], abs=1e-4)


@pytest.mark.parametrize("codec", ["aac", "libmp3lame", "libopus", "mp2", "ac3"])
def test_a_codec_does_not_move_a_sweep(codec: str, tmp_path: Path) -> None:
    source = make(Trial("coded.mp4", scene(), (encode(".mp4", "libx264", codec),)), tmp_path)
    found = told_by_ffprobe(source).sweeps
    assert [heard.time for heard in found] == pytest.approx(
        [float(each) for each in scene().events], abs=2e-4
    )


def test_what_is_moved_past_the_bounds_is_noticed(tmp_path: Path) -> None:
    case = tried(Trial("plain.mp4", scene(), (encode(".mp4"),)), tmp_path)
    clip, (reading, *_) = case.readings[0]
    assert [*moved_flashes(case.told, clip, reading), *moved_sweeps(case.told, clip, reading)] == []
    late = Reading(reading.times + 0.04, reading.lumas, np.roll(reading.samples, 16_000 * 3 // 1000))
    assert len([*moved_flashes(case.told, clip, late)]) == 8
    assert len([*moved_sweeps(case.told, clip, late)]) == 8
    without = Reading(reading.times, reading.lumas * 0, reading.samples * 0)
    assert len([*moved_flashes(case.told, clip, without)]) == 4
    assert len([*moved_sweeps(case.told, clip, without)]) == 4


def whole_ms(told: Told) -> tuple[float, float]:
    """From the first picture or sound to the end of both."""
    first = min(*told.pictures, *(start for start, _ in told.sound))
    return first * 1000, max(picture_end(told), *(end for _, end in told.sound)) * 1000


def common_ms(told: Told) -> float:
    """How long there are picture and sound, holes between them not counted."""
    first = max(told.pictures[0], told.sound[0][0])
    return (min(picture_end(told), told.sound[-1][1]) - first) * 1000


def picture_end(told: Told) -> float:
    """When the last picture has been seen for as long as others usually are."""
    return max(told.pictures) + median(after - before for before, after in pairwise(told.pictures))


def misplaced(told: Told, sound_late: float, bound: float) -> Iterator[str]:
    """Flashes that do not begin with the first picture after their sweep began, sweeps without a flash and so on."""
    earlier = dict(pairwise(reversed(told.pictures)))
    for flash in told.flashes:
        partner = nearest(flash.time, told.sweeps, late=sound_late)
        if flash.time not in earlier or abs(late := flash.time - partner.time + sound_late) > 0.45:
            continue  # it began before the pictures, or its sweep lies where there is no sound
        if not -bound <= late <= flash.time - earlier[flash.time] + bound:
            yield f"flash at {flash.time:.4f} s, sweep at {partner.time - sound_late:.4f} s"


def nearest(time: float, events: Sequence[Heard] | Sequence[Seen], late: float = 0.0) -> Heard | Seen | None:
    return min(events, key=lambda event: abs(event.time - late - time), default=None)


def moved_flashes(told: Told, clip: NormalizedClip, reading: Reading) -> Iterator[str]:
    possible = rising(told.flashes)
    expected = [flash for flash in possible if flash.until - flash.time >= LEAST_SEEN_S]
    bound = PICTURE_BOUND_S + ROUNDING_S
    yield from _moved("flash", expected, possible, reading.flashes, clip, float(FLASH_S), bound)


def moved_sweeps(told: Told, clip: NormalizedClip, reading: Reading) -> Iterator[str]:
    possible = rising(told.sweeps)
    expected = [sweep for sweep in possible if sweep.fit >= 0.9]
    bound = SOUND_BOUND_S + ROUNDING_S
    yield from _moved("sweep", expected, possible, reading.sweeps, clip, SWEEP_S, bound)


def rising(events: Sequence[Heard | Seen]) -> list[Heard | Seen]:
    """Events up to where the clock turns back, if it does: what is behind that has no time of its own."""
    turns = (number for number, (one, other) in enumerate(pairwise(events), start=1) if other.time < one.time)
    return list(events[: next(turns, len(events))])


def well_inside(events: Iterable[Heard | Seen], clip: NormalizedClip, length: float) -> list[Heard | Seen]:
    """The source's events that a clip shows from the first picture or sample to the last."""
    start, end = clip.source_start_ms / 1000, clip.source_end_ms / 1000
    return [event for event in events if start + MARGIN_S <= event.time <= end - length - MARGIN_S]


def _moved(
    what: str,
    expected: Iterable[Heard | Seen],
    possible: Sequence[Heard | Seen],
    found: Sequence[Heard | Seen],
    clip: NormalizedClip,
    length: float,
    bound: float,
) -> Iterator[str]:
    """Events of the source that the clip does not have in their place, and events that the source does not have."""
    start, end = clip.source_start_ms / 1000, clip.source_end_ms / 1000
    for event in well_inside(expected, clip, length):
        partner = nearest(event.time - start, found)
        if partner is None or abs(partner.time - event.time + start) > bound:
            yield f"{what} of {event.time - start:.4f} s: {partner}"
    for event in found:
        if MARGIN_S <= event.time <= end - start - length - MARGIN_S:
            partner = nearest(event.time + start, possible)
            if partner is None or abs(partner.time - event.time - start) > bound:
                yield f"{what} at {event.time:.4f} s has no source"
