"""Publish a release: a folder that appears whole, is complete in itself and never changes.

releases/<dataset>/<version>/
  data/{train,dev,test}/part-00000.parquet   schemas.manifest.MANIFEST
  media/<video>/<clip>.mp4                   the clips (hard links to the workspace's where possible)
  splits.parquet                             every assignment ever made; later versions keep to it
  README.md  CHANGES.md  recipe.yaml  SHA256SUMS
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from schemas.recipe import Recipe
from schemas.sections import SPLITS
from tasks.manifests.card import EVENTS_FIGURE, changes_entry, dataset_card
from tasks.manifests.version import Difference, compare, next_version
from tasks.sounds.statistics import draw_top_events, top_events
from tasks.workspace.layout import appearing, write_table
from tasks.workspace.stage import Row

SPLIT_TABLE = pa.schema([("video_id", pa.string()), ("channel", pa.string()), ("split", pa.string())])


@dataclass(frozen=True)
class Release:
    """A published version."""

    dataset: str
    version: str
    folder: Path

    def rows(self) -> list[Row]:
        """All manifest rows, splits together."""
        return [row for file in sorted(self.folder.glob("data/*/*.parquet")) for row in _read(file)]

    def assignments(self) -> dict[str, str]:
        """The split of every video that this or an earlier version assigned."""
        return {row["video_id"]: row["split"] for row in _read(self.folder / "splits.parquet")}


def releases(root: Path, dataset: str) -> list[Release]:
    """All versions of a dataset, oldest first."""
    folders = (root / "releases" / dataset).glob("[0-9]*.[0-9]*.[0-9]*")
    ordered = sorted(folders, key=lambda folder: tuple(map(int, folder.name.split("."))))
    return [Release(dataset, folder.name, folder) for folder in ordered]


def latest_release(root: Path, dataset: str) -> Release | None:
    return next(iter(reversed(releases(root, dataset))), None)


@dataclass(frozen=True)
class Draft:
    """The next version, ready to be published: its manifest, and how it differs from the version before."""

    version: str
    table: pa.Table
    difference: Difference
    before: Release | None


def draft_release(
    root: Path, dataset: str, rows: Sequence[Row], assign: Callable[[Mapping[str, str]], Mapping[str, str]]
) -> Draft | None:
    """The next version of a dataset, or None when there is nothing to release or nothing changed.

    Args:
        rows: what `manifest_rows` made, of all shards.
        assign: gives every video its split, from the splits fixed earlier.
    """
    before = latest_release(root, dataset)
    table = _table(rows, assign(before.assignments() if before else {}))
    new = {row["clip_id"]: row for row in table.to_pylist()}
    old = {row["clip_id"]: row for row in before.rows()} if before else {}
    difference = compare(old, new)
    if not new or not difference:
        return None
    return Draft(next_version(before.version if before else None, difference), table, difference, before)


def publish(
    root: Path, recipe: Recipe, draft: Draft, clips: Mapping[str, str], funnel: Sequence[str], today: date
) -> Release:
    """Write a drafted version; it appears whole or not at all.

    Args:
        clips: clip id to its file in the workspace.
        funnel: lines of Markdown that say what was left out and why, for the card.
        today: the date that the card and the change log carry.

    Raises:
        ReleaseError: when a clip's file is gone or has changed size since it was normalised.
    """
    folder = root / "releases" / recipe.name / draft.version
    rows = draft.table.to_pylist()
    with appearing(folder) as unfinished:
        unfinished.mkdir()
        _write_data(draft.table, unfinished)
        _link_media(root, rows, clips, unfinished)
        _write_splits(rows, draft.before, unfinished)
        _write_documents(unfinished, recipe, draft, rows, funnel, today)
        _write_checksums(unfinished, {row["path"]: row["sha256"] for row in rows})
    return Release(recipe.name, draft.version, folder)


def _table(rows: Sequence[Row], splits: Mapping[str, str]) -> pa.Table:
    ordered = sorted(rows, key=lambda row: (row["channel"] or "", row["video_id"], row["source_start_ms"]))
    complete = [
        {**row, "split": splits[row["video_id"]], "models": list(row["models"].items())} for row in ordered
    ]
    return pa.Table.from_pylist(complete, schema=MANIFEST)


def _write_data(table: pa.Table, folder: Path) -> None:
    for split in SPLITS:
        part = table.filter(pc.equal(table["split"], split))
        (folder / "data" / split).mkdir(parents=True)
        write_table(part, folder / "data" / split / "part-00000.parquet")


def _link_media(root: Path, rows: Sequence[Row], clips: Mapping[str, str], folder: Path) -> None:
    for row in rows:
        clip, target = root / clips[row["clip_id"]], folder / row["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        found = clip.stat().st_size if clip.exists() else None
        if found != row["bytes"]:
            raise ReleaseError(
                row["clip_id"],
                f"its file should have {row['bytes']} bytes and {'is gone' if found is None else f'has {found}'}",
                "remove the folder of its video under stages/normalize, and run again",
            )
        try:
            os.link(clip, target)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(clip, target)


def _write_splits(rows: Sequence[Row], before: Release | None, folder: Path) -> None:
    earlier = _read(before.folder / "splits.parquet") if before else []
    assigned = {row["video_id"]: row for row in (*earlier, *rows)}
    kept = [{name: assigned[video][name] for name in SPLIT_TABLE.names} for video in sorted(assigned)]
    write_table(pa.Table.from_pylist(kept, schema=SPLIT_TABLE), folder / "splits.parquet")


def _write_documents(
    folder: Path, recipe: Recipe, draft: Draft, rows: Sequence[Row], funnel: Sequence[str], today: date
) -> None:
    text = yaml.safe_dump(
        recipe.as_run().model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110
    )
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    heard = ({**event, "clip_id": row["clip_id"]} for row in rows for event in row["audio_events"])
    events = top_events(heard)
    (folder / EVENTS_FIGURE).parent.mkdir()
    draw_top_events(events, folder / EVENTS_FIGURE)
    card = dataset_card(recipe, draft.version, rows, events, funnel, today)
    (folder / "README.md").write_text(card, encoding="utf-8")
    earlier = (draft.before.folder / "CHANGES.md").read_text(encoding="utf-8") if draft.before else ""
    changes = changes_entry(draft.version, draft.difference, today) + earlier
    (folder / "CHANGES.md").write_text(changes, encoding="utf-8")


def _write_checksums(folder: Path, known: Mapping[str, str]) -> None:
    """SHA256SUMS of every file; clips keep the checksum they were made with, so a later change shows."""
    lines = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(file.relative_to(folder))
        if name not in known:
            with file.open("rb") as stream:
                checksum = hashlib.file_digest(stream, "sha256").hexdigest()
        else:
            checksum = known[name]
        lines.append(f"{checksum}  {name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def _read(file: Path) -> list[Row]:
    return pq.read_table(file).to_pylist()
