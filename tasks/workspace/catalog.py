"""The catalogue: every video ever discovered, in shards fixed at discovery.

A shard is the unit of work, of scheduling and of storage: some videos, by total duration. Later
discoveries make new shards, so the key of work that is done never changes. Files of the catalogue are only
ever added; where two of them speak of one video, the later is right. A takedown alone writes them anew, without its
videos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.tables import CATALOG
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.stage import Row
from tasks.workspace.tombstones import tombstones

ASSUMED_DURATION_MS = 1_800_000
"""What a video counts towards its shard while its duration is unknown."""

STORED = CATALOG.append(pa.field("shard", pa.string(), metadata={"description": "the shard it belongs to"}))


def read_catalog(root: Path) -> list[Row]:
    """All videos with their `shard`, in the order of discovery; those that were taken down are none of them."""
    gone = tombstones(root).dates
    rows: dict[str, Row] = {}
    for file in catalog_files(root):
        rows |= {
            row["video_id"]: row for row in pq.read_table(file).to_pylist() if row["video_id"] not in gone
        }
    return list(rows.values())


def catalog_files(root: Path) -> list[Path]:
    """The catalogue's files, in the order in which they were added."""
    return sorted((root / "catalog").glob("[0-9]*.parquet"))


def add_to_catalog(root: Path, videos: Sequence[Row], shard_ms: int) -> list[str]:
    """Take in discovered videos: new ones go to new shards of about `shard_ms`; returns those shards' names.

    All of it appears at once, or nothing. Of a video that is known, segments that a further list names are
    added, and a local file that has moved is found at its new place.
    """
    present = read_catalog(root)
    new, changed = news(present, videos)
    # Not how many shards there are: one whose videos were all taken down is no more.
    first = max((int(row["shard"]) + 1 for row in present), default=0)
    rows = [{**video, "shard": f"{first + number:05d}"} for number, video in _number(new, shard_ms)]
    if rows or changed:
        batch = len(catalog_files(root))
        with appearing(root / "catalog" / f"{batch:05d}.parquet") as unfinished:
            write_table(pa.Table.from_pylist([*rows, *changed], schema=STORED), unfinished)
    return sorted({row["shard"] for row in rows})


def news(catalog: Sequence[Row], videos: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """What of some discovered videos the catalogue lacks: new videos, and rows of known ones as they become."""
    known = {row["video_id"]: row for row in catalog}
    new = {video["video_id"]: video for video in videos if video["video_id"] not in known}
    merged = [_merge(known[video["video_id"]], video) for video in videos if video["video_id"] in known]
    return list(new.values()), [row for row in merged if row != known[row["video_id"]]]


def shards(catalog: Iterable[Row]) -> dict[str, list[Row]]:
    """The catalogue's videos by shard, both in the order of discovery."""
    grouped: dict[str, list[Row]] = {}
    for row in catalog:
        grouped.setdefault(row["shard"], []).append(row)
    return grouped


def _merge(old: Row, fresh: Row) -> Row:
    segments = old["segments"]
    if segments is not None and fresh["segments"] is not None:
        segments = segments + [span for span in fresh["segments"] if span not in segments]
    moved = old["kind"] == "files" and not Path(old["location"]).exists()
    return {**old, "segments": segments, "location": fresh["location"] if moved else old["location"]}


def _number(videos: Iterable[Row], shard_ms: int) -> Iterable[tuple[int, Row]]:
    number, filled = 0, 0
    for video in videos:
        duration = video["duration_ms"] or ASSUMED_DURATION_MS
        if filled and filled + duration > shard_ms:
            number, filled = number + 1, 0
        filled += duration
        yield number, video
