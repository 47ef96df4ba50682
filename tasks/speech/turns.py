"""The stage `turns`: one row per turn of a voice; turns of different voices may overlap.

`none` looks for nothing and makes no rows; `pyannote` diarizes with community-1 (see `tasks.speech.pyannote`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.tables import TURNS
from schemas.units import SAMPLE_RATE
from tasks.media import read_waveform
from tasks.speech.pyannote import DIARIZATION_WEIGHTS, Span, Weights, open_diarizer
from tasks.workspace.stage import Context, Item, Produced, Stage, Worker

NONE = "none"

DIARIZERS: Mapping[str, Callable[[Weights], Callable[[np.ndarray], list[Span]]]] = {"pyannote": open_diarizer}
"""Name to the function that opens the diarizer (raises ModelMissing); beside them stands `none`."""

WEIGHTS: Mapping[str, tuple[str, ...]] = {NONE: (), "pyannote": DIARIZATION_WEIGHTS}
"""What each needs from the model store."""


@dataclass(frozen=True)
class Turn:
    """A voice speaks from `start_ms` to `end_ms` (exclusive), for `overlapped_ms` of it not alone.

    `voice` is V1, V2 … in the order in which they are first heard.
    """

    start_ms: int
    end_ms: int
    voice: str
    overlapped_ms: int


def turns_of(spans: Iterable[Span], duration_ms: int, min_turn_ms: int) -> list[Turn]:
    """Turns in the order in which they begin, inside 0…`duration_ms`.

    Spans of one voice that touch are one turn. Turns shorter than `min_turn_ms` are left out, and overlap with
    nobody.
    """
    kept = [
        (start_ms, end_ms, label)
        for label, pieces in _by_voice(spans, duration_ms).items()
        for start_ms, end_ms in pieces
        if end_ms - start_ms >= max(1, min_turn_ms)
    ]
    kept.sort()
    voices: dict[str, str] = {}
    for *_, label in kept:
        voices.setdefault(label, f"V{len(voices) + 1}")
    return [
        Turn(start_ms, end_ms, voices[label], _overlap_ms(start_ms, end_ms, label, kept))
        for start_ms, end_ms, label in kept
    ]


def _by_voice(spans: Iterable[Span], duration_ms: int) -> dict[str, list[tuple[int, int]]]:
    merged: dict[str, list[tuple[int, int]]] = {}
    for start_s, end_s, label in sorted(spans):
        start_ms, end_ms = max(0, round(start_s * 1000)), min(duration_ms, round(end_s * 1000))
        pieces = merged.setdefault(label, [])
        if pieces and start_ms <= pieces[-1][1]:
            pieces[-1] = pieces[-1][0], max(end_ms, pieces[-1][1])
        elif start_ms < end_ms:
            pieces.append((start_ms, end_ms))
    return merged


def _overlap_ms(start_ms: int, end_ms: int, label: str, turns: Iterable[tuple[int, int, str]]) -> int:
    """How much of a span the turns of other voices cover, in milliseconds; what two of them cover counts once."""
    covered_ms, reached_ms = 0, start_ms
    for other_start_ms, other_end_ms, other in turns:
        if other != label:
            begin_ms = max(reached_ms, other_start_ms)
            covered_ms += max(0, min(end_ms, other_end_ms) - begin_ms)
            reached_ms = max(reached_ms, min(end_ms, other_end_ms))
    return covered_ms


def _name(recipe: Recipe) -> str:
    name = recipe.model_for("turns")
    if name not in WEIGHTS:
        raise RecipeError(
            "turns.model", f"'{name}' is not available", f"set it to one of: {', '.join(WEIGHTS)}"
        )
    return name


def _settings(recipe: Recipe) -> Mapping[str, Any]:
    name = _name(recipe)
    return {"model": name} if name == NONE else recipe.turns.model_dump(mode="json") | {"model": name}


def _open(context: Context) -> Worker:
    name = _name(context.recipe)
    if name == NONE:
        return lambda item: Produced([])
    diarize = DIARIZERS[name](context.weights)

    def work(item: Item) -> Produced:
        waveform = read_waveform(context.media(item.row["path"]))
        turns = turns_of(
            diarize(waveform), len(waveform) * 1000 // SAMPLE_RATE, context.recipe.turns.min_turn
        )
        return Produced(
            [
                {
                    "clip_id": item.id,
                    "video_id": item.video_id,
                    "start_ms": turn.start_ms,
                    "end_ms": turn.end_ms,
                    "voice": turn.voice,
                    "overlapped_ms": turn.overlapped_ms,
                }
                for turn in turns
            ]
        )

    return work


STAGE = Stage(
    name="turns",
    version=1,
    works_on="clip",
    inputs=(),
    schema=TURNS,
    settings=_settings,
    models=lambda recipe: WEIGHTS[_name(recipe)],
    open=_open,
)
