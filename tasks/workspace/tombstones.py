"""Videos that were taken down: what is left of them, so that they never come back.

tombstones/tombstones.parquet   id, date, checksums of the source files, and whether all else of it is gone
tombstones/reasons.jsonl        why, for the owner of the workspace alone: mode 0600

A version has the id and the date and nothing else. The checksum of a source file is no part of its content and tells
only whether another file is the very same: so a video that comes back under another id is known, if its bytes are
the same. Fingerprints, by which a copy with other bytes would be known, are content, and are not kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.releases import TOMBSTONES
from tasks.workspace.layout import appearing, write_table

STORED = TOMBSTONES.append(pa.field("source_sha256", pa.list_(pa.string()))).append(
    pa.field("erased", pa.bool_())
)


@dataclass(frozen=True)
class Tombstones:
    """What was taken down.

    Attributes:
        dates: video id to the day, YYYY-MM-DD.
        checksums: SHA-256 (hex) of the source files, each to the id under which it was taken down.
        erased: ids of which nothing else is left in the workspace.
    """

    dates: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()

    def of(self, item_id: str) -> str | None:
        """The taken-down video that an id is or belongs to: a video, a clip or a span of it; None for all others."""
        video = item_id.rsplit("_", 2)[0]
        return next((known for known in (item_id, video) if known in self.dates), None)

    def covers(self, video_id: str, sha256: str | None = None) -> bool:
        """Whether a video was taken down, under this id or as a file of these bytes."""
        return video_id in self.dates or (sha256 is not None and sha256 in self.checksums)


def read_tombstones(root: Path) -> pa.Table:
    """Rows of TOMBSTONES, by id, as a version holds them; no rows where nothing was ever taken down."""
    return _stored(root).select(TOMBSTONES.names).cast(TOMBSTONES).sort_by("video_id")


def tombstones(root: Path) -> Tombstones:
    """The same for looking up, with what only the workspace knows."""
    rows = _stored(root).to_pylist()
    return Tombstones(
        dates={row["video_id"]: row["taken_down_on"] for row in rows},
        checksums={sha256: row["video_id"] for row in rows for sha256 in row["source_sha256"]},
        erased=frozenset(row["video_id"] for row in rows if row["erased"]),
    )


def take_down(root: Path, videos: Mapping[str, Sequence[str]], reason: str, today: date) -> list[str]:
    """Note that videos are taken down, on disk when this returns; returns those that were not before.

    Of one that was, the day stays, and further checksums are added.

    Args:
        videos: ids, each with the SHA-256 of the source files that are known of it.
    """
    before = {row["video_id"]: row for row in _stored(root).to_pylist()}
    new = [video for video in videos if video not in before]
    # The reason first: a tombstone without one could never be accounted for.
    _note_reason(root, new, reason, today)
    day = today.isoformat()
    for video, checksums in videos.items():
        row = before.get(video, {"video_id": video, "taken_down_on": day, "source_sha256": []})
        known = sorted({*row["source_sha256"], *checksums})
        before[video] = {**row, "source_sha256": known, "erased": False}
    _write(root, before)
    return new


def note_erased(root: Path, videos: Collection[str]) -> None:
    """Note that nothing else of these videos is left."""
    rows = {row["video_id"]: row for row in _stored(root).to_pylist()}
    _write(root, {video: {**row, "erased": row["erased"] or video in videos} for video, row in rows.items()})


def reasons(root: Path) -> dict[str, str]:
    """Why each video was taken down; of several reasons the first."""
    path = _folder(root) / "reasons.jsonl"
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for line in path.read_bytes().splitlines():
        try:
            noted = json.loads(line)
        except ValueError:  # torn by a kill
            continue
        found.setdefault(noted["video_id"], noted["reason"])
    return found


def _folder(root: Path) -> Path:
    return root / "tombstones"


def _stored(root: Path) -> pa.Table:
    path = _folder(root) / "tombstones.parquet"
    return pq.read_table(path, schema=STORED) if path.exists() else STORED.empty_table()


def _write(root: Path, rows: Mapping[str, Mapping]) -> None:
    ordered = [dict(rows[video]) for video in sorted(rows)]
    with appearing(_folder(root) / "tombstones.parquet") as unfinished:
        write_table(pa.Table.from_pylist(ordered, schema=STORED), unfinished)


def _note_reason(root: Path, videos: Sequence[str], reason: str, today: date) -> None:
    if not videos:
        return
    path = _folder(root) / "reasons.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    notes = [{"video_id": video, "on": today.isoformat(), "reason": reason} for video in videos]
    lines = "\n" * torn + "".join(json.dumps(note, ensure_ascii=False) + "\n" for note in notes)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
