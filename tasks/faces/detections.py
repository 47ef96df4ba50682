"""The stage `detections`: the faces in every k-th frame of a normalised clip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from schemas.recipe import Recipe
from schemas.tables import DETECTIONS
from tasks.faces.detectors import WEIGHTS, check_name, open_detector
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
            seen = ((batch.start_frame, _in_rgb(batch.frames)) for batch in batches)
            found = detect_in(seen, None, detect, settings.every)
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

        # The order of channels is that of `shots`, so that both are given the same arrays.
        return Reader(View(colour="bgr", every=settings.every), consume)

    return faces_of


def _in_rgb(frames: np.ndarray) -> np.ndarray:
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) for frame in frames])


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.faces.model_dump(mode="json", include={"every", "min_score"}) | {
        "model": recipe.model_for("faces")
    }


def _models(recipe: Recipe) -> tuple[str, ...]:
    name = recipe.model_for("faces")
    check_name(name)
    return WEIGHTS[name]


STAGE = Stage(
    name="detections",
    version=1,
    works_on="clip",
    inputs=(),
    schema=DETECTIONS,
    settings=_settings,
    models=_models,
    open=alone(open_watcher),
    watch=open_watcher,
)
