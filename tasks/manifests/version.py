"""The version of a release follows from what changed; it is never typed.

Croissant's rule: patch for the same data with better metadata, minor for data added, major for data
changed, removed or moved between splits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.workspace.stage import Row

METADATA = (
    "source_licence", "source_published", "source_url", "downloader", "decoder", "encoder", "models", "reviewers",
    "review_votes", "review_findings", "review_agreement", "adjudicator",
)  # fmt: skip
"""Columns that say where a row comes from and who judged it; a change in them alone changes no data."""


@dataclass(frozen=True)
class Difference:
    """Clip ids that differ between two versions, by what happened to them."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    described: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.moved, self.changed, self.described))


def compare(old: Mapping[str, Row], new: Mapping[str, Row]) -> Difference:
    """What happened between two manifests, each a mapping of clip id to row."""
    both = sorted(old.keys() & new.keys())
    moved = [clip for clip in both if old[clip]["split"] != new[clip]["split"]]
    differing = [clip for clip in both if old[clip] != new[clip] and clip not in set(moved)]
    changed = [clip for clip in differing if _data(old[clip]) != _data(new[clip])]
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        moved=tuple(moved),
        changed=tuple(changed),
        described=tuple(sorted(set(differing) - set(changed))),
    )


def next_version(version: str | None, difference: Difference) -> str:
    """The version after `version` (None: the first, 1.0.0) for a difference that is not empty."""
    if version is None:
        return "1.0.0"
    major, minor, patch = map(int, version.split("."))
    if difference.removed or difference.moved or difference.changed:
        return f"{major + 1}.0.0"
    if difference.added:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def _data(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in METADATA}
