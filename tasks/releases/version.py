"""The version of a release follows from what changed; it is never typed.

Croissant's rule: patch for the same data with better metadata, minor for data added, major for data
changed, removed or moved between splits.
"""

from __future__ import annotations

from collections.abc import Collection

METADATA = frozenset((
    "source_licence", "source_published", "source_url", "downloader", "decoder", "encoder", "models", "reviewers",
    "review_votes", "review_findings", "review_agreement", "adjudicator", "list_split",
))  # fmt: skip
"""Columns that say where a row comes from and who judged it; a change in them alone changes no data."""

KINDS = ("removed", "moved", "changed", "added", "described")
"""What can happen to a clip between two versions, what weighs most first."""


def next_version(version: str | None, kinds: Collection[str]) -> str:
    """The version after `version` (None: the first, 1.0.0), given the kinds of change that happened; one at least."""
    if version is None:
        return "1.0.0"
    major, minor, patch = map(int, version.split("."))
    if {"removed", "moved", "changed"} & {*kinds}:
        return f"{major + 1}.0.0"
    if "added" in kinds:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
