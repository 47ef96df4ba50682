"""A version whose clips flash and beep: what an export of it shows and plays can be held against known times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import MANIFEST
from schemas.sections import SPLITS, Media
from tasks.media import NormalizedClip, normalize
from tasks.releases.folder import Release
from tasks.scenes.flash import flash_and_beep

EVERY_S = 1.92
"""Between two events: 48 frames; no two offsets of 0.2 s steps are a multiple of it apart."""


@dataclass(frozen=True)
class Flashing:
    """A source of the version, and what its rows say beside.

    Attributes:
        clip_s: how long its clips are.
        short_side: of its clips, px.
    """

    video_id: str
    split: str
    seconds: float
    clip_s: int = 40
    short_side: int = 256
    label: str | None = None
    licence: str | None = "CC BY 4.0"
    channel: str = "NFL"


SOURCES = (
    Flashing("youtube-abcDEF_-123", "train", 61.0, label="dog, barking"),
    Flashing("file-0123456789abcdef", "dev", 36.0, short_side=128, label="dog, barking"),
    Flashing("vimeo-77", "test", 49.6, label="dog, barking"),
    Flashing("vimeo-78", "train", 9.4, label="only here"),
    Flashing("vimeo-79", "test", 8.96, label="dog, barking"),
    Flashing("youtube-brokenABCDE", "test", 40.0, label="only there", channel="unbroken"),
    Flashing("vimeo-81", "dev", 10.0, label="rare"),
    Flashing("vimeo-80", "train", 12.0, label="dog, barking", licence="all rights reserved"),
)
"""One of each kind: of many windows, of another size, too short for one layout or for both, not to be passed on."""


def flashing_version(folder: Path, sources: Sequence[Flashing] = SOURCES) -> Release:
    """Make a version folder with a clip for every `clip_s` of each source."""
    rows = [row for source in sources for row in _rows(folder, source)]
    for split in SPLITS:
        (folder / "data" / split).mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([row for row in rows if row["split"] == split], schema=MANIFEST)
        pq.write_table(table, folder / "data" / split / "part-00000.parquet")
    return Release("flashing", "1.0.0", folder)


def _rows(folder: Path, source: Flashing) -> list[dict[str, Any]]:
    recording = folder / f"{source.video_id}.mkv"
    folder.mkdir(parents=True, exist_ok=True)
    events = [1.0 + EVERY_S * number for number in range(int((source.seconds - 1.2) / EVERY_S) + 1)]
    flash_and_beep(recording, source.seconds, 25, 48_000, events, size=(64, 64))
    media = Media(
        clip_length=f"{source.clip_s} s", short_side=f"{source.short_side} px", crf=30, preset="ultrafast"
    )
    clips = folder / "media" / source.video_id
    made = normalize(
        recording, None, media, clips, name=lambda start, end: f"{source.video_id}_{start}_{end}.mp4"
    )
    recording.unlink()
    return [_row(source, clip) for clip in made.clips]


def _row(source: Flashing, clip: NormalizedClip) -> dict[str, Any]:
    return {
        **{field.name: None for field in MANIFEST},
        "clip_id": clip.path.stem,
        "video_id": source.video_id,
        "split": source.split,
        "channel": source.channel,
        "path": f"media/{source.video_id}/{clip.path.name}",
        "bytes": clip.bytes,
        "duration_ms": clip.duration_ms,
        "width": clip.width,
        "height": clip.height,
        "source_start_ms": clip.source_start_ms,
        "source_end_ms": clip.source_end_ms,
        "source_licence": source.licence,
        "list_label": source.label,
        "audio_events": [],
    }
