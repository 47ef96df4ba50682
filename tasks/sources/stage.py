"""The stage `download`: brings each video of the catalogue within reach and says what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from schemas.errors import Dropped, Unavailable
from schemas.recipe import Recipe
from schemas.tables import SOURCES
from schemas.units import to_ms
from tasks.media import probe
from tasks.sources.admission import refusal
from tasks.sources.download import download
from tasks.sources.forget import forget
from tasks.sources.hashes import FileHashes
from tasks.sources.site import read_cookies
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker
from tasks.workspace.tombstones import tombstones


def open_worker(context: Context) -> Worker:
    """The worker of a shard.

    It raises Dropped (`empty_file`, `taken_down`, or the recipe refuses the video), Unavailable (`file_gone`,
    `file_changed`, `removed`, `private` …), SourceError (for now) and MediaError (the file cannot be read).

    Raises:
        RecipeError: the recipe's cookies file cannot be read.
    """
    read_cookies(context.recipe.download)
    hashes = FileHashes(context.root)

    def work(item: Item) -> Produced:
        is_local = item.row["kind"] == "files"
        row = _local(item.row, hashes) if is_local else _downloaded(item.row, context, hashes)
        media = context.media(row["path"])
        return Produced(rows=[_probed(row, media, context.recipe)])

    return work


def _local(row: Row, hashes: FileHashes) -> Row:
    path = Path(row["location"])
    try:
        size = path.stat().st_size
        if size == 0 and row["bytes"] == 0:
            raise Dropped("empty_file", f"{path}: 0 bytes")
        sha256 = hashes.sha256(path)
    except OSError as error:
        raise Unavailable("file_gone", f"{path}: {error.strerror}") from error
    if sha256 != row["sha256"]:
        raise Unavailable(
            "file_changed", f"{path}: {size} bytes now, {row['bytes']} bytes when it was discovered"
        )
    facts = dict.fromkeys(("url", "uploader", "published", "tool"))
    return {
        "video_id": row["video_id"],
        "path": str(path),
        "sha256": sha256,
        "bytes": size,
        "licence": row["licence"],
        **facts,
    }


def _downloaded(row: Row, context: Context, hashes: FileHashes) -> Row:
    got = download(row, context.recipe, context.root, hashes)
    if tombstones(context.root).covers(row["video_id"], got.sha256):
        forget(context.root, [row["video_id"]], [got.sha256])
        raise Dropped("taken_down", "the file has the bytes of a video that was taken down")
    return {"video_id": row["video_id"], **{name: getattr(got, name) for name in got.__dataclass_fields__}}


def _probed(row: Row, media: Path, recipe: Recipe) -> Row:
    """The record with what the file itself says, which has the last word on what the recipe takes."""
    info = probe(media)
    if info.video is None or info.audio is None:
        missing = "video" if info.video is None else "audio"
        raise Dropped(f"no_{missing}", f"{info.container} without {missing}")
    lengths = [stream.duration for stream in (info.video, info.audio) if stream.duration]
    duration_ms = info.duration_ms or (to_ms(max(lengths)) if lengths else None)
    refused = refusal(
        recipe.admission, duration_ms=duration_ms, height=info.video.height, licence=row["licence"]
    )
    if refused:
        raise refused
    return row | {
        "container": info.container,
        "duration_ms": duration_ms,
        "width": info.video.width,
        "height": info.video.height,
        "frame_rate": str(info.video.frame_rate) if info.video.frame_rate else None,
        "video_codec": info.video.codec,
        "audio_codec": info.audio.codec,
        "sample_rate": info.audio.sample_rate,
        "audio_channels": info.audio.channels,
    }


def _settings(recipe: Recipe) -> dict[str, Any]:
    # max_per_channel decides how far a listing is read, never what a video gives.
    admission = recipe.admission.model_dump(mode="json", exclude={"max_per_channel"})
    return {"admission": admission, "max_height": recipe.download.max_height}


STAGE = Stage(
    name="download",
    version=1,
    works_on="video",
    inputs=(),
    schema=SOURCES,
    settings=_settings,
    models=lambda recipe: (),
    open=open_worker,
)
