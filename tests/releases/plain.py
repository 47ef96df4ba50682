"""The plain way to compare two manifests, all rows in memory: what the SQL is measured against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from schemas.manifest import MANIFEST
from tasks.releases.difference import RELABELLED
from tasks.releases.version import METADATA
from tasks.workspace.stage import Row


def changes_between(
    old: Sequence[Row], new: Sequence[Row], old_columns: Sequence[str], new_columns: Sequence[str]
) -> list[tuple]:
    """(clip, change, split before and after, columns, relabelled) of each clip that differs, by clip."""
    before, after = ({row["clip_id"]: row for row in rows} for rows in (old, new))
    known = set(old_columns) & set(new_columns)
    changes = []
    for clip in sorted(before.keys() | after.keys()):
        one, other = before.get(clip), after.get(clip)
        if one is None or other is None:
            sides = (one and one["split"], other and other["split"])
            changes.append((clip, "added" if one is None else "removed", *sides, [], False))
            continue
        columns = _differing(one, other)
        if columns:
            changes.append(
                (clip, _change(columns, known), one["split"], other["split"], columns, _relabels(columns))
            )
    return changes


def counted(changes: Sequence[tuple]) -> Mapping[str, int]:
    return Counter(change for _, change, *_ in changes)


def _differing(one: Row, other: Row) -> list[str]:
    names = ["split", *(name for name in MANIFEST.names if name not in ("clip_id", "split", "path"))]
    return sorted(name for name in names if one.get(name) != other.get(name))


def _change(columns: Sequence[str], known: set[str]) -> str:
    if "split" in columns:
        return "moved"
    data = set(columns) & known - METADATA
    return "changed" if data else "described"


def _relabels(columns: Sequence[str]) -> bool:
    return bool(set(columns) & set(RELABELLED))
