"""Export as Parquet: the tables of a version again, with clips in the form that is asked for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from schemas.publishing import MediaForm
from tasks.releases.folder import Release
from tasks.releases.formats.exported import (
    NO_MEDIA,
    NOT_TO_BE_PASSED_ON,
    Clip,
    Exported,
    Options,
    Tally,
    clips_of,
    media_form,
    withheld,
)
from tasks.releases.formats.media import ClipSource, media_path
from tasks.releases.formats.tables import write_tables


def write_parquet(release: Release, out: Path, options: Options) -> Exported:
    """Write data/<split>/part-*.parquet and, for `path`, the clips below them.

    Rows whose clips may not be passed on are there by reference. The tables stream; nothing is decoded.

    Raises:
        ReleaseError: the version has no clips and some are asked for, or a clip's file is not as it was.
    """
    has = media_form(release)
    media = options.media or has
    if has == "reference" and media != "reference":
        raise ReleaseError(
            f"{release.dataset} {release.version}",
            f"has its clips by reference alone, and they are asked for as `{media}`",
            "export it with `--media reference`",
        )
    tally = Tally()
    if media == "path":
        _place_clips(release, out, options)
    for split in options.splits:
        write_tables(
            _counted(release, split, options, has, media, tally),
            out / "data" / split,
            media,
            lambda group: _sources(group, release, has),
            lambda group: _shown(group, options),
        )
    return tally.exported(by_reference=True)


def _place_clips(release: Release, out: Path, options: Options) -> None:
    for clip in clips_of(release, options):
        if withheld(clip.row, options) is None:
            target = out / media_path(*(clip.row[name] for name in ("split", "video_id", "clip_id")))
            target.parent.mkdir(parents=True, exist_ok=True)
            place(clip, target)
        options.advance(clip.row["duration_ms"])


def place(clip: Clip, target: Path) -> None:
    """Put a clip's file somewhere: a hard link if it can be one, else a copy.

    Raises:
        ReleaseError: its file is gone or has changed size.
    """
    if clip.file is None or not clip.file.is_file() or clip.file.stat().st_size != clip.row["bytes"]:
        target.write_bytes(clip.read())
        return
    try:
        os.link(clip.file, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(clip.file, target)


def rows_of(
    release: Release, split: str, options: Options, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of a split that an export asks for, some at a time; columns that the version has not are left out."""
    left = options.limit
    for file in release.files():
        if file.parent.name != split or left == 0:
            continue
        table = pq.ParquetFile(file)
        known = [name for name in columns if name in table.schema_arrow.names]
        for batch in _pieces(table, known):
            batch = batch if left is None else batch.slice(0, left)
            left = None if left is None else left - batch.num_rows
            if batch.num_rows:
                yield batch


def _pieces(table: pq.ParquetFile, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Rows as they are grouped; such a group is small enough for memory with its clips."""
    for number in range(table.num_row_groups):
        yield from table.read_row_group(number, columns=columns).combine_chunks().to_batches()


def _counted(
    release: Release, split: str, options: Options, has: MediaForm, media: MediaForm, tally: Tally
) -> Iterator[pa.RecordBatch]:
    """The rows to write, with the clips beside them if those stay inside; each counted as it goes by."""
    columns = [*MANIFEST.names, *(("video",) if has == media == "inside" else ())]
    for batch in rows_of(release, split, options, columns):
        reason = NO_MEDIA if media == "reference" else NOT_TO_BE_PASSED_ON
        shown = _shown(batch, options) if media != "reference" else [False] * batch.num_rows
        durations = batch["duration_ms"].to_pylist()
        for show, milliseconds in zip(shown, durations, strict=True):
            tally.add(None if show else reason, milliseconds)
        yield batch
        if media != "path":  # there, it advanced as the clips were placed
            options.advance(sum(durations))


def _shown(batch: pa.RecordBatch, options: Options) -> list[bool]:
    licences = batch["source_licence"].to_pylist()
    free = {licence: withheld({"source_licence": licence}, options) is None for licence in set(licences)}
    return [free[licence] for licence in licences]


def _sources(group: pa.RecordBatch, release: Release, has: MediaForm) -> list[ClipSource]:
    if has == "inside":
        return [video and video["bytes"] for video in group["video"].to_pylist()]
    return [path and release.folder / path for path in group["path"].to_pylist()]
