"""Write rows of the manifest, with or without their clips, as Parquet that streams well; equal rows, equal files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.publishing import MediaForm
from tasks.releases.formats.features import schema_of
from tasks.releases.formats.media import ClipSource, cut_by_bytes, with_media
from tasks.releases.tables import ROWS_IN_A_GROUP, evenly

ROWS_IN_FILE = 13 * ROWS_IN_A_GROUP
"""Some readers take a file at once."""
BYTES_IN_FILE = 400_000_000
"""Where a file ends that holds clips: with the group in which its bytes reach this."""


def write_tables(
    batches: Iterable[pa.RecordBatch],
    folder: Path,
    media: MediaForm,
    clips_of: Callable[[pa.RecordBatch], Sequence[ClipSource]],
    shown_of: Callable[[pa.RecordBatch], Sequence[bool]] | None = None,
) -> list[Path]:
    """Write the rows of one split as part-00000.parquet and so on; no rows make no file.

    The files are the same however the rows are cut into batches, unless these bring their clips along. Memory holds
    one group (10,000 rows, or 64 MB of clips) beside a batch of the input.

    Args:
        batches: columns of MANIFEST; columns beside them are for `clips_of` and are not written.
        folder: data/<split>; made if it is not there.
        clips_of: where the clips of a batch are; asked only if they go inside.
        shown_of: whose clips may be given; the others are by reference. None: all.

    Returns:
        The files, in order.

    Raises:
        ReleaseError, MediaError: see `with_media`; files that were begun are left behind.
    """
    written: list[Path] = []
    writer: pq.ParquetWriter | None = None
    rows = held = 0
    try:
        for group in _groups(batches, inside=media == "inside"):
            if writer is None:
                folder.mkdir(parents=True, exist_ok=True)
                written.append(folder / f"part-{len(written):05d}.parquet")
                writer, rows, held = _open(written[-1], media), 0, 0
            clips = clips_of(group) if media == "inside" else ()
            complete = with_media(group, clips, media, shown_of(group) if shown_of else None)
            writer.write_batch(complete, row_group_size=ROWS_IN_A_GROUP)
            rows, held = rows + group.num_rows, held + (complete.nbytes if media == "inside" else 0)
            if rows >= ROWS_IN_FILE or held >= BYTES_IN_FILE:
                writer.close()
                writer = None
    finally:
        if writer is not None:
            writer.close()
    return written


def _groups(batches: Iterable[pa.RecordBatch], inside: bool) -> Iterator[pa.RecordBatch]:
    """The same rows in groups of 10,000; with clips, of as many as have at most 64 MB of them, one at least.

    Rows that bring their clips along come in such groups already, which are not joined: memory could not hold them.
    """
    some = iter(batches)
    for first in some:
        rest = chain([first], some)
        even = rest if "video" in first.schema.names else _even(rest, first.schema)
        for group in even:
            yield from cut_by_bytes(group) if inside else (group,)


def _even(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for table in evenly(batches, schema, ROWS_IN_A_GROUP):
        yield from table.combine_chunks().to_batches()


def _open(file: Path, media: MediaForm) -> pq.ParquetWriter:
    """A writer, zstd; clips, which do not shrink, are stored as they are."""
    schema = schema_of(media)
    clips = ("video.bytes", "audio.bytes") if media == "inside" else ()
    columns = [column for field in schema for column in _leaves(field.name, field.type)]
    return pq.ParquetWriter(
        file,
        schema,
        compression={column: "none" if column in clips else "zstd" for column in columns},
        use_dictionary=[column for column in columns if column not in clips],
        write_statistics=[column for column in columns if column not in clips],
    )


def _leaves(name: str, kind: pa.DataType) -> Iterator[str]:
    """The paths of a field's leaves, as Parquet names them."""
    if pa.types.is_struct(kind):
        for child in kind:
            yield from _leaves(f"{name}.{child.name}", child.type)
    elif pa.types.is_map(kind):
        yield from _leaves(f"{name}.key_value.key", kind.key_type)
        yield from _leaves(f"{name}.key_value.value", kind.item_type)
    elif pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    else:
        yield name
