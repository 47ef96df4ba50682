"""The stage `sounds`: for every chunk of a clip, the classes of AudioSet that a tagger hears in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.tables import SOUNDS
from tasks.media import read_waveform
from tasks.sounds.chunks import chunk_spans, cut_chunks
from tasks.sounds.taggers import WEIGHTS, check_name, open_tagger
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker

MOST_CLASSES, LOWEST_SCORE = 20, 0.01
_CHUNKS_PER_CALL = 64


def _settings(recipe: Recipe) -> dict[str, Any]:
    return recipe.sounds.model_dump(mode="json") | {"model": recipe.model_for("sounds")}


def _models(recipe: Recipe) -> tuple[str, ...]:
    name = recipe.model_for("sounds")
    check_name(name)
    return WEIGHTS[name]


def _open(context: Context) -> Worker:
    wanted = context.recipe.sounds
    tagger = open_tagger(context.recipe.model_for("sounds"), context.weights)
    if tagger.longest_ms is not None and wanted.chunk > tagger.longest_ms:
        problem = f"is {wanted.chunk} ms, and {tagger.name} hears {tagger.longest_ms} ms at most"
        raise RecipeError("sounds.chunk", problem, "set it to less, or sounds.model to another tagger")

    def work(item: Item) -> Produced:
        waveform = read_waveform(context.media(item.row["path"]), tagger.sample_rate)
        spans = chunk_spans(len(waveform) * 1000 // tagger.sample_rate, wanted.chunk, wanted.hop)
        rows = []
        for first in range(0, len(spans), _CHUNKS_PER_CALL):
            some = spans[first : first + _CHUNKS_PER_CALL]
            scores = tagger.tag(cut_chunks(waveform, tagger.sample_rate, some))
            rows += [_row(item, span, tagger.classes, one) for span, one in zip(some, scores, strict=True)]
        return Produced(rows)

    return work


def _row(item: Item, span: tuple[int, int], classes: tuple[str, ...], scores: np.ndarray) -> dict[str, Any]:
    best = [i for i in np.argsort(-scores, kind="stable")[:MOST_CLASSES] if scores[i] >= LOWEST_SCORE]
    return {
        "clip_id": item.id,
        "video_id": item.video_id,
        "start_ms": span[0],
        "end_ms": span[1],
        "ids": [classes[i] for i in best],
        "scores": [round(float(scores[i]), 4) for i in best],
    }


STAGE = Stage(
    name="sounds",
    version=1,
    works_on="clip",
    inputs=(),
    schema=SOUNDS,
    settings=_settings,
    models=_models,
    open=_open,
)
