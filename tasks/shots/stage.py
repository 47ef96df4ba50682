"""The stage `shots`: a normalised clip to its shots."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.tables import SHOTS
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.shots.content import find_shots
from tasks.workspace.stage import Context, Item, Produced, Stage, Watcher, alone

_WIDTH = 256
"""PySceneDetect's own program shrinks pictures to about this width before it looks for cuts."""


def seen_size(width: int, height: int) -> tuple[int, int]:
    """Width and height, px, at which a clip of this size is looked at; never more than its own."""
    if width <= _WIDTH:
        return width, height
    return _WIDTH, max(2, round(height * _WIDTH / width / 2) * 2)


def open_watcher(context: Context) -> Watcher:
    """The watcher of a shard."""

    def shots_of(item: Item) -> Reader:
        def consume(batches: Iterator[FrameBatch]) -> Produced:
            shots = find_shots((batch.frames for batch in batches), context.recipe.shots.threshold)
            return Produced(
                [
                    {"clip_id": item.id, "video_id": item.video_id, "start_frame": start, "end_frame": end}
                    for start, end in shots
                ]
            )

        return Reader(View(size=seen_size(item.row["width"], item.row["height"]), colour="bgr"), consume)

    return shots_of


STAGE = Stage(
    name="shots",
    version=2,
    works_on="clip",
    inputs=(),
    schema=SHOTS,
    settings=lambda recipe: recipe.shots.model_dump(mode="json"),
    models=lambda recipe: (),
    open=alone(open_watcher),
    watch=open_watcher,
)
