"""The stage `speech`: one row per interval of speech of a clip."""

from __future__ import annotations

from typing import Any

from schemas.recipe import Recipe
from schemas.tables import SPEECH
from tasks.media import read_waveform
from tasks.speech.detectors import open_detector, weights_checksum
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker


def _settings(recipe: Recipe) -> dict[str, Any]:
    name = recipe.model_for("speech")
    return recipe.speech.model_dump(mode="json") | {"model": name, "weights_sha256": weights_checksum(name)}


def _open(context: Context) -> Worker:
    detect = open_detector(context.recipe.model_for("speech"), context.recipe.speech)

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
    models=lambda recipe: (),
    open=_open,
)
