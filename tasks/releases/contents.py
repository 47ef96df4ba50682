"""What a published version holds, in numbers, for people who look at it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.releases.between import counts_of
from tasks.releases.checksums import file_names
from tasks.releases.folder import Release
from tasks.workspace.query import open_database


@dataclass(frozen=True)
class Numbers:
    """Of a part of a version, or of all of it; milliseconds of labels are parts of `milliseconds`."""

    name: str
    videos: int
    clips: int
    milliseconds: int
    talking_head_ms: int
    voice_over_ms: int
    bytes: int


@dataclass(frozen=True)
class Contents:
    """A version in numbers.

    Attributes:
        published: the date on its documents; null if those cannot be read.
        changes: what differs from the version before: (what, clips, milliseconds).
        beside_bytes: tables and documents; clips are counted in `bytes` of the numbers.
        leakage: as in leakage.json; empty if it cannot be read.
    """

    release: Release
    published: str | None
    whole: Numbers
    splits: Sequence[Numbers]
    channels: Sequence[Numbers]
    changes: Sequence[tuple[str, int, int]]
    beside_bytes: int
    leakage: Mapping[str, Any]


def contents_of(release: Release, scratch: Path, channels: bool = False) -> Contents:
    """Count what a version holds.

    Args:
        channels: whether to count by channel as well.
    """
    with open_database(scratch, clips=release.files()) as database:

        def counted(by: str, order: str) -> list[Numbers]:
            found = database.sql(
                f"SELECT {by} AS name, count(DISTINCT video_id), count(*), sum(duration_ms)::BIGINT, "
                "sum(talking_head_ms)::BIGINT, sum(voice_over_ms)::BIGINT, sum(bytes)::BIGINT "
                f"FROM clips GROUP BY name ORDER BY {order}"
            ).fetchall()
            return [Numbers(*row) for row in found]

        (whole,) = counted("'all'", "name")
        splits = counted("split", "sum(duration_ms) DESC, name")
        by_channel = counted("channel", "sum(duration_ms) DESC, name") if channels else []
        changes = counts_of(release, database)
    beside = sum((release.folder / name).stat().st_size for name in file_names(release.folder, clips=False))
    return Contents(
        release,
        _read(release.folder / "croissant.json").get("datePublished"),
        whole,
        splits,
        by_channel,
        changes,
        beside,
        _read(release.folder / "leakage.json"),
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
