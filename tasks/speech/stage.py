"""The stage `speech`: one row per interval of speech of a clip."""

from __future__ import annotations

from typing import Any

from schemas.recipe import Recipe
from schemas.tables import SPEECH
from tasks.media import read_waveform
from tasks.speech.detectors import WEIGHTS, check_name, open_detector, packaged_checksum
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def _settings(recipe: Recipe) -> dict[str, Any]:
    name = recipe.model_for("speech")
    packaged = packaged_checksum(name)
    return (
        recipe.speech.model_dump(mode="json")
        | {"model": name}
        | ({"weights_sha256": packaged} if packaged else {})
    )


def _models(recipe: Recipe) -> tuple[str, ...]:
    name = recipe.model_for("speech")
    check_name(name)
    return WEIGHTS[name]


def _open(context: Context) -> Worker:
    detect = open_detector(context.recipe.model_for("speech"), context.recipe.speech, context.weights)

    def work(item: Item) -> Produced:
        intervals = detect(read_waveform(context.media(item.row["path"])))
        return Produced(
            [
                {
                    "clip_id": item.id,
                    "video_id": item.video_id,
                    "start_ms": interval.start_ms,
                    "end_ms": interval.end_ms,
                    "score": interval.score,
                }
                for interval in intervals
            ]
        )

    return work


STAGE = Stage(
    name="speech",
    version=1,
    works_on="clip",
    inputs=(),
    schema=SPEECH,
    settings=_settings,
    models=_models,
    open=_open,
)
