"""Which moments of a version the report shows: some of every kind, of many channels and videos, and always the same.

    for sheet in sheets_of(database, tables):
        sheet.title, sheet.moments

By the digest of a clip's id, so that nobody picks the prettiest and a version is shown alike each time that its
report is made. Looked at are the clips with the smallest digests, and all others only for kinds that these lack.
Memory: a few candidates for each kind and each of 64 groups of channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from duckdb import DuckDBPyConnection

from schemas.units import FRAME_MS
from tasks.releases.report.records import Tables

SHORTEST_MS, LONGEST_MS = 2_000, 3_000
"""How long what is shown is, unless the clip itself is shorter."""

OF_LABEL, DOUBTFUL, OF_SCENARIO, OF_EVENT, OF_CONDITION = 5, 4, 1, 1, 1
MOST_EVENTS, MOST_CONDITIONS = 8, 6
_BUCKETS, _OF_BUCKET = 64, 12
_LOOKED_AT = 20_000
_WORTH_SEEING_MS = 1_000

_FACTS = "clip_id, video_id, channel, path, source_licence, source_url, source_start_ms, duration_ms"
_NEEDED = f"{_FACTS}, labels, audio_events, scenario, conditions"
_CLIP = (
    "'clip_id': clip_id, 'video_id': video_id, 'channel': channel, 'path': path, 'licence': source_licence, "
    "'url': source_url, 'source_start_ms': source_start_ms, 'duration_ms': duration_ms"
)
_BUCKET = 64, 12
_LOOKED_AT = 20_000
_WORTH_SEEING_MS = 1_000

_CLIP = (
    "'clip_id': clip_id, 'video_id': video_id, 'channel': channel, 'path': path, 'licence': source_licence, "
    "'url': source_url, 'source_start_ms': source_start_ms, 'duration_ms': duration_ms"
)
_BUCKET = f"md5_number_lower(coalesce(channel, '')) % {_BUCKETS}"
_BRIEF = f"span.end_ms - span.start_ms < {_WORTH_SEEING_MS}"
_SPAN = "span.start_ms, span.end_ms, span.probability"
_WHOLE = "0::BIGINT, duration_ms, NULL::DOUBLE"


@dataclass(frozen=True)
class Moment:
    """A part of a clip that shows something.

    Attributes:
        kind: of what it is an example: a label, a scenario, an event or a condition.
        probability: how sure a model is, 0–1; None where it does not say.
        from_ms, to_ms: where in the clip it is: the interval; the clip, where it holds of the whole clip.
        path: of the clip's file; None where the version has none.
        licence, url, source_start_ms: of the source.
    """

    kind: str
    clip_id: str
    video_id: str
    channel: str | None
    path: str | None
    licence: str | None
    url: str | None
    source_start_ms: int
    duration_ms: int
    from_ms: int
    to_ms: int
    probability: float | None

    @property
    def shown_ms(self) -> tuple[int, int]:
        """The part that is shown, whole frames: the middle of a long interval, a short one with what is around it."""
        length = min(self.duration_ms, max(SHORTEST_MS, min(LONGEST_MS, self.to_ms - self.from_ms)))
        length -= length % FRAME_MS
        start = min(max(0, (self.from_ms + self.to_ms - length) // 2), self.duration_ms - length)
        return start - start % FRAME_MS, start - start % FRAME_MS + length


@dataclass(frozen=True)
class Sheet:
    """Moments that are shown together."""

    name: str
    moments: Sequence[Moment]


@dataclass(frozen=True)
class _Examples:
    """Where examples are looked for, in SQL.

    Attributes:
        spans: what a clip has of it, as `span`.
        kind: what a span is an example of; null: of nothing.
        rank: a row by which they are ordered, ascending.
        times: start, end and probability.
    """

    spans: str
    kind: str
    rank: str
    times: str


_OF_LABELS = _Examples("unnest(labels)", "span.label", f"row({_BRIEF}, digest, span.start_ms)", _SPAN)
_OF_EVENTS = _Examples(
    "unnest(audio_events)",
    "span.id",
    f"row({_BRIEF}, span.score < 0.5, digest, span.start_ms)",
    "span.start_ms, span.end_ms, span.score",
)
_OF_SCENARIOS = _Examples("scenario", "span", "row(digest)", _WHOLE)
_OF_CONDITIONS = _Examples("unnest(conditions)", "span", "row(digest)", _WHOLE)


def sheets_of(database: DuckDBPyConnection, tables: Tables) -> list[Sheet]:
    """All sheets with something on them: each label, the least sure of each, scenarios, sounds, conditions."""
    seen: set[str] = set()
    _look_at_few(database, tables.total.clips)
    named = {one.id: one.name for one in tables.events[:MOST_EVENTS]}
    labels = [one.label for one in tables.labels if one.intervals]
    scenarios = [one.name for one in tables.shelves if one.kind == "scenario" and one.clips]
    conditions = [one.name for one in tables.conditions[:MOST_CONDITIONS]]
    shown = _some(database, labels, _OF_LABELS, OF_LABEL, seen)
    sheets = [
        *(Sheet(label, [one for one in shown if one.kind == label]) for label in labels),
        Sheet("least sure", _least_sure(database, tables)),
        Sheet("scenarios", _some(database, scenarios, _OF_SCENARIOS, OF_SCENARIO, seen)),
        Sheet("sounds", _named(_some(database, list(named), _OF_EVENTS, OF_EVENT, seen), named)),
        Sheet("conditions", _some(database, conditions, _OF_CONDITIONS, OF_CONDITION, seen)),
    ]
    return [sheet for sheet in sheets if sheet.moments]


def _look_at_few(database: DuckDBPyConnection, clips: int) -> None:
    """The clips with the smallest digests as the table `few`; all as `rest`, which is empty where these are all."""
    below = min(2**64 - 1, 2**64 * _LOOKED_AT // max(1, clips))
    database.execute(
        f"CREATE TEMP TABLE few AS SELECT {_NEEDED} FROM clips WHERE md5_number_lower(clip_id) <= {below}"
    )
    database.execute(
        f"CREATE TEMP VIEW rest AS SELECT {_NEEDED} FROM clips{' WHERE false' if clips <= _LOOKED_AT else ''}"
    )


def _some(
    database: DuckDBPyConnection, kinds: Sequence[str], examples: _Examples, count: int, seen: set[str]
) -> list[Moment]:
    """So many of each kind, of as many channels and videos as there are; the kinds in their order."""
    found = _candidates(database, "few", kinds, examples)
    lacking = [name for name in kinds if len(found.get(name, ())) < count]
    found |= {name: more for name, more in _candidates(database, "rest", lacking, examples).items() if more}
    return [one for name in kinds for one in _spread(found.get(name, ()), count, seen)]


def _least_sure(database: DuckDBPyConnection, tables: Tables) -> list[Moment]:
    """In the order of doubt, whatever is shown elsewhere; where a model is always sure there is nothing to show."""
    doubted = {one.label: one.doubted for one in tables.labels if one.doubted is not None}
    if not doubted:
        return []
    limits = " ".join(f"WHEN '{label}' THEN {round(limit * 1000)}" for label, limit in doubted.items())
    doubt = f"span.probability < 1 AND round(span.probability * 1000) <= CASE span.label {limits} END"
    spans = f"unnest(list_filter(labels, lambda span: {doubt}))"
    rank = f"row({_BRIEF}, span.probability, digest, span.start_ms)"
    found = _candidates(database, "clips", list(doubted), _Examples(spans, "span.label", rank, _SPAN))
    moments: list[Moment] = []
    for label in doubted:
        ordered = [moment for _, moment in sorted(found.get(label, ()), key=_in_order)]
        moments += _first(iter(ordered), DOUBTFUL, set())
    return moments


def _named(moments: Sequence[Moment], names: Mapping[str, str]) -> list[Moment]:
    """Events under their names."""
    return [replace(one, kind=names[one.kind]) for one in moments]


_Candidates = dict[str, list[tuple[tuple, Moment]]]


def _candidates(
    database: DuckDBPyConnection, table: str, kinds: Sequence[str], examples: _Examples
) -> _Candidates:
    """The first few of each kind and group of channels, with their rank."""
    if not kinds:
        return {}
    rows = database.execute(
        f"SELECT kind, min_by({{{_CLIP}, 'rank': rank, 'times': times}}, rank, {_OF_BUCKET}) FROM ("
        f"SELECT *, {examples.rank} AS rank, row({examples.times}) AS times FROM ("
        f"SELECT *, {examples.kind} AS kind, md5_number_lower(clip_id) AS digest FROM ("
        f"SELECT {_FACTS}, {examples.spans} AS span FROM {table})) "
        "WHERE kind IN (SELECT unnest(?::VARCHAR[]))) "
        f"GROUP BY kind, {_BUCKET} ORDER BY kind, {_BUCKET}",
        [list(kinds)],
    ).fetchall()
    found: _Candidates = {}
    for name, members in rows:
        for each in members or ():
            rank_of, times_of = _values(each.pop("rank")), _values(each.pop("times"))
            moment = Moment(name, **each, from_ms=times_of[0], to_ms=times_of[1], probability=times_of[2])
            found.setdefault(name, []).append((rank_of, moment))
    return found


def _in_order(candidate: tuple[tuple, Moment]) -> tuple:
    rank, moment = candidate
    return rank, moment.clip_id


def _values(row: tuple | dict) -> tuple:
    return tuple(row.values()) if isinstance(row, dict) else tuple(row)


def _spread(candidates: Sequence[tuple[tuple, Moment]], count: int, seen: set[str]) -> list[Moment]:
    """Some of them, of as many channels as there are."""
    channels: dict[str, list[Moment]] = {}
    for _, moment in sorted(candidates, key=_in_order):
        channels.setdefault(moment.channel or "", []).append(moment)
    return _first(_by_turns(list(channels.values())), count, seen)


def _by_turns(lists: Sequence[Sequence[Moment]]) -> Iterator[Moment]:
    """The first of each list, then the second of each, and so on."""
    for place in range(max(map(len, lists), default=0)):
        yield from (one[place] for one in lists if place < len(one))


def _first(ordered: Iterator[Moment], count: int, seen: set[str]) -> list[Moment]:
    """The first few whose videos were not shown yet, filled up with others; `seen` gets the new ones."""
    new, again = [], []
    for moment in ordered:
        (again if moment.video_id in seen else new).append(moment)
        if moment.video_id not in seen:
            seen.add(moment.video_id)
        if len(new) == count:
            break
    clips: dict[str, Moment] = {}
    for moment in (*new, *again):
        clips.setdefault(moment.clip_id, moment)
    return list(clips.values())[:count]
