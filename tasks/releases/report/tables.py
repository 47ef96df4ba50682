"""The numbers of the report, by SQL over the manifest: its tables, and what its plots are drawn from.

    tables = report_tables(account.files(), scratch, recipe.targets)

Sums are of whole numbers (milliseconds, thousandths), so that they are the same in whatever order they are added.
Memory is DuckDB's share and a row for each source video, which spill; what is returned is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from duckdb import DuckDBPyConnection

from schemas.scenarios import DOMAIN_OF
from schemas.sections import SPLITS, LengthShare, Targets
from schemas.tables import LABEL_NAMES
from tasks.releases.report.histograms import histogram_of, middle_of, tenths, thousandths, value_at
from tasks.releases.report.people import what_people_said
from tasks.releases.report.records import DOUBTED, Counted, LabelSpread, Measures, Shelf, Tables
from tasks.releases.report.sync import extremes_of, spreads_of
from tasks.sounds.statistics import top_events
from tasks.workspace.query import open_database

MOST_CHANNELS = 40
MOST_SIZES = 12
MOST_LICENCES = 12
MOST_RATES = 8
REST = "all others"

_SUMS = ", ".join(
    f"sum({column})::BIGINT AS {column}"
    for column in ("duration_ms", *(f"{name}_ms" for name in LABEL_NAMES))
)
_ADDED = f"sum(clips)::BIGINT, {_SUMS}"
_OF_SOURCE = (
    "channel",
    "split",
    "source_frame_rate",
    "source_sample_rate",
    "source_licence",
    "source_published",
)


def report_tables(files: Sequence[Path], scratch: Path, targets: Targets | None = None) -> Tables:
    """All numbers of the report.

    Args:
        files: of the manifest; with at least one row between them.
        scratch: a folder on a disk with room for what does not fit into memory.
        targets: what the recipe wants to have, for the table of scenarios and durations; None: nothing.
    """
    with open_database(scratch, clips=files) as database:
        _add_up_videos(database)
        channels = _measures(database, "channel", "ORDER BY sum(duration_ms) DESC, 1")
        return Tables(
            total=_measures(database, "'all'", "")[0],
            splits=sorted(_measures(database, "split", "ORDER BY 1"), key=lambda one: SPLITS.index(one.name)),
            channels=_shortened(channels),
            channel_count=len(channels),
            shelves=_shelves(database, targets or Targets()),
            durations=histogram_of(database, "clips", "duration_ms", 1000, 30),
            minutes=histogram_of(database, "videos", "duration_ms", 60_000, 30),
            sizes=_most(_counted(database, "clips", "concat(width, ' × ', height)"), MOST_SIZES),
            frame_rates=_frame_rates(database),
            sample_rates=_most(_counted(database, "videos", "source_sample_rate"), MOST_RATES),
            published=_years(database),
            licences=_most(_counted(database, "videos", "source_licence", "none stated"), MOST_LICENCES),
            labels=_labels(database),
            events=top_events(database),
            conditions=_conditions(database),
            evidence=_counted(database, "clips", "evidence"),
            spreads=spreads_of(database),
            extremes=extremes_of(database),
            reviewed=what_people_said(database),
            models=_models(database),
        )


def _add_up_videos(database: DuckDBPyConnection) -> None:
    """A row for each source video, for all that is counted by video."""
    facts = ", ".join(f"min({column}) AS {column}" for column in _OF_SOURCE)
    database.execute(
        f"CREATE TEMP TABLE videos AS SELECT video_id, {facts}, count(*) AS clips, {_SUMS} "
        "FROM clips GROUP BY video_id"
    )


def _measures(database: DuckDBPyConnection, by: str, order: str) -> list[Measures]:
    rows = database.execute(
        f"SELECT coalesce({by}, 'unknown'), count(*), {_ADDED} FROM videos GROUP BY {by} {order}"
        if order
        else f"SELECT {by}, count(*), {_ADDED} FROM videos"
    ).fetchall()
    return [Measures(*row) for row in rows]


def _shortened(channels: Sequence[Measures]) -> list[Measures]:
    """The largest channels, and what all others have together."""
    rest = channels[MOST_CHANNELS:]
    if len(rest) < 2:
        return list(channels)
    numbers = [
        sum(getattr(one, field) for one in rest) for field in Measures.__dataclass_fields__ if field != "name"
    ]
    return [*channels[:MOST_CHANNELS], Measures(f"{len(rest):,} more channels", *numbers)]


def _shelves(database: DuckDBPyConnection, targets: Targets) -> list[Shelf]:
    """Scenarios, in the order of AV-SyncBench's Table 1, then ranges of durations; none where none is named."""
    rows = database.execute(
        "SELECT scenario, count(*), count(DISTINCT video_id) FROM clips "
        "WHERE scenario IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found = {name: (clips, videos) for name, clips, videos in rows}
    scenarios = [
        Shelf("scenario", name, *found.get(name, (0, 0)), targets.scenarios.get(name))
        for name in DOMAIN_OF
        if name in found or name in targets.scenarios
    ]
    return scenarios + [
        _range(database, share, number == 0) for number, share in enumerate(targets.durations)
    ]


def _range(database: DuckDBPyConnection, share: LengthShare, first: bool) -> Shelf:
    """Clips in a range of durations; what is exactly as long as the first one's lower end belongs to it."""
    clips, videos = database.execute(
        f"SELECT count(*), count(DISTINCT video_id) FROM clips "
        f"WHERE duration_ms {'>=' if first else '>'} ? AND duration_ms <= ?",
        [share.above, share.up_to],
    ).fetchone()
    return Shelf("duration", f"{share.above / 1000:g}–{share.up_to / 1000:g} s", clips, videos, share.clips)


def _counted(
    database: DuckDBPyConnection, table: str, what: str, otherwise: str = "unknown"
) -> list[Counted]:
    """How many rows have each value, most first."""
    rows = database.execute(
        f"SELECT coalesce(({what})::VARCHAR, ?), count(*) FROM {table} GROUP BY 1 ORDER BY 2 DESC, 1",
        [otherwise],
    ).fetchall()
    return [Counted(*row) for row in rows]


def _most(counts: Sequence[Counted], most: int) -> list[Counted]:
    rest = counts[most:]
    if len(rest) < 2:
        return list(counts)
    return [*counts[:most], Counted(REST, sum(one.number for one in rest))]


def _frame_rates(database: DuckDBPyConnection) -> list[Counted]:
    """Sources by frame rate as people write it; fractions that read alike are one."""
    together: dict[str, int] = {}
    for one in _counted(database, "videos", "source_frame_rate"):
        name = _rate(one.name)
        together[name] = together.get(name, 0) + one.number
    counts = [Counted(name, number) for name, number in together.items()]
    return _most(sorted(counts, key=lambda one: (-one.number, one.name)), MOST_RATES)


def _rate(fraction: str) -> str:
    try:
        return f"{float(Fraction(fraction)):.2f}".rstrip("0").rstrip(".")
    except (ValueError, ZeroDivisionError):
        return fraction


def _years(database: DuckDBPyConnection) -> list[Counted]:
    counts = _counted(database, "videos", "left(source_published, 4)")
    return sorted(counts, key=lambda one: (one.name == "unknown", one.name))


def _labels(database: DuckDBPyConnection) -> list[LabelSpread]:
    """Intervals by label, and how sure the machine is of them."""
    database.execute(
        f"CREATE TEMP TABLE sureness AS SELECT span.label, {thousandths('span.probability')} AS probability, "
        "count(*) AS intervals, sum(span.end_ms - span.start_ms)::BIGINT AS milliseconds "
        "FROM (SELECT unnest(labels) AS span FROM clips) GROUP BY ALL"
    )
    return [_label(database, name) for name in LABEL_NAMES]


def _label(database: DuckDBPyConnection, label: str) -> LabelSpread:
    rows = database.execute(
        "SELECT probability, intervals, milliseconds FROM sureness WHERE label = ? ORDER BY probability NULLS LAST",
        [label],
    ).fetchall()
    intervals, milliseconds = (sum(row[place] for row in rows) for place in (1, 2))
    known = [(value, number) for value, number, _ in rows if value is not None]
    if not known:
        return LabelSpread(label, intervals, milliseconds, None, None, None)
    median, doubted = middle_of(known) / 1000, value_at(known, DOUBTED - 1) / 1000
    return LabelSpread(label, intervals, milliseconds, median, doubted, tenths(known))


def _conditions(database: DuckDBPyConnection) -> list[Counted]:
    rows = database.execute(
        "SELECT name, count(*) FROM (SELECT unnest(conditions) AS name FROM clips) GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    return [Counted(*row) for row in rows]


def _models(database: DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Analysis, model and how many clips; nearly all clips have the same, so these are brought together first."""
    return database.execute(
        "SELECT made.analysis, made.model, sum(clips)::BIGINT FROM ("
        "SELECT unnest(models) AS made, clips FROM ("
        "SELECT models, count(*) AS clips FROM clips GROUP BY models)) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
