"""The catalogue: every video ever discovered, in shards fixed at discovery.

A shard is the unit of work, of scheduling and of storage: some videos, by total duration. Later
discoveries make new shards, so the key of work that is done never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tables import CATALOG
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.stage import Row

ASSUMED_DURATION_MS = 1_800_000
"""What a video counts towards its shard while its duration is unknown."""

STORED = CATALOG.append(pa.field("shard", pa.string(), metadata={"description": "the shard it belongs to"}))


def read_catalog(root: Path) -> list[Row]:
    """All videos with their `shard`, in the order of discovery."""
    files = sorted((root / "catalog").glob("[0-9]*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def add_to_catalog(root: Path, videos: Sequence[Row], shard_ms: int) -> list[str]:
    """Put newly discovered videos into new shards of about `shard_ms` milliseconds; returns the shards' names.

    All of them appear at once, or none. Videos that the catalogue has already are passed over.
    """
    present = read_catalog(root)
    known = {row["video_id"] for row in present}
    new = [video for video in videos if video["video_id"] not in known]
    if not new:
        return []
    first = len({row["shard"] for row in present})
    rows = [{**video, "shard": f"{first + number:05d}"} for number, video in _number(new, shard_ms)]
    batch = len(list((root / "catalog").glob("[0-9]*.parquet")))
    with appearing(root / "catalog" / f"{batch:05d}.parquet") as unfinished:
        write_table(pa.Table.from_pylist(rows, schema=STORED), unfinished)
    return sorted({row["shard"] for row in rows})


def shards(catalog: Iterable[Row]) -> dict[str, list[Row]]:
    """The catalogue's videos by shard, both in the order of discovery."""
    grouped: dict[str, list[Row]] = {}
    for row in catalog:
        grouped.setdefault(row["shard"], []).append(row)
    return grouped


def _number(videos: Sequence[Row], shard_ms: int) -> Iterable[tuple[int, Row]]:
    number, filled = 0, 0
    for video in videos:
        duration = video["duration_ms"] or ASSUMED_DURATION_MS
        if filled and filled + duration > shard_ms:
            number, filled = number + 1, 0
        filled += duration
        yield number, video
