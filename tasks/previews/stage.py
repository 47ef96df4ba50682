"""The stage `previews`: a normalised clip to a contact sheet in the workspace."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from schemas.errors import AnalysisError
from schemas.sections import Previews
from schemas.tables import PREVIEWS
from schemas.units import frame_to_ms
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.previews.sheet import contact_sheet, encoded, frames_to_show, tile_of
from tasks.workspace.layout import appearing
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Watcher, alone

_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


def open_watcher(context: Context) -> Watcher:
    """The watcher of a shard.

    Sheets go to `previews/<video_id>/<clip_id>-<key>.jpg`, the key being that of their content: a sheet that a
    record names is never replaced by another. The watcher raises AnalysisError for an id that can name no file.
    """
    settings = context.recipe.previews

    def sheet_of(item: Item) -> Reader:
        for name in (item.id, item.video_id):
            if not _SAFE_ID.fullmatch(name):
                raise AnalysisError(
                    name, "is no id that can name a file", "use letters, digits, '-', '_', '.'"
                )
        wanted = frames_to_show(item.row["frames"], settings.columns * settings.rows)

        def consume(batches: Iterator[FrameBatch]) -> Produced:
            tiles = {
                int(number): tile_of(frame, settings.width)
                for batch in batches
                for number, frame in zip(batch.numbers, batch.frames, strict=True)
                if number in wanted
            }
            return Produced([_stored(context.root, item, tiles, settings)])

        # All frames, though few are shown: so the arrays are those that `shots` is given.
        return Reader(View(colour="bgr"), consume)

    return sheet_of


def _stored(root: Path, item: Item, tiles: dict, settings: Previews) -> Row:
    """Draw the sheet and write it; returns its record."""
    sheet = contact_sheet(tiles, settings.columns)
    jpeg = encoded(sheet)
    sha256 = hashlib.sha256(jpeg).hexdigest()
    path = root / "previews" / item.video_id / f"{item.id}-{sha256[:8]}.jpg"
    with appearing(path) as unfinished:
        unfinished.write_bytes(jpeg)
    return {
        "clip_id": item.id,
        "video_id": item.video_id,
        "path": path.relative_to(root).as_posix(),
        "sha256": sha256,
        "bytes": len(jpeg),
        "width": sheet.shape[1],
        "height": sheet.shape[0],
        "times_ms": [frame_to_ms(number) for number in sorted(tiles)],
    }


STAGE = Stage(
    name="previews",
    version=1,
    works_on="clip",
    inputs=(),
    schema=PREVIEWS,
    settings=lambda recipe: recipe.previews.model_dump(mode="json"),
    models=lambda recipe: (),
    open=alone(open_watcher),
    watch=open_watcher,
)
