"""What the report says in numbers: small records, however many clips a version has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.sounds.statistics import EventCount


@dataclass(frozen=True)
class Measures:
    """How much there is of something: a split, a channel, a scenario, or all.

    Attributes:
        videos: with at least one clip of it.
        milliseconds: of all its clips; the others, of the intervals with each label in them.
    """

    name: str
    videos: int
    clips: int
    milliseconds: int
    talking_head_ms: int
    voice_over_ms: int
    cannot_tell_ms: int
    other_ms: int


@dataclass(frozen=True)
class Histogram:
    """Numbers in ranges of equal width: the lower edge belongs to a range, the upper to the next, but for the last.

    Attributes:
        edges: one more than there are ranges, ascending.
    """

    edges: Sequence[float]
    counts: Sequence[int]


@dataclass(frozen=True)
class Spread:
    """How one measurement of the sync certificate is distributed over all clips.

    Attributes:
        column: of the manifest.
        bound: what it may be at most, up or down; None where nothing is promised.
        known: clips that have it; the other numbers are None if none has.
        median, most: of its size without its sign, and `most` with it.
        nearly_all: 99 in 100 clips have at most this size.
        beyond: clips that exceed the bound.
    """

    column: str
    unit: str
    bound: float | None
    known: int
    median: float | None
    nearly_all: float | None
    most: float | None
    beyond: int
    histogram: Histogram | None


@dataclass(frozen=True)
class Extreme:
    """One of the clips that lie furthest out in one measurement of the sync certificate."""

    clip_id: str
    channel: str
    column: str
    unit: str
    value: float


DOUBTED = 200


@dataclass(frozen=True)
class LabelSpread:
    """How sure the machine is of a label.

    Attributes:
        doubted: the least sure of its intervals, `DOUBTED` or more, have at most this probability, to a thousandth.
        probabilities: of its intervals, in tenths.
    """

    label: str
    intervals: int
    milliseconds: int
    median: float | None
    doubted: float | None
    probabilities: Histogram | None


@dataclass(frozen=True)
class Vote:
    """One question that people were asked: how often each answer was given, and for how many clips it was decided."""

    question: str
    given: Mapping[str, int]
    decided: Mapping[str, int]


@dataclass(frozen=True)
class Reviewed:
    """What people said of the released clips.

    Attributes:
        agreement: mean share of pairs of judgements that agree, 0–1; None where no clip has two.
        adjudicated: clips on which a lead decided.
    """

    clips: int
    people: int
    judgements: int
    agreement: float | None
    adjudicated: int
    votes: Sequence[Vote]


@dataclass(frozen=True)
class Shelf:
    """One line of AV-SyncBench's Table 1: a scenario or a range of durations, and how many clips the recipe wants."""

    kind: str
    name: str
    clips: int
    videos: int
    wanted: int | None


@dataclass(frozen=True)
class Counted:
    """How many clips (or videos) have a property: a condition, a resolution, a licence, a model."""

    name: str
    number: int


@dataclass(frozen=True)
class Tables:
    """All numbers of the report.

    Attributes:
        total: of everything.
        splits: train, dev, test, as far as they have clips.
        channels: most hours first, at most `tables.MOST_CHANNELS`; then, if there are others, all those together.
        shelves: scenarios and ranges of durations, where clips have scenarios or the recipe has targets.
        durations: of clips, s.
        minutes: released of each source video, min.
        sizes: of pictures, `width × height`, most clips first.
        frame_rates, sample_rates: of source videos, most first.
        published: source videos by the year of their publication; `unknown` last.
        licences: source videos by what the site states; `none stated` if it states nothing.
        models: analysis and model with its checksum; how many clips have it.
    """

    total: Measures
    splits: Sequence[Measures]
    channels: Sequence[Measures]
    channel_count: int
    shelves: Sequence[Shelf]
    durations: Histogram | None
    minutes: Histogram | None
    sizes: Sequence[Counted]
    frame_rates: Sequence[Counted]
    sample_rates: Sequence[Counted]
    published: Sequence[Counted]
    licences: Sequence[Counted]
    labels: Sequence[LabelSpread]
    events: Sequence[EventCount]
    conditions: Sequence[Counted]
    evidence: Sequence[Counted]
    spreads: Sequence[Spread]
    extremes: Sequence[Extreme]
    reviewed: Reviewed | None
    models: Sequence[tuple[str, str, int]]
