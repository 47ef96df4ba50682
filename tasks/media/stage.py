"""The stage `normalize`: from a downloaded source to its clips in the workspace."""

from __future__ import annotations

import re

from schemas.certificate import columns
from schemas.errors import MediaError, Unavailable
from schemas.recipe import Recipe, digest
from schemas.sections import Media
from schemas.tables import CLIPS
from tasks.media.cut import Segment
from tasks.media.hardware import encoder_name
from tasks.media.normalize import normalize
from tasks.media.omissions import Omission
from tasks.media.onepass import NormalizedClip
from tasks.media.probe import ffmpeg_version
from tasks.workspace.stage import Context, Item, LeftOut, Produced, Row, Stage, Worker

_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def open_worker(context: Context) -> Worker:
    """A worker that normalises one source.

    Clips go to `clips/<video_id>/<clip_id>-<key>.mp4`, the key being that of the media settings: a changed
    recipe writes new files and never touches those that a release names.

    Raises:
        ToolMissing: ffmpeg is not installed.
    """
    ffmpeg_version()
    media = context.recipe.media
    key = digest(made_by(media))[:8]

    def work(item: Item) -> Produced:
        if not _SAFE_ID.fullmatch(item.video_id):
            raise MediaError(
                item.video_id, "is no id that can name a folder", "use letters, digits, '-', '_', '.'"
            )
        return _work(context, item, media, key)

    return work


def made_by(media: Media) -> Row:
    """The settings that decide a clip's bytes: the encoder that is really used, and not where it is decoded."""
    return {**media.model_dump(mode="json", exclude={"decoder"}), "encoder": encoder_name(media.encoder)}


def _work(context: Context, item: Item, media: Media, key: str) -> Produced:
    source = context.media(item.records["download"][0]["path"])
    if not source.is_file():
        raise Unavailable("file_gone", f"{source.name} is no longer where the record has it")
    segments = _segments(item, context.recipe)
    made = normalize(
        source,
        segments,
        media,
        context.root / "clips" / item.video_id,
        name=lambda start_ms, end_ms: f"{_part_id(item, start_ms, end_ms)}-{key}.mp4",
    )
    rows = [_row(context, item, clip) for clip in made.clips]
    return Produced(rows, tuple(_left_out(item, span) for span in made.left_out))


def _segments(item: Item, recipe: Recipe) -> list[Segment] | None:
    """The moments that were found, where the recipe cuts around such; else what a list names, or None for all."""
    listed = item.row.get("segments") if recipe.moments is None else item.records["moments"]
    return None if listed is None else [_segment(span) for span in listed]


def _segment(span: Row) -> Segment:
    return Segment(span["start_ms"], span["end_ms"], span.get("label"), span.get("split"))


def _part_id(item: Item, start_ms: int, end_ms: int) -> str:
    return f"{item.video_id}_{start_ms}_{end_ms}"


def _row(context: Context, item: Item, clip: NormalizedClip) -> Row:
    identity = {
        "clip_id": _part_id(item, clip.source_start_ms, clip.source_end_ms),
        "video_id": item.video_id,
        "path": clip.path.relative_to(context.root).as_posix(),
    }
    kept = (
        "bytes",
        "source_start_ms",
        "source_end_ms",
        "duration_ms",
        "width",
        "height",
        "label",
        "list_split",
    )
    return {**identity, **{name: getattr(clip, name) for name in kept}, **columns(clip.certificate)}


def _left_out(item: Item, span: Omission) -> LeftOut:
    part = _part_id(item, span.start_ms, span.end_ms)
    return LeftOut(part, span.reason, span.detail, span.length_ms)


STAGE = Stage(
    name="normalize",
    version=3,
    works_on="video",
    inputs=("download", "moments"),
    schema=CLIPS,
    settings=lambda recipe: made_by(recipe.media),
    models=lambda recipe: (),
    open=open_worker,
)
