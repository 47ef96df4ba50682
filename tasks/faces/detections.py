"""The stage `detections`: the faces in every k-th frame of a normalised clip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from schemas.recipe import Recipe
from schemas.tables import DETECTIONS
from tasks.faces.detectors import MIN_SCORES, WEIGHTS, check_name, open_detector
from tasks.faces.tracks import detect_in
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.workspace.stage import Context, Item, Produced, Stage, Watcher, alone


def open_watcher(context: Context) -> Watcher:
    """The watcher of a shard; opens the recipe's detector.

    Raises:
        RecipeError: unknown detector.
        ModelMissing, ModelCorrupt: its weights.
    """
    settings = context.recipe.faces
    detect = open_detector(context.recipe.model_for("faces"), context.weights, settings.min_score)

    def faces_of(item: Item) -> Reader:
        def consume(batches: Iterator[FrameBatch]) -> Produced:
            found = detect_in(batches, detect)
            rows = [
                {
                    "clip_id": item.id,
                    "video_id": item.video_id,
                    "frame": frame,
                    "box": np.round(box[:4].astype(float), 2).tolist(),
                    "score": round(float(box[4]), 4),
                }
                for frame, boxes in found.items()
                for box in boxes
            ]
            return Produced(rows)

        return Reader(View(colour="bgr", every=settings.every), consume)

    return faces_of


def _settings(recipe: Recipe) -> dict[str, Any]:
    name, faces = recipe.model_for("faces"), recipe.faces
    check_name(name)
    min_score = MIN_SCORES[name] if faces.min_score is None else faces.min_score
    return {"model": name, "every": faces.every, "min_score": min_score}


def _models(recipe: Recipe) -> tuple[str, ...]:
    name = recipe.model_for("faces")
    check_name(name)
    return WEIGHTS[name]


STAGE = Stage(
    name="detections",
    version=2,
    works_on="clip",
    inputs=(),
    schema=DETECTIONS,
    settings=_settings,
    models=_models,
    open=alone(open_watcher),
    watch=open_watcher,
)
