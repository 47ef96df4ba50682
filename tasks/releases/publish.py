"""Publish a draft: a folder that appears whole, is complete in itself and never changes.

What it holds is said in `tasks.releases.folder`. The order matters: what is certified and described is what was
written, not what was meant to be.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from schemas.errors import ReleaseError
from schemas.leakage import Leakage
from schemas.recipe import Recipe
from schemas.releases import SPLIT_TABLE, TOMBSTONES, WITHHELD
from tasks.releases.account import Account, Checked
from tasks.releases.checksums import file_names, write_checksums
from tasks.releases.documents import write_documents
from tasks.releases.draft import Draft
from tasks.releases.folder import Release, releases
from tasks.releases.placing import READ_ONLY, place
from tasks.releases.provenance import provenance
from tasks.releases.report import write_report
from tasks.releases.report.tables import report_tables
from tasks.splits.leakage import certify
from tasks.workspace.layout import appearing
from tasks.workspace.ledger import Loss

Report = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much it is in all."""


@dataclass(frozen=True)
class Beside:
    """What is known of a version beside its rows.

    Attributes:
        funnel, losses: as in Account.
        models: analysis to model and checksum.
        pairs: clips that are alike (PAIRS); None where the recipe does not look for them.
        tombstones: videos that were taken down (TOMBSTONES).
        collected, checked: as in Account.
    """

    funnel: Sequence[tuple[str, int]] = ()
    losses: Sequence[Loss] = ()
    models: Mapping[str, str] | None = None
    pairs: Path | None = None
    tombstones: pa.Table | None = None
    collected: tuple[date, date] | None = None
    checked: Sequence[Checked] = ()


def publish(
    root: Path,
    recipe: Recipe,
    draft: Draft,
    beside: Beside,
    today: date,
    scratch: Path,
    report: Report = lambda what, done, total: None,
) -> Release:
    """Write a drafted version; it appears whole or not at all.

    Args:
        today: the date that all documents carry.
        scratch: the folder in which the draft was made.

    Raises:
        ReleaseError: a clip's file is gone or has changed size since it was normalised; something would leak from one
            split into another; the disk is full. Nothing is left behind.
    """
    folder = root / "releases" / recipe.name / draft.version
    with _room_for(folder), appearing(folder, linked=True) as unfinished:
        unfinished.mkdir()
        _write_rows(root, recipe, draft, unfinished, report)
        _write_tables(draft, beside, unfinished)
        origin = provenance(recipe, beside.models or {})
        _write_json(origin, unfinished / "provenance.json")
        _write_recipe(recipe, unfinished)
        report("looking for leaks between splits", 0, 1)
        leakage = _certified(root, recipe, draft, beside, unfinished, scratch)
        account = Account(
            recipe, draft.version, today, unfinished, draft.before, draft.changes,
            beside.funnel, beside.losses, leakage, origin, beside.collected, beside.checked,
        )  # fmt: skip
        report("counting what it holds", 0, 1)
        tables = report_tables(account.files(), scratch, recipe.targets)
        write_report(account, partial(report, "cutting previews"), tables)
        report("writing the documents", 0, 1)
        write_documents(account, tables)
        report("writing checksums", 0, 1)
        write_checksums(unfinished, scratch)
        for name in file_names(unfinished, clips=False):
            (unfinished / name).chmod(READ_ONLY)
        report("written", 1, 1)
    return Release(recipe.name, draft.version, folder)


def _write_rows(root: Path, recipe: Recipe, draft: Draft, folder: Path, report: Report) -> None:
    done = 0

    def more(clips: int) -> None:
        nonlocal done
        done += clips
        report("writing the manifest and its clips", done, draft.clips)

    place(draft.parts, draft.splitting, root, folder, recipe.release.media, more)


def _write_tables(draft: Draft, beside: Beside, folder: Path) -> None:
    tombstones = TOMBSTONES.empty_table() if beside.tombstones is None else beside.tombstones
    tables = {
        "splits": (draft.splitting.assignments, SPLIT_TABLE, "video_id"),
        "withheld": (draft.splitting.withheld, WITHHELD, "clip_id"),
        "tombstones": (tombstones, TOMBSTONES, "video_id"),
    }
    for name, (table, schema, key) in tables.items():
        stored = table.select(schema.names).cast(schema).sort_by(key)
        pq.write_table(stored, folder / f"{name}.parquet", compression="zstd")
    shutil.copyfile(draft.changes_file, folder / "changes.parquet")


def _write_recipe(recipe: Recipe, folder: Path) -> None:
    effective = recipe.as_run().model_dump(mode="json")
    text = yaml.safe_dump(effective, sort_keys=False, allow_unicode=True, width=110)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")


def _write_json(content: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _certified(
    root: Path, recipe: Recipe, draft: Draft, beside: Beside, folder: Path, scratch: Path
) -> Leakage:
    """The leakage certificate of what was written, which it is put beside.

    Raises:
        ReleaseError: when something leaks.
    """
    earlier = [release.folder / "splits.parquet" for release in releases(root, recipe.name)]
    written = Release(recipe.name, draft.version, folder).files()
    leakage = certify(written, beside.pairs, recipe.splits, recipe.duplicates, earlier, scratch)
    _write_json({**asdict(leakage), "passed": leakage.passed}, folder / "leakage.json")
    leaks = [check for check in leakage.checks if check.done and check.across]
    if leaks:
        counts = (
            f"{check.name}: {check.across} across, e.g. {', '.join(check.examples[:2])}" for check in leaks
        )
        told = "; ".join(counts)
        raise ReleaseError(
            f"{recipe.name} {draft.version}",
            f"would leak from one split into another: {told}",
            "nothing is published; put videos that belong together in one split, or mend the recipe's `splits`",
        )
    return leakage


@contextmanager
def _room_for(folder: Path) -> Iterator[None]:
    """A full disk is an error that says how full."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
        if not full:
            raise
        existing = next(place for place in folder.parents if place.exists())
        raise ReleaseError(
            f"{folder.parent.name} {folder.name}",
            f"the disk is full: {shutil.disk_usage(existing).free / 1e6:.1f} MB are free in {existing}",
            "free some room and run again; nothing of this version was left behind",
        ) from error
