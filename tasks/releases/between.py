"""What differs between any two versions of a dataset, older to newer, for the reasons that those on the way gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from schemas.errors import ReleaseError
from schemas.releases import CHANGES
from tasks.releases.difference import compare, no_changes
from tasks.releases.folder import Release, releases
from tasks.releases.tables import answer, write_rows
from tasks.workspace.query import open_database
from tasks.workspace.stage import Row

_EXAMPLES = 3


@dataclass(frozen=True)
class Happened:
    """Clips to which the same happened for the same reason: how many, how long together, and the first few."""

    change: str
    reason: str | None
    clips: int
    milliseconds: int
    relabelled: int
    examples: tuple[str, ...]


def versions_of(root: Path, dataset: str, wanted: Sequence[str] = ()) -> list[Release]:
    """The versions that are wanted (`latest` is one), or all of them, oldest first.

    Raises:
        ReleaseError: the dataset or a version is not there.
    """
    found = {each.version: each for each in releases(root, dataset)}
    if not found:
        have = sorted(path.name for path in (root / "releases").glob("[!.]*") if releases(root, path.name))
        raise ReleaseError(
            dataset,
            f"has no release in {root}",
            f"there are: {', '.join(have)}" if have else "`clapper run` publishes one",
        )
    names = [next(reversed(found)) if name == "latest" else name for name in wanted or found]
    for name in names:
        if name not in found:
            known = ", ".join(found)
            raise ReleaseError(f"{dataset} {name}", "is no version that was published", f"there are: {known}")
    return [found[name] for name in names]


def write_difference(older: Release, newer: Release, scratch: Path, to: Path) -> None:
    """Write what differs from one version to a later one, clip by clip (CHANGES).

    The next version has it in its `changes.parquet`. Between others the manifests are compared, and a clip's reason
    is the last one that a version on the way gives.
    """
    between = _between(older, newer)
    if older == newer:
        no_changes(to)
    elif len(between) == 1:
        write_rows(to, CHANGES, pq.ParquetFile(newer.folder / "changes.parquet").iter_batches())
    else:
        direct = scratch / "direct.parquet"
        with open_database(scratch, old=older.files(), new=newer.files()) as database:
            compare(database, direct, lambda clips: {}, lambda differing: "")
        steps = {f"step_{number}": [each.folder / "changes.parquet"] for number, each in enumerate(between)}
        with open_database(scratch, direct=[direct], **steps) as database:
            told = " UNION ALL ".join(
                f"SELECT clip_id, reason, {n} AS step FROM step_{n}" for n in range(len(between))
            )
            database.execute(
                f"CREATE TABLE told AS SELECT clip_id, max_by(reason, step) AS why FROM ({told}) "
                "WHERE reason IS NOT NULL GROUP BY clip_id"
            )
            columns = ", ".join("why AS reason" if name == "reason" else name for name in CHANGES.names)
            query = f"SELECT {columns} FROM direct LEFT JOIN told USING (clip_id) ORDER BY clip_id"
            write_rows(to, CHANGES, answer(database, query, CHANGES))


def happened(changes: Path, scratch: Path) -> list[Happened]:
    """What a table of changes comes to, most first."""
    with open_database(scratch, changes=[changes]) as database:
        found = database.sql(
            "SELECT change, reason, count(*), sum(duration_ms)::BIGINT, count(*) FILTER (relabelled), "
            f"(min(clip_id, {_EXAMPLES})) FROM changes GROUP BY change, reason ORDER BY count(*) DESC, change, reason"
        ).fetchall()
    return [Happened(*row[:-1], tuple(row[-1])) for row in found]


def rows_of(changes: Path) -> Iterator[Row]:
    """All rows of a table of changes, some in memory at a time."""
    for batch in pq.ParquetFile(changes).iter_batches():
        yield from batch.to_pylist()


def in_a_line(counts: Sequence[tuple[str, int, int]]) -> str:
    """Changes (what, clips, milliseconds) as a sentence without an end: `12 added (0.3 h), 2 removed (0.1 h)`."""
    return ", ".join(
        f"{clips:,} {what} ({milliseconds / 3_600_000:.2f} h)" for what, clips, milliseconds in counts
    )


def counts_of(release: Release, database: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    """What a version changed against the one before: (what, clips, milliseconds), most first."""
    file = release.folder / "changes.parquet"
    if not file.exists():
        return []
    return database.execute(
        "SELECT change, count(*), sum(duration_ms)::BIGINT FROM read_parquet($file) GROUP BY change "
        "ORDER BY count(*) DESC, change",
        {"file": str(file)},
    ).fetchall()


def _between(older: Release, newer: Release) -> list[Release]:
    """The versions after the older one, up to the newer one."""
    root = older.folder.parents[2]
    versions = releases(root, older.dataset)
    names = [each.version for each in versions]
    return versions[names.index(older.version) + 1 : names.index(newer.version) + 1]
