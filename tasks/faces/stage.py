"""The stage `faces`: the faces found in a clip and its shots to face tracks."""

from __future__ import annotations

import numpy as np

from schemas.tables import FACES
from tasks.faces.tracks import TrackRules, link
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def open_worker(context: Context) -> Worker:
    """The worker of a shard; it decodes nothing."""
    settings = context.recipe.faces
    rules = TrackRules(settings.every, settings.max_gap, settings.min_track, settings.min_size)

    def faces_of(item: Item) -> Produced:
        shots = [(row["start_frame"], row["end_frame"]) for row in item.records["shots"]]
        found: dict[int, list[list[float]]] = {}
        for row in item.records["detections"]:
            found.setdefault(row["frame"], []).append([*row["box"], row["score"]])
        detections = {frame: np.array(boxes) for frame, boxes in found.items()}
        rows = [
            {
                "clip_id": item.id,
                "video_id": item.video_id,
                "track": number,
                "start_frame": track.start_frame,
                "boxes": track.boxes.tolist(),
                "scores": track.scores.tolist(),
            }
            for number, track in enumerate(link(detections, shots, rules))
        ]
        return Produced(rows)

    return faces_of


STAGE = Stage(
    name="faces",
    version=3,
    works_on="clip",
    inputs=("detections", "shots"),
    schema=FACES,
    settings=lambda recipe: recipe.faces.model_dump(
        mode="json", include={"every", "max_gap", "min_track", "min_size"}
    ),
    models=lambda recipe: (),
    open=open_worker,
)
