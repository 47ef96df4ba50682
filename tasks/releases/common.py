"""What two versions have in common: clips with the same data on the same side, to which scores can be limited.

    clips = common_clips(old, new, scratch)      # clip_id, video_id, split
    count_common(old, new, scratch)              # how many, how long, and what keeps the others out

The same data means the same file, by SHA-256, so the same picture and sound: a label or a description may differ,
and the newer one is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
from duckdb import DuckDBPyConnection

from schemas.errors import ReleaseError
from schemas.tables import TEXT, described
from tasks.releases.folder import Release
from tasks.releases.tables import answer, write_rows
from tasks.workspace.layout import appearing
from tasks.workspace.query import open_database

COMMON = described(
    ("clip_id", TEXT, "in both versions, with the same file on the same side"),
    ("video_id", TEXT, ""),
    ("split", TEXT, "train, dev or test: the same in both"),
)

_QUERY = "SELECT clip_id, video_id, split FROM shared WHERE what = 'common' ORDER BY clip_id"


@dataclass(frozen=True)
class Group:
    """Clips of one kind, and how long they are together; `split` is that of the newer version that has them.

    Attributes:
        what: common, only_first, only_second, other_data, other_split, or not_available (alike, and yet its source is
            gone or nobody knows).
    """

    what: str
    split: str
    clips: int
    videos: int
    milliseconds: int


def common_clips(
    first: Release, second: Release, scratch: Path, available: Sequence[str] | None = None
) -> pa.Table:
    """Rows of COMMON, by clip id; about 150 bytes of memory a clip.

    Args:
        scratch: a folder on a disk with room for what memory cannot hold.
        available: ids of the videos whose sources are there still; others are then left out.
    """
    with _compared(first, second, scratch, available) as database:
        return pa.Table.from_batches(answer(database, _QUERY, COMMON), COMMON)


def count_common(
    first: Release, second: Release, scratch: Path, available: Sequence[str] | None = None
) -> list[Group]:
    """How much is common, and what keeps the rest out, by split; arguments as above."""
    with _compared(first, second, scratch, available) as database:
        rows = database.execute(
            "SELECT what, split, count(*), count(DISTINCT video_id), sum(duration_ms)::BIGINT FROM shared "
            "GROUP BY what, split ORDER BY what, split"
        ).fetchall()
    return [Group(*row) for row in rows]


def write_common(
    first: Release, second: Release, scratch: Path, out: Path, available: Sequence[str] | None = None
) -> int:
    """Write the rows of COMMON as Parquet or CSV, by the file's name; they take no memory. Returns how many.

    Raises:
        ReleaseError: the name says neither.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise ReleaseError(str(out), "is neither .parquet nor .csv", "name the file one or the other")
    with _compared(first, second, scratch, available) as database, appearing(out) as unfinished:
        batches = answer(database, _QUERY, COMMON)
        return (
            write_rows(unfinished, COMMON, batches) if out.suffix == ".parquet" else _csv(unfinished, batches)
        )


def _csv(path: Path, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    with csv.CSVWriter(str(path), COMMON, write_options=csv.WriteOptions(quoting_style="needed")) as writer:
        for batch in batches:
            writer.write_batch(batch)
            rows += batch.num_rows
    return rows


@contextmanager
def _compared(
    first: Release, second: Release, scratch: Path, available: Sequence[str] | None
) -> Iterator[DuckDBPyConnection]:
    """A database with the view `shared`: every clip of both versions, with what it is."""
    for release in (first, second):
        if not release.files():
            raise ReleaseError(f"{release.dataset} {release.version}", "has no clips", "name another version")
    with open_database(scratch, first=first.files(), second=second.files()) as database:
        there = "true"
        if available is not None:
            database.register("available", pa.table({"video_id": pa.array(available, pa.string())}))
            there = "coalesce(two.video_id, one.video_id) IN (SELECT video_id FROM available)"
        database.execute(
            f"""CREATE VIEW shared AS SELECT coalesce(two.clip_id, one.clip_id) AS clip_id,
                coalesce(two.video_id, one.video_id) AS video_id, coalesce(two.split, one.split) AS split,
                coalesce(two.duration_ms, one.duration_ms) AS duration_ms,
                CASE WHEN two.clip_id IS NULL THEN 'only_first' WHEN one.clip_id IS NULL THEN 'only_second'
                     WHEN one.sha256 IS DISTINCT FROM two.sha256 THEN 'other_data'
                     WHEN one.split IS DISTINCT FROM two.split THEN 'other_split'
                     WHEN NOT ({there}) THEN 'not_available' ELSE 'common' END AS what
                FROM first AS one FULL JOIN second AS two ON one.clip_id = two.clip_id"""
        )
        yield database
