"""Which spans of a source become clips. Pure: the same timeline and rules give the same spans.

    moments = plan(timeline, None, recipe.moments, recipe.targets.durations, "video-17")

The most salient span is taken first, then the next one that keeps its distance. Each lies inside one shot. Only in a
source (or a listed span) without any shot that is long enough, clips may run across cuts, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.sections import LengthShare, Moments
from schemas.units import FRAME_MS, Milliseconds
from tasks.media.cut import Segment
from tasks.moments.lengths import Wanted, wanted_length
from tasks.moments.sound import TICK_MS
from tasks.moments.timeline import MARGIN_MS, Timeline

FRAME_TICKS = FRAME_MS // TICK_MS

_POWER = 3
"""Salience is a power mean over the span: one blow in ten quiet seconds counts for more than its share of time."""

_OTHER_LENGTH = 0.8
"""What a span is worth that is shorter than the wanted length allows, because its shot is."""

_AS_GOOD = 0.98
"""Spans that reach this share of the best are as good; the one in their middle has the event in its own middle."""

_IN_SPEECH, _WRONG_LENGTH, _LOST_SALIENCE, _SHIFT = 10.0, 3.0, 4.0, 0.3
"""What speaks against a pair of ends: to cut into speech, most of all."""


_ROUNDING = 1e-9


@dataclass(frozen=True)
class Moment:
    """A span that becomes a clip, ms on the source's presentation clock; whole frames of 40 ms long.

    Attributes:
        salience: how much happens in it, 0–1.
        around_ms: when most happens.
        start_in_speech, end_in_speech: whether that end cuts into speech because no pause was near.
        shot_cuts: how many cuts of shot it runs across.
        segment: the number of the listed span in which it lies; None without a list.
    """

    start_ms: Milliseconds
    end_ms: Milliseconds
    salience: float
    around_ms: Milliseconds
    start_in_speech: bool
    end_in_speech: bool
    shot_cuts: int
    segment: int | None = None


@dataclass(frozen=True)
class _Stretch:
    """Ticks in which a clip may lie, and the listed span that they belong to."""

    first: int
    last: int
    segment: int | None

    @property
    def ticks(self) -> int:
        return self.last - self.first


def plan(
    timeline: Timeline,
    segments: Sequence[Segment] | None,
    rules: Moments,
    shares: Sequence[LengthShare],
    video_id: str,
) -> tuple[Moment, ...]:
    """Choose spans, by start.

    They are `rules.min_length` to `rules.max_length` long, at least `rules.min_gap` apart, inside the timeline and
    inside one of the segments, at least `rules.min_salience` salient, and at most `rules.max_per_source`.

    Args:
        segments: spans on the source's clock, to one of which each clip is held; None for the whole source.
        shares: how long clips shall be; see `lengths.wanted_length`.
    """
    free = _stretches(timeline, segments, rules)
    sums = _power_sums(timeline)
    chosen: list[Moment] = []
    for number in range(rules.max_per_source):
        wanted = wanted_length(video_id, number, shares, rules)
        best = _best(sums, free, wanted)
        if best is None or best.salience < rules.min_salience:
            continue
        start, end = _settled(timeline, sums, best, wanted, rules)
        chosen.append(_moment(timeline, sums, start, end, best.stretch.segment))
        gap = -(-rules.min_gap // TICK_MS)
        free = _without(free, start - gap, end + gap, _least_ticks(rules))
        if not free:
            break
    return tuple(sorted(chosen, key=lambda moment: moment.start_ms))


def best_salience(
    timeline: Timeline, segments: Sequence[Segment] | None, rules: Moments
) -> tuple[int, float]:
    """The longest stretch that could hold a clip, ms, and the largest salience of a span of least length, 0–1."""
    stretches = _stretches(timeline, segments, rules)
    least = Wanted(_least_ticks(rules) * TICK_MS, rules.min_length, rules.max_length)
    best = _best(_power_sums(timeline), stretches, least)
    longest = max((end - start for start, end in timeline.within(segments)), default=0)
    return max(0, longest * TICK_MS), best.salience if best else 0.0


def _least_ticks(rules: Moments) -> int:
    return -(-rules.min_length // FRAME_MS) * FRAME_TICKS


def _stretches(timeline: Timeline, segments: Sequence[Segment] | None, rules: Moments) -> list[_Stretch]:
    """The shots that can hold a clip; where an area has none, the area itself."""
    found: list[_Stretch] = []
    least = _least_ticks(rules)
    for number, (first, last) in enumerate(timeline.within(segments)):
        segment = None if segments is None else number
        shots = [_Stretch(*shot, segment) for shot in _shots_within(timeline, first, last)]
        long_enough = [shot for shot in shots if shot.ticks >= least]
        found += long_enough or ([_Stretch(first, last, segment)] if last - first >= least else [])
    return found


def _shots_within(timeline: Timeline, first: int, last: int) -> Iterable[tuple[int, int]]:
    """The shots between two ticks, without the margins at cuts; some are empty."""
    margin, begin = MARGIN_MS // TICK_MS, first
    for old, new in timeline.cuts:
        yield begin, min(old - margin, last)
        begin = max(new + margin, first)
    yield begin, last


@dataclass(frozen=True)
class _Best:
    start: int
    end: int
    salience: float
    stretch: _Stretch


def _power_sums(timeline: Timeline) -> np.ndarray:
    """float64 (ticks + 1,): running sums, of which differences are the sums over spans."""
    return np.concatenate([[0.0], np.cumsum(timeline.happening.astype(np.float64) ** _POWER)])


def _salience(sums: np.ndarray, starts: np.ndarray | int, ends: np.ndarray | int) -> np.ndarray:
    """Of spans between ticks, 0–1."""
    return np.clip((sums[ends] - sums[starts]) / np.maximum(1, np.subtract(ends, starts)), 0, 1) ** (
        1 / _POWER
    )


def _best(sums: np.ndarray, free: Sequence[_Stretch], wanted: Wanted) -> _Best | None:
    """The most salient span of the wanted length, or of what a stretch has of it; the earliest of equal ones."""
    best, worth = None, -1.0
    for stretch in free:
        ticks = min(wanted.length_ms // TICK_MS, stretch.ticks // FRAME_TICKS * FRAME_TICKS)
        starts = np.arange(stretch.first, stretch.last - ticks + 1)
        salience = _salience(sums, starts, starts + ticks)
        peak = float(salience.max())
        here = peak * (1 if wanted.serves(ticks * TICK_MS) else _OTHER_LENGTH)
        if here > worth:
            start = int(starts[_middle_of_the_best(salience)])
            best, worth = (
                _Best(start, start + ticks, float(_salience(sums, start, start + ticks)), stretch),
                here,
            )
    return best


def _middle_of_the_best(salience: np.ndarray) -> int:
    """The middle of the unbroken run of places that are about as good as the best."""
    top = int(np.argmax(salience))
    worse = np.flatnonzero(salience < _AS_GOOD * salience[top])
    after = int(np.searchsorted(worse, top))
    first = worse[after - 1] + 1 if after else 0
    last = worse[after] - 1 if after < len(worse) else len(salience) - 1
    return int((first + last) // 2)


def _settled(
    timeline: Timeline, sums: np.ndarray, best: _Best, wanted: Wanted, rules: Moments
) -> tuple[int, int]:
    """Both ends moved, by at most `max_shift`, to where they cut least: to pauses, and to where little happens."""
    shift = rules.max_shift // TICK_MS
    stretch = best.stretch
    starts = np.arange(max(stretch.first, best.start - shift), min(stretch.last, best.start + shift) + 1)
    ends = np.arange(max(stretch.first, best.end - shift), min(stretch.last, best.end + shift) + 1)
    cost = (
        _cost(timeline, starts, best.start, shift)[:, None] + _cost(timeline, ends, best.end, shift)[None, :]
    )
    length_ms = (ends[None, :] - starts[:, None]) * TICK_MS
    salience = _salience(sums, starts[:, None], np.maximum(ends[None, :], starts[:, None]))
    cost += _LOST_SALIENCE * (1 - salience / max(best.salience, 1e-9))
    cost[(length_ms < wanted.least_ms) | (length_ms > wanted.most_ms)] += _WRONG_LENGTH
    allowed = (length_ms % FRAME_MS == 0) & (length_ms >= rules.min_length) & (length_ms <= rules.max_length)
    allowed &= salience >= min(rules.min_salience, best.salience) - _ROUNDING
    cost[~allowed] = np.inf
    start, end = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return int(starts[start]), int(ends[end])


def _cost(timeline: Timeline, places: np.ndarray, wished: int, shift: int) -> np.ndarray:
    """Of one end at several places: speech that is cut, what happens there, a cut of shot close by, and the way."""
    cost = _IN_SPEECH * timeline.speaking[places] + timeline.unrest[places]
    cost += _SHIFT * np.abs(places - wished) / max(1, shift)
    margin = MARGIN_MS // TICK_MS
    for old, new in timeline.cuts:
        cost[(places > old - margin) & (places < new + margin)] += 1
    return cost


def _without(free: Sequence[_Stretch], start: int, end: int, least: int) -> list[_Stretch]:
    """The stretches without the ticks from `start` to `end`; pieces that can hold no clip are given up."""
    left = []
    for each in free:
        pieces = ((each.first, min(each.last, start)), (max(each.first, end), each.last))
        if start >= each.last or end <= each.first:
            pieces = ((each.first, each.last),)
        left += [_Stretch(first, last, each.segment) for first, last in pieces if last - first >= least]
    return left


def _moment(timeline: Timeline, sums: np.ndarray, start: int, end: int, segment: int | None) -> Moment:
    def time_ms(tick: int) -> Milliseconds:
        return Milliseconds(timeline.start_ms + tick * TICK_MS)

    return Moment(
        start_ms=time_ms(start),
        end_ms=time_ms(end),
        salience=round(float(_salience(sums, start, end)), 4),
        around_ms=time_ms(start + int(np.argmax(timeline.happening[start:end]))),
        start_in_speech=bool(timeline.speaking[start]),
        end_in_speech=bool(timeline.speaking[end]),
        shot_cuts=sum(start < new < end for _, new in timeline.cuts),
        segment=segment,
    )
