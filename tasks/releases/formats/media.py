"""Clips beside a version's tables or within them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import pyarrow as pa

from schemas.errors import MediaError, ReleaseError
from schemas.publishing import MediaForm
from tasks.releases.formats.features import schema_of

BYTES_IN_GROUP = 64_000_000
"""Of clips, in a group of rows that holds them: what one reads at once to stream."""

ClipSource = Path | bytes | None
"""Where a clip's bytes are: in a file, here, or not to be had."""


def media_path(split: str, video_id: str, clip_id: str) -> str:
    """Where a clip of a version lies, relative to the version's folder: below the tables of its split."""
    return f"data/{split}/media/{video_id}/{clip_id}.mp4"


def cut_by_bytes(batch: pa.RecordBatch, most_bytes: int = BYTES_IN_GROUP) -> Iterator[pa.RecordBatch]:
    """The batch in pieces whose clips have at most `most_bytes` together, or are one clip."""
    start = held = 0
    for number, size in enumerate(batch["bytes"].to_pylist()):
        if number > start and held + size > most_bytes:
            yield batch.slice(start, number - start)
            start, held = number, 0
        held += size
    if start < batch.num_rows:
        yield batch.slice(start)


def with_media(
    batch: pa.RecordBatch,
    clips: Sequence[ClipSource],
    media: MediaForm,
    shown: Sequence[bool] | None = None,
) -> pa.RecordBatch:
    """Rows of the manifest with what `schema_of(media)` adds to them; `path` is set accordingly.

    Args:
        batch: columns of MANIFEST, `split` among them; small enough for memory with its clips if they go inside.
        clips: each row's clip; not opened, and may be empty, unless they go inside.
        shown: for each row whether its clip may be given; the others are by reference. None: all may.

    Raises:
        ReleaseError: a clip's file is gone or has changed size.
        MediaError: a clip has no sound that can be copied.
    """
    schema = schema_of(media)
    columns = {field.name: batch[field.name] for field in batch.schema if field.name in schema.names}
    shown = [media != "reference"] * batch.num_rows if shown is None else shown
    columns["path"] = pa.nulls(batch.num_rows, pa.string())
    if media == "path":
        names = ("split", "video_id", "clip_id")
        paths = [media_path(*ids) for ids in zip(*(batch[name].to_pylist() for name in names), strict=True)]
        given = [path if show else None for path, show in zip(paths, shown, strict=True)]
        columns["path"] = pa.array(given, pa.string())
        columns["video_file_name"] = columns["audio_file_name"] = pa.array(
            [path and path.split("/", 2)[2] for path in given], pa.string()
        )
    if media == "inside":
        given = [clip if show else None for clip, show in zip(clips, shown, strict=True)]
        columns["video"], columns["audio"] = _contents(batch, given, schema)
    absent = {field.name: field.type for field in schema if field.name not in columns}
    columns |= {name: pa.nulls(batch.num_rows, kind) for name, kind in absent.items()}
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _contents(
    batch: pa.RecordBatch, clips: Sequence[ClipSource], schema: pa.Schema
) -> tuple[pa.Array, pa.Array]:
    pictures, sounds = [], []
    ids, sizes = batch["clip_id"].to_pylist(), batch["bytes"].to_pylist()
    for clip_id, size, clip in zip(ids, sizes, clips, strict=True):
        content = None if clip is None else read_clip(clip_id, clip, size)
        sound = None if content is None else sound_of(clip_id, content)
        pictures.append(content and {"bytes": content, "path": f"{clip_id}.mp4"})
        sounds.append(sound and {"bytes": sound, "path": f"{clip_id}.m4a"})
    return pa.array(pictures, schema.field("video").type), pa.array(sounds, schema.field("audio").type)


def read_clip(clip_id: str, clip: Path | bytes, size: int) -> bytes:
    """A clip's file, which must be there and have the size that its row says.

    Raises:
        ReleaseError: it is gone or has changed size.
    """
    gone = isinstance(clip, Path) and not clip.is_file()
    content = None if gone else clip.read_bytes() if isinstance(clip, Path) else clip
    if content is None or len(content) != size:
        found = "is gone" if content is None else f"has {len(content)}"
        raise ReleaseError(
            clip_id,
            f"its file should have {size} bytes and {found}",
            "`clapper release verify` names all files that are not as they were published",
        )
    return content


def sound_of(clip_id: str, content: bytes) -> bytes:
    """The sound of a clip as a file of its own: the same packets at the same times, start and edit list included.

    Nothing is decoded or encoded, so decoders hand out the same samples at the same times as from the clip.

    Raises:
        MediaError: there is no sound, or the file cannot be read.
    """
    target = io.BytesIO()
    try:
        with (
            av.open(io.BytesIO(content)) as source,
            av.open(target, "w", format="mp4", container_options={"fflags": "+bitexact"}) as sink,
        ):
            stream = source.streams.audio[0]
            copy = sink.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is not None:  # the last one is empty and only says that there are no more
                    packet.stream = copy
                    sink.mux(packet)
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(
            clip_id, f"its sound cannot be copied: {error}", "normalise its video again"
        ) from error
    return target.getvalue()
