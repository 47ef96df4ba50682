"""The stage `faces`: a normalised clip and its shots to face tracks."""

from __future__ import annotations

from typing import Any

from schemas.recipe import Recipe
from schemas.tables import FACES
from tasks.faces.detectors import WEIGHTS, check_name, open_detector
from tasks.faces.tracks import TrackRules, detect_in, frames_to_search, link
from tasks.media import read_frames
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def open_worker(context: Context) -> Worker:
    """The worker of a shard; opens the recipe's detector.

    Raises:
        RecipeError: unknown detector.
        ModelMissing, ModelCorrupt: its weights.
    """
    settings = context.recipe.faces
    detect = open_detector(context.recipe.model_for("faces"), context.weights, settings.min_score)
    rules = TrackRules(settings.every, settings.max_gap, settings.min_track, settings.min_size)

    def faces_of(item: Item) -> Produced:
        shots = [(row["start_frame"], row["end_frame"]) for row in item.records["shots"]]
        batches = (
            (batch.start_frame, batch.frames) for batch in read_frames(context.media(item.row["path"]))
        )
        detections = detect_in(batches, frames_to_search(shots, rules.every), detect)
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


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.faces.model_dump(mode="json") | {"model": recipe.model_for("faces")}


def _models(recipe: Recipe) -> tuple[str, ...]:
    name = recipe.model_for("faces")
    check_name(name)
    return WEIGHTS[name]


STAGE = Stage(
    name="faces",
    version=1,
    works_on="clip",
    inputs=("shots",),
    schema=FACES,
    settings=_settings,
    models=_models,
    open=open_worker,
)
