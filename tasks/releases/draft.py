"""The next version of a dataset before it is published: which rows, which splits, and what differs from the last.

Nothing here holds a manifest in memory: rows are in the parts of `tasks.manifests.parts` and are asked about in SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from schemas.recipe import Recipe
from schemas.releases import TOMBSTONES
from tasks.releases.account import Change
from tasks.releases.difference import compare, no_changes
from tasks.releases.folder import Release, latest_release
from tasks.releases.reasons import why_changed, why_gone
from tasks.releases.version import next_version
from tasks.splits import Splitting, split_videos
from tasks.workspace.query import open_database

Explain = Callable[[pa.Table], Mapping[str, str]]
"""What the ledger knows of clips (clip_id, video_id) that are in no version any more: a reason for each."""


@dataclass(frozen=True)
class Draft:
    """The next version, ready to be published.

    Attributes:
        parts: files of `tasks.manifests.parts.PART`, in the order in which their rows are published.
        splitting: the split of every video, and the clips that no version may hold.
        changes: how many clips underwent what; empty for a first version.
        changes_file: the same clip by clip (CHANGES), in the scratch folder.
        before: the version that it follows.
        clips: how many it holds, and `milliseconds` how long they are together.
    """

    version: str
    parts: Sequence[Path]
    splitting: Splitting
    changes: Sequence[Change]
    changes_file: Path
    before: Release | None
    clips: int
    milliseconds: int


def draft_release(
    root: Path,
    recipe: Recipe,
    parts: Sequence[Path],
    scratch: Path,
    pairs: Path | None = None,
    tombstones: pa.Table | None = None,
    explain: Explain | None = None,
    split: Callable[..., Splitting] = split_videos,
) -> Draft | None:
    """The next version of a dataset, or None when there is nothing to release or nothing changed.

    Args:
        parts: of all complete shards.
        scratch: a folder for what is made on the way; it must be there until the draft is published.
        pairs: clips that are alike (PAIRS); None where the recipe does not look for them.
        tombstones: videos that were taken down (TOMBSTONES).
        explain: why clips of the version before are in no part any more.
    """
    before = latest_release(root, recipe.name)
    fixed = _fixed(before) if before else None
    splitting = split(parts, fixed, pairs, recipe.splits, scratch)
    changes_file = scratch / "changes.parquet"
    with open_database(scratch, old=before.files() if before else [], parts=parts) as database:
        clips, milliseconds = new_rows(database, splitting)
        if not clips:
            return None
        if before is None:
            no_changes(changes_file)
            changes: list[Change] = []
        else:
            _complete(database, before)
            taken_down = TOMBSTONES.empty_table() if tombstones is None else tombstones
            gone = why_gone(taken_down, splitting.withheld, explain or _unexplained)
            changes = compare(database, changes_file, gone, why_changed(recipe_of(before), recipe))
    if before is not None and not changes:
        return None
    version = next_version(before.version if before else None, {change.change for change in changes})
    return Draft(version, tuple(parts), splitting, tuple(changes), changes_file, before, clips, milliseconds)


def new_rows(database: duckdb.DuckDBPyConnection, splitting: Splitting) -> tuple[int, int]:
    """Make the view `new`, the rows that will be published with their split; returns clips and milliseconds."""
    if not database.sql("SELECT 1 FROM duckdb_views() WHERE view_name = 'parts'").fetchall():
        return 0, 0
    database.register("assigned", splitting.assignments.select(["video_id", "split"]))
    database.register("withheld", splitting.withheld.select(["clip_id"]))
    database.execute(
        "CREATE VIEW new AS SELECT parts.* EXCLUDE (file), assigned.split FROM parts JOIN assigned USING (video_id) "
        "ANTI JOIN withheld ON parts.clip_id = withheld.clip_id"
    )
    return database.sql("SELECT count(*), coalesce(sum(duration_ms), 0)::BIGINT FROM new").fetchall()[0]


def recipe_of(release: Release) -> Mapping[str, Any] | None:
    """What a version's recipe.yaml says; None if it has none that can be read."""
    try:
        found = yaml.safe_load((release.folder / "recipe.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None


def _fixed(before: Release) -> pa.Table:
    """The splits that the version before gave (SPLIT_TABLE); of one that knew no kin, each video is its own."""
    table = pq.read_table(before.folder / "splits.parquet")
    return table if "kin" in table.column_names else table.append_column("kin", table["video_id"])


def _complete(database: duckdb.DuckDBPyConnection, before: Release) -> None:
    """An empty view `old` where the version before has no file; a version without clips is never published."""
    if not before.files():
        database.execute("CREATE VIEW old AS SELECT * FROM new LIMIT 0")


def _unexplained(clips: pa.Table) -> dict[str, str]:
    return dict.fromkeys(clips["clip_id"].to_pylist(), "source_gone")
