"""The card of an export: the version's own, with the front matter that loads this form of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from schemas.publishing import Layout
from schemas.sections import SPLITS
from tasks.releases.folder import Release
from tasks.releases.formats.exported import Exported, media_form
from tasks.releases.formats.features import card_entries, shard_features
from tasks.releases.formats.webdataset import row_columns

HOUR_MS = 3_600_000


def write_card(release: Release, layout: Layout, folder: Path, exported: Exported) -> None:
    """README.md of an export, whose tables or shards are written.

    Args:
        folder: the export in the making.
    """
    source = release.folder / "README.md"
    front, body = split_card(source.read_text(encoding="utf-8") if source.is_file() else "")
    if layout == "parquet":
        front |= card_entries(folder, media_form(Release(release.dataset, release.version, folder)))
    else:
        front["dataset_info"] = {"config_name": "default", "features": shard_features(row_columns(release))}
        front["configs"] = [{"config_name": "default", "data_files": _shards(folder)}]
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=110)
    note = "\n".join(f"> {line}".rstrip() for line in (*_note(release, layout, exported), ""))
    (folder / "README.md").write_text(f"---\n{text}---\n\n{note}\n\n{body.lstrip()}", encoding="utf-8")


def split_card(card: str) -> tuple[dict[str, Any], str]:
    """A card's front matter and the rest; a card without front matter has an empty one."""
    if not card.startswith("---\n"):
        return {}, card
    front, _, body = card[4:].partition("\n---\n")
    return yaml.safe_load(front) or {}, body


def _shards(folder: Path) -> list[dict[str, str]]:
    return [
        {"split": split, "path": f"{split}-*.tar"} for split in SPLITS if any(folder.glob(f"{split}-*.tar"))
    ]


def _note(release: Release, layout: Layout, exported: Exported) -> list[str]:
    hours = exported.milliseconds / HOUR_MS
    lines = [
        f"Export of {release.dataset} {release.version} as {layout}: {exported.clips} clips, {hours:.2f} hours. "
        "`SHA256SUMS` names all files.",
    ]
    if layout == "webdataset":
        lines.append(
            "Samples have a clip (`mp4`) and its row (`json`): "
            '`webdataset.WebDataset("train-000000.tar").decode()`, or `datasets.load_dataset` of this folder. '
            "`index.json` counts what is in each shard."
        )
    for share in exported.left_out:
        words = share.reason.replace("_", " ")
        lines.append(
            f"{share.parts} clips ({share.milliseconds / HOUR_MS:.2f} hours) are here "
            + ("by reference alone: " if exported.by_reference else "not at all: ")
            + words
            + "."
        )
    return lines
