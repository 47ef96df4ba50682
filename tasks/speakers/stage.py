"""The stage `speakers`: face tracks and sound to windows that say which face speaks, and how far off the sound is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from schemas.recipe import Recipe
from schemas.sections import Speakers
from schemas.tables import SPEAKERS
from schemas.units import FRAME_RATE
from tasks.media import read_frames, read_waveform
from tasks.speakers.calibration import calibration, digest
from tasks.speakers.crops import FaceTrack
from tasks.speakers.scorers import WEIGHTS, Crops, Evidence, Scorer, check_name, crops_for, open_scorer
from tasks.speakers.windows import evidence_of_clip, scored, spoken_frames
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def open_worker(context: Context) -> Worker:
    """The worker of a shard; opens the recipe's scorer.

    Raises:
        RecipeError: unknown scorer.
        ModelMissing, ModelCorrupt: its weights.
    """
    settings, name = context.recipe.speakers, context.recipe.model_for("speakers")
    scorer = open_scorer(name, context.weights, settings.max_offset * FRAME_RATE // 1000)
    calibrated = calibration(name)

    def speakers_of(item: Item) -> Produced:
        path = context.media(item.row["path"])
        found = evidence_of_item(item, path, scorer, settings, crops_for(name))
        windows = sorted((scored(*one, calibrated) for one in found), key=lambda w: (w.track, w.start_ms))
        return Produced(
            [{"clip_id": item.id, "video_id": item.video_id} | asdict(window) for window in windows]
        )

    return speakers_of


def evidence_of_item(
    item: Item, path: Path, scorer: Scorer, settings: Speakers, crops: Crops
) -> Iterable[tuple[int, int, int, Evidence]]:
    """The evidence for every window of a clip's face tracks, as `evidence_of_clip` gives it.

    Args:
        item: a clip with its records of `faces` and `speech`; without either, its file is not even opened.
        path: the clip's file.
        crops: how the scorer wants to see faces.
    """
    speech = [(row["start_ms"], row["end_ms"]) for row in item.records["speech"]]
    tracks = [
        FaceTrack(row["track"], row["start_frame"], np.asarray(row["boxes"], np.float64))
        for row in item.records["faces"]
    ]
    if not speech or not tracks:
        return ()
    return evidence_of_clip(
        ((batch.start_frame, batch.frames) for batch in read_frames(path, colour=crops.colour)),
        read_waveform(path),
        tracks,
        spoken_frames(speech, item.row["frames"]),
        scorer,
        settings.window,
        settings.hop,
        crops.side,
    )


def _settings(recipe: Recipe) -> dict[str, Any]:
    name = recipe.model_for("speakers")
    check_name(name)
    own = recipe.speakers.model_dump(mode="json")
    return own | {"model": name, "calibration": digest(name)}


def _models(recipe: Recipe) -> tuple[str, ...]:
    name = recipe.model_for("speakers")
    check_name(name)
    return WEIGHTS[name]


STAGE = Stage(
    name="speakers",
    version=2,
    works_on="clip",
    inputs=("faces", "speech"),
    schema=SPEAKERS,
    settings=_settings,
    models=_models,
    open=open_worker,
)
