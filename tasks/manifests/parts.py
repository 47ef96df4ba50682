"""The manifest in parts, one for each complete shard, so that no step ever holds all of it.

manifests/<dataset>/<shard>/<key>.parquet       PART, by video and time; made whole, never changed

A part's key is a digest of all that its rows were composed from: a shard that has not changed is not composed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from schemas.manifest import MANIFEST
from schemas.recipe import digest
from schemas.tables import TEXT
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.outputs import Output
from tasks.workspace.stage import Row

VERSION = 2
"""Raise it when equal tables would give other rows."""

FILE = pa.field("file", TEXT, metadata={"description": "the clip's file, relative to the workspace"})

PART = pa.schema([*(field for field in MANIFEST if field.name != "split"), FILE])
"""A row of the manifest before it has a split, and where its clip lies."""


def part_file(
    root: Path,
    dataset: str,
    shard: str,
    videos: Sequence[Row],
    outputs: Mapping[str, Output],
    models: Mapping[str, str],
) -> Path:
    """Where the part of a shard in just this state is, or would be.

    Args:
        videos: the shard's catalogue rows.
        outputs: the tables of all its stages, which also decide what is held back.
        models: as they go into every row.
    """
    tables = {stage: output.folder.name for stage, output in outputs.items()}
    columns = [str(field) for field in PART]
    key = digest([VERSION, columns, list(videos), tables, dict(models)])[:16]
    return root / "manifests" / dataset / shard / f"{key}.parquet"


def write_part(path: Path, compose: Callable[[], Iterable[Row]]) -> Path:
    """Write a part, unless it is there; `compose` gives its rows, in any order."""
    if not path.exists():
        rows = sorted(compose(), key=lambda row: (row["video_id"], row["source_start_ms"]))
        with appearing(path) as unfinished:
            write_table(pa.Table.from_pylist(rows, schema=PART), unfinished)
    return path


def remove_other_parts(root: Path, dataset: str, parts: Iterable[Path]) -> None:
    """Remove parts of earlier states; only for who holds the workspace."""
    kept = set(parts)
    for path in (root / "manifests" / dataset).glob("*/*.parquet"):
        if path not in kept:
            path.unlink(missing_ok=True)
