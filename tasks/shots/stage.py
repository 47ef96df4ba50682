"""The stage `shots`: a normalised clip to its shots."""

from __future__ import annotations

from schemas.tables import SHOTS
from tasks.media import read_frames
from tasks.shots.content import find_shots
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def open_worker(context: Context) -> Worker:
    """The worker of a shard."""

    def shots_of(item: Item) -> Produced:
        frames = (batch.frames for batch in read_frames(context.media(item.row["path"])))
        shots = find_shots(frames, context.recipe.shots.threshold)
        return Produced(
            [
                {"clip_id": item.id, "video_id": item.video_id, "start_frame": s, "end_frame": e}
                for s, e in shots
            ]
        )

    return shots_of


STAGE = Stage(
    name="shots",
    version=1,
    works_on="clip",
    inputs=(),
    schema=SHOTS,
    settings=lambda recipe: recipe.shots.model_dump(mode="json"),
    models=lambda recipe: (),
    open=open_worker,
)
