"""What a version holds, or would hold, in numbers: asked of its rows in SQL, which may be ten million."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from tasks.releases import Release
from tasks.releases.draft import Draft, new_rows
from tasks.workspace.ledger import Loss
from tasks.workspace.query import open_database
from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Released:
    """Numbers of a version.

    Attributes:
        channels: for each channel clips, and their milliseconds in all, with a talking head and with a voice-over.
        kinds: scenario, duration_ms and the number of `clips` that have both.
        withheld: clips that are fit and in no split, by reason.
        among: how many of some clip ids are in the version.
    """

    clips: int = 0
    videos: int = 0
    channels: Mapping[str, tuple[int, int, int, int]] | None = None
    kinds: Sequence[Row] = ()
    withheld: Sequence[Loss] = ()
    among: Callable[[Iterable[str]], int] = lambda clips: 0


def of_release(release: Release | None, scratch: Path) -> Released:
    """Of a published version; of none, nothing."""
    if release is None:
        return Released(channels={})
    open_rows = partial(_rows_of_release, release, scratch)
    withheld = release.folder / "withheld.parquet"
    with open_rows() as database:
        lost = database.read_parquet(str(withheld)) if withheld.exists() else None
        if lost is not None:
            lost.create_view("withheld_clips")
        return _count(database, open_rows, withheld=lost is not None)


def of_draft(draft: Draft, scratch: Path) -> Released:
    """Of a version that is not yet published; the draft's scratch folder must be there."""
    open_rows = partial(_rows_of_draft, draft, scratch)
    with open_rows() as database:
        database.register("withheld_clips", draft.splitting.withheld)
        return _count(database, open_rows, withheld=True)


@contextmanager
def _rows_of_release(release: Release, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_database(scratch, clips=release.files()) as database:
        yield database


@contextmanager
def _rows_of_draft(draft: Draft, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_database(scratch, parts=draft.parts) as database:
        new_rows(database, draft.splitting)
        database.execute("CREATE VIEW clips AS SELECT * FROM new")
        yield database


def _count(database: duckdb.DuckDBPyConnection, open_rows: Callable, withheld: bool) -> Released:
    clips, videos = database.sql("SELECT count(*), count(DISTINCT video_id) FROM clips").fetchall()[0]
    channels = database.sql(
        "SELECT channel, count(*), sum(duration_ms)::BIGINT, sum(talking_head_ms)::BIGINT, "
        "sum(voice_over_ms)::BIGINT FROM clips GROUP BY channel ORDER BY channel"
    ).fetchall()
    kinds = database.sql(
        "SELECT scenario, duration_ms, count(*) FROM clips GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return Released(
        clips,
        videos,
        {channel: tuple(numbers) for channel, *numbers in channels},
        [dict(zip(("scenario", "duration_ms", "clips"), kind, strict=True)) for kind in kinds],
        _withheld(database) if withheld else (),
        partial(_among, open_rows),
    )


def _withheld(database: duckdb.DuckDBPyConnection) -> list[Loss]:
    found = database.sql(
        "SELECT reason, count(*), sum(duration_ms)::BIGINT, min(clip_id || ': ' || coalesce(detail, '')) "
        "FROM withheld_clips GROUP BY reason ORDER BY reason"
    ).fetchall()
    return [Loss("splits", "dropped", *row) for row in found]


def _among(open_rows: Callable, clips: Iterable[str]) -> int:
    asked = pa.table({"clip_id": pa.array(sorted(clips), pa.string())})
    if not asked.num_rows:
        return 0
    with open_rows() as database:
        database.register("asked", asked)
        return database.sql("SELECT count(*) FROM clips SEMI JOIN asked USING (clip_id)").fetchall()[0][0]
