"""The stage `motion`: a normalised clip to its brightness and change, second by second."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.tables import MOTION
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.motion.measure import Second, measure
from tasks.workspace.stage import Context, Item, Produced, Stage, Watcher, alone

_SIZE = (64, 36)
"""Whatever the clip's shape: shares of the picture do not depend on it."""


def open_watcher(context: Context) -> Watcher:
    """The watcher of a shard."""

    def motion_of(item: Item) -> Reader:
        def consume(batches: Iterator[FrameBatch]) -> Produced:
            seconds = measure((batch.frames for batch in batches), context.recipe.motion)
            columns = {name: [getattr(second, name) for second in seconds] for name in _COLUMNS}
            return Produced([{"clip_id": item.id, "video_id": item.video_id, **columns}])

        return Reader(View(size=_SIZE, colour="gray", batch=250), consume)

    return motion_of


_COLUMNS = tuple(Second.__dataclass_fields__)

STAGE = Stage(
    name="motion",
    version=1,
    works_on="clip",
    inputs=(),
    schema=MOTION,
    settings=lambda recipe: recipe.motion.model_dump(mode="json"),
    models=lambda recipe: (),
    open=alone(open_watcher),
    watch=open_watcher,
)
