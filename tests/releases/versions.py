"""Published versions as plain folders: tables alone, without the documents that publishing makes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import MANIFEST
from schemas.releases import CHANGES, SPLIT_TABLE, WITHHELD
from schemas.sections import SPLITS
from tasks.releases.folder import Release


def write_version(
    root: Path,
    version: str,
    rows: Sequence[dict],
    dataset: str = "toy",
    changes: Sequence[dict] = (),
    withheld: Sequence[dict] = (),
) -> Release:
    """A version of these rows; a row without a split is in train, and its clip is a file below its table."""
    folder = root / "releases" / dataset / version
    placed = [{**row, "split": row.get("split") or "train"} for row in rows]
    for split in SPLITS:
        some = [row for row in placed if row["split"] == split]
        for row in some:
            row["path"] = f"data/{split}/media/{row['video_id']}/{row['clip_id']}.mp4"
            (folder / row["path"]).parent.mkdir(parents=True, exist_ok=True)
            (folder / row["path"]).write_bytes(row["clip_id"].encode())
        if some:
            table = pa.Table.from_pylist(some, schema=MANIFEST)
            pq.write_table(table, folder / "data" / split / "part-00000.parquet")
    folder.mkdir(parents=True, exist_ok=True)
    sides = {row["video_id"]: row for row in placed}
    assigned = [
        {"video_id": video, "channel": row["channel"], "split": row["split"], "kin": row.get("kin", video)}
        for video, row in sorted(sides.items())
    ]
    for name, schema, table in (
        ("splits", SPLIT_TABLE, assigned),
        ("changes", CHANGES, changes),
        ("withheld", WITHHELD, withheld),
    ):
        pq.write_table(pa.Table.from_pylist(list(table), schema=schema), folder / f"{name}.parquet")
    return Release(dataset, version, folder)
