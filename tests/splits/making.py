"""Manifest rows, pairs and tables of splits for the tests of splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import MANIFEST
from schemas.releases import PAIRS, SPLIT_TABLE
from schemas.sections import Splits
from tasks.splits import Splitting, split_videos
from tasks.splits.leakage import certify
from tasks.workspace.stage import Row

PART = pa.schema([field for field in MANIFEST if field.name != "split"])


def clip(video: str, number: int = 0, channel: str | None = "news", **changes) -> Row:
    """A clip of ten minutes, like no other."""
    clip_id = f"{video}_{number}"
    return {
        **dict.fromkeys(MANIFEST.names),
        "clip_id": clip_id,
        "video_id": video,
        "channel": channel,
        "duration_ms": 600_000,
        "width": 456,
        "height": 256,
        "talking_head_ms": 200_000,
        "voice_over_ms": 100_000,
        "audio_events": [],
        "conditions": [],
        "source_sha256": f"file of {video}",
        "frames_xxh3": f"frames of {clip_id}",
        "samples_xxh3": f"samples of {clip_id}",
        "level_dbfs": -20.0,
        **changes,
    }


def video(name: str, channel: str = "news", clips: int = 1, **changes) -> list[Row]:
    return [clip(name, number, channel, **changes) for number in range(clips)]


def heard(name: str, milliseconds: int) -> Row:
    return {"start_ms": 0, "end_ms": milliseconds, "id": f"/m/{name}", "name": name, "score": 0.9}


def pair(
    later: str, earlier: str, kind: str = "both", overlap_ms: int = 60_000, shorter_ms: int = 600_000
) -> Row:
    """Two clips, `<video>_<number>`, that are alike."""
    return {
        "clip_id": later,
        "video_id": later.rsplit("_", 1)[0],
        "other_clip": earlier,
        "other_video": earlier.rsplit("_", 1)[0],
        "kind": kind,
        "overlap_ms": overlap_ms,
        "shorter_ms": shorter_ms,
    }


def parts(folder: Path, rows: Iterable[Row], count: int = 1) -> list[Path]:
    """The rows in so many files, as shards would have them."""
    every = list(rows)
    files = [folder / f"part-{number}.parquet" for number in range(count if every else 0)]
    for number, file in enumerate(files):
        pq.write_table(pa.Table.from_pylist(every[number::count], schema=PART), file)
    return files


def pairs_file(folder: Path, pairs: Iterable[Row], counts: bytes = b"{}") -> Path:
    file = folder / "pairs.parquet"
    table = pa.Table.from_pylist(list(pairs), schema=PAIRS)
    pq.write_table(table.replace_schema_metadata({b"counts": counts}), file)
    return file


def split(
    folder: Path,
    rows: Iterable[Row],
    fixed: pa.Table | None = None,
    pairs: Iterable[Row] = (),
    rules: Splits | None = None,
) -> Splitting:
    files, alike = parts(folder, rows), pairs_file(folder, pairs)
    return split_videos(files, fixed, alike, rules or Splits(), folder)


def splits_of(made: Splitting) -> dict[str, str]:
    return dict(zip(*(made.assignments[name].to_pylist() for name in ("video_id", "split")), strict=True))


def fixed(sides: Mapping[str, str], channel: str = "news") -> pa.Table:
    rows = [{"video_id": v, "channel": channel, "split": s, "kin": v} for v, s in sorted(sides.items())]
    return pa.Table.from_pylist(rows, schema=SPLIT_TABLE)


def written(folder: Path, rows: Iterable[Row], made: Splitting) -> list[Path]:
    """The tables of a version: all rows with their split but those that are withheld."""
    sides, withheld = splits_of(made), set(made.withheld["clip_id"].to_pylist())
    files = []
    for name in ("train", "dev", "test"):
        some = [
            {**row, "split": name}
            for row in rows
            if sides[row["video_id"]] == name and row["clip_id"] not in withheld
        ]
        if some:
            files.append(folder / f"{name}.parquet")
            pq.write_table(pa.Table.from_pylist(some, schema=MANIFEST), files[-1])
    return files


def failing(
    folder: Path,
    files: list[Path],
    pairs: Iterable[Row] = (),
    rules: Splits | None = None,
    earlier: Iterable[pa.Table] = (),
) -> dict[str, int]:
    """The checks that find something across, and how much."""
    tables = []
    for number, table in enumerate(earlier):
        tables.append(folder / f"splits-{number}.parquet")
        pq.write_table(table, tables[-1])
    made = certify(files, pairs_file(folder, pairs), rules or Splits(), None, tables, folder)
    assert made.passed == (not any(check.across for check in made.checks if check.done))
    return {check.name: check.across for check in made.checks if check.across}
