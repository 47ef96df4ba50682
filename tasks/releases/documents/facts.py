"""What the documents of a version state in numbers: the tables of its report, and what only the documents tell.

Everything is a whole number of clips, videos or milliseconds, or a value that stands in the manifest itself: sums of
fractions would end in other digits with each order of the threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from schemas.scenarios import DOMAIN_OF
from tasks.releases.account import Account
from tasks.releases.report.records import Counted, Measures, Tables
from tasks.releases.report.tables import report_tables
from tasks.workspace.query import open_database

MOST = 30
"""At most so many values of a column are kept, those with most time."""


@dataclass(frozen=True)
class Amount:
    """How much has one value in a column; `name` is None where the column is empty."""

    name: str | None
    videos: int
    clips: int
    milliseconds: int


@dataclass(frozen=True)
class Amounts:
    """The values of one column: those with most time, most first, and how many there are."""

    listed: Sequence[Amount]
    of: int


@dataclass(frozen=True)
class Facts:
    """All that is counted.

    Attributes:
        tables: as in the report.
        bytes: of all clips.
        scenarios: in the order of AV-SyncBench, those that some clip has.
        clip_ms: the shortest, the median and the longest clip; `video_ms` likewise, what is released of one video.
        faceless: clips in which no face was found.
        published: first and last day that sources state, YYYY-MM-DD; None where none does.
        undated: videos that state no day.
        repeated, silenced: clips with frames shown again, and with silence where the source has no sound.
        judgements: of one clip, the fewest and the most; None where people judged none.
        unanimous: question to the clips whose votes were all alike.
        labelled: clips that a source list labels, and how many different labels it gives.
        named: clips whose source of sound a model named.
        taken_down: videos of which only a tombstone is left.
    """

    tables: Tables
    bytes: int
    domains: Amounts
    licences: Amounts
    tools: Amounts
    scenarios: Sequence[Measures]
    clip_ms: tuple[int, int, int]
    video_ms: tuple[int, int, int]
    faceless: Amount
    published: tuple[str, str] | None
    undated: int
    repeated: int
    silenced: int
    judgements: tuple[int, int] | None
    unanimous: Sequence[Counted]
    labelled: tuple[int, int]
    named: int
    taken_down: int

    @property
    def total(self) -> Measures:
        return self.tables.total


def read_facts(account: Account, tables: Tables | None = None) -> Facts:
    """Count what a version in the making holds; it has at least one clip.

    Args:
        tables: of the report, where they are at hand; making them takes most of the time.
    """
    files, folder = account.files(), account.folder
    tables = tables or report_tables(files, folder, account.recipe.targets)
    with open_database(folder, clips=files) as database:
        return _facts(database, tables, pq.read_metadata(folder / "tombstones.parquet").num_rows)


def _facts(database: DuckDBPyConnection, tables: Tables, taken_down: int) -> Facts:
    first, last, size, repeated, silenced, labelled, labels, named, fewest, most = _row(
        database,
        "SELECT min(source_published), max(source_published), coalesce(sum(bytes), 0)::BIGINT, count(*) "
        "FILTER (repeated_frames > 0), count(*) FILTER (inserted_silence_ms > 0), count(list_label), "
        "count(DISTINCT list_label), count(sound_source_name), min(reviewers), max(reviewers) FROM clips",
    )
    return Facts(
        tables=tables,
        bytes=size,
        domains=_amounts(database, "domain"),
        licences=_amounts(database, "source_licence"),
        tools=_amounts(database, "downloader"),
        scenarios=_scenarios(database),
        clip_ms=_spread(database, "clips"),
        video_ms=_spread(
            database, "(SELECT sum(duration_ms)::BIGINT AS duration_ms FROM clips GROUP BY video_id)"
        ),
        faceless=Amount("none", *_row(database, f"SELECT {_AMOUNT} FROM clips WHERE face_tracks = 0")),
        published=None if first is None else (first, last),
        undated=_row(database, "SELECT count(DISTINCT video_id) FROM clips WHERE source_published IS NULL")[
            0
        ],
        repeated=repeated,
        silenced=silenced,
        judgements=None if fewest is None else (fewest, most),
        unanimous=_unanimous(database),
        labelled=(labelled, labels),
        named=named,
        taken_down=taken_down,
    )


_AMOUNT = "count(DISTINCT video_id), count(*), coalesce(sum(duration_ms), 0)::BIGINT"


def _row(database: DuckDBPyConnection, query: str) -> tuple:
    return database.execute(query).fetchall()[0]


def _amounts(database: DuckDBPyConnection, column: str) -> Amounts:
    rows = database.execute(
        f"SELECT {column}, {_AMOUNT} FROM clips GROUP BY 1 ORDER BY 4 DESC, 1 NULLS LAST"
    ).fetchall()
    return Amounts([Amount(*row) for row in rows[:MOST]], len(rows))


def _scenarios(database: DuckDBPyConnection) -> list[Measures]:
    rows = database.execute(
        f"SELECT scenario, {_AMOUNT}, sum(talking_head_ms)::BIGINT, sum(voice_over_ms)::BIGINT, "
        "sum(cannot_tell_ms)::BIGINT, sum(other_ms)::BIGINT FROM clips WHERE scenario IS NOT NULL GROUP BY "
        "1"
    ).fetchall()
    found = {row[0]: Measures(*row) for row in rows}
    return [found[name] for name in DOMAIN_OF if name in found]


def _spread(database: DuckDBPyConnection, relation: str) -> tuple[int, int, int]:
    return _row(
        database,
        f"SELECT min(duration_ms), quantile_disc(duration_ms, 0.5), max(duration_ms) FROM {relation}",
    )


def _unanimous(database: DuckDBPyConnection) -> list[Counted]:
    rows = database.execute(
        "SELECT f.question, count(*) FROM (SELECT unnest(review_findings) AS f FROM clips) "
        'WHERE f.answer IS NOT NULL AND f.votes = f."of" GROUP BY 1 ORDER BY 1'
    ).fetchall()
    return [Counted(*row) for row in rows]
