"""A small version with real clips of flashes and beeps, in any form of media, as publishing writes it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from schemas.manifest import MANIFEST
from schemas.publishing import MediaForm
from schemas.releases import CHANGES, SPLIT_TABLE
from tasks.releases.checksums import write_checksums
from tasks.releases.folder import Release
from tasks.releases.formats.features import card_entries
from tasks.releases.formats.tables import write_tables
from tasks.scenes.flash import flash_and_beep

FLASHES_S = (0.52, 1.36, 2.4)
"""When flashes and beeps begin in every clip, s."""
SECONDS = 3
CLIPS = {"a_0_3000": "train", "a_3000_6000": "train", "b.b_0_3000": "train", "c_0_3000": "test"}
"""Clip id to split; one id has a dot, one split has a single clip, one has none."""
FREE, CLOSED = "CC BY 4.0", "all rights reserved"


def make_clip(file: Path, seconds: int = SECONDS) -> Path:
    """Flashes and beeps at FLASHES_S, 25 fps, 16 kHz."""
    file.parent.mkdir(parents=True, exist_ok=True)
    flash_and_beep(file, seconds, 25, 16_000, FLASHES_S, size=(64, 48))
    return file


def make_release(
    root: Path,
    clip: Path,
    media: MediaForm = "path",
    clips: Mapping[str, str] = CLIPS,
    licences: Mapping[str, str | None] | None = None,
    version: str = "1.0.0",
    seconds: int = SECONDS,
) -> Release:
    """A version whose clips all have the content of one file.

    Args:
        seconds: how long the clip is.
        licences: clip id to what its source states; all others state FREE, which the recipe allows.
    """
    folder = root / "releases" / "toy" / version
    rows = [
        _row(clip_id, split, clip, (licences or {}).get(clip_id, FREE), seconds)
        for clip_id, split in clips.items()
    ]
    for split in ("train", "dev", "test"):
        some = [row for row in rows if row["split"] == split]
        batch = pa.RecordBatch.from_pylist(some, schema=MANIFEST)
        write_tables([batch], folder / "data" / split, media, lambda group: [clip] * group.num_rows)
    _write_beside(folder, rows)
    if media == "path":
        _place(folder, clip)
    front = yaml.safe_dump({"pretty_name": "Toy", **card_entries(folder, media)}, sort_keys=False)
    (folder / "README.md").write_text(f"---\n{front}---\n\n# Toy {version}\n", encoding="utf-8")
    write_checksums(folder, root)
    return Release("toy", version, folder)


def _row(clip_id: str, split: str, clip: Path, licence: str | None, seconds: int) -> dict:
    video, start, end = clip_id.rsplit("_", 2)
    numbers = {field.name: 0 for field in MANIFEST if field.type == pa.int64()}
    return {
        **{field.name: None for field in MANIFEST},
        **numbers,
        "clip_id": clip_id,
        "video_id": video,
        "split": split,
        "channel": "news",
        "bytes": clip.stat().st_size,
        "sha256": hashlib.sha256(clip.read_bytes()).hexdigest(),
        "duration_ms": seconds * 1000,
        "width": 64,
        "height": 48,
        "source_start_ms": int(start),
        "source_end_ms": int(end),
        "source_licence": licence,
        "labels": [
            {"start_ms": 0, "end_ms": seconds * 1000, "label": "other", "probability": 0.5, "track": None}
        ],
        "conditions": ["still"],
        "models": [],
    }


def _write_beside(folder: Path, rows: Sequence[dict]) -> None:
    videos = {row["video_id"]: row for row in rows}
    sides = [
        {"video_id": video, "channel": "news", "split": row["split"], "kin": video}
        for video, row in videos.items()
    ]
    pq.write_table(pa.Table.from_pylist(sides, schema=SPLIT_TABLE), folder / "splits.parquet")
    pq.write_table(CHANGES.empty_table(), folder / "changes.parquet")
    (folder / "leakage.json").write_text(json.dumps({"passed": True}), encoding="utf-8")
    recipe = {"name": "toy", "title": "Toy", "release": {"redistributable": [FREE]}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")


def _place(folder: Path, clip: Path) -> None:
    for file in folder.glob("data/*/*.parquet"):
        for path in pq.read_table(file, columns=["path"], partitioning=None)["path"].to_pylist():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip, target)
