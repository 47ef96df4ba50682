"""The stage `motion`: a normalised clip to what its picture does, second by second, and where its picture is."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.tables import MOTION
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.motion.measure import Second, measure
from tasks.workspace.stage import Context, Item, Produced, Stage, Watcher, alone


def open_watcher(context: Context) -> Watcher:
    """The watcher of a shard."""

    def motion_of(item: Item) -> Reader:
        def consume(batches: Iterator[FrameBatch]) -> Produced:
            found = measure((batch.frames for batch in batches), context.recipe.motion)
            columns = {name: [getattr(second, name) for second in found.seconds] for name in _COLUMNS}
            box = {"active_box": list(found.active_box or ())}
            return Produced([{"clip_id": item.id, "video_id": item.video_id, **columns, **box}])

        # All frames at the clip's own size: lettering and the edges of bars are lost in smaller ones.
        return Reader(View(colour="gray"), consume)

    return motion_of


_COLUMNS = tuple(Second.__dataclass_fields__)

STAGE = Stage(
    name="motion",
    version=3,
    works_on="clip",
    inputs=(),
    schema=MOTION,
    settings=lambda recipe: recipe.motion.model_dump(mode="json"),
    models=lambda recipe: (),
    open=alone(open_watcher),
    watch=open_watcher,
)
