"""The stage `evidence`: what earlier stages heard and saw of a clip, to its audio-visual evidence class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from schemas.recipe import Recipe
from schemas.tables import EVIDENCE
from schemas.units import SAMPLE_RATE
from tasks.conditions.sound import level_dbfs
from tasks.evidence.swing import swing_db
from tasks.evidence.weigh import Chunk, weigh
from tasks.media import read_waveform
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker

_STANDING = 0.002
"""A picture stands if no more than this share of it changes, from second to second and from frame to frame."""

Weights = Mapping[str, Callable[[float | None], float]]

_SEEN: Weights = {
    "talking_head": lambda probability: probability,
    "voice_over": lambda probability: 1 - probability,
}
"""How likely a label says that the speaker is seen."""

_UNJUDGED: Weights = {"cannot_tell": lambda probability: 1.0}


def _open(context: Context) -> Worker:
    silence_dbfs = context.recipe.conditions.silence_level

    def work(item: Item) -> Produced:
        waveform = read_waveform(context.media(item.row["path"]))
        (conditions,), (motion,) = item.records["conditions"], item.records["motion"]
        chunks = [
            _chunk(row, waveform, motion, item.records["speech"], item.records["labels"], silence_dbfs)
            for row in item.records["sounds"]
        ]
        found = weigh(chunks, conditions["conditions"])
        row = {
            "clip_id": item.id,
            "video_id": item.video_id,
            "evidence": found.evidence,
            "reason": found.reason,
            "score": found.score,
            "sound_ids": list(found.sound_ids),
        }
        return Produced([row])

    return work


def _chunk(
    row: Row,
    waveform: np.ndarray,
    motion: Row,
    speech: Sequence[Row],
    labels: Sequence[Row],
    silence_dbfs: float,
) -> Chunk:
    start_ms, end_ms = row["start_ms"], row["end_ms"]
    heard = waveform[start_ms * SAMPLE_RATE // 1000 : end_ms * SAMPLE_RATE // 1000]
    spoken_ms = _overlap_ms(speech, start_ms, end_ms)
    return Chunk(
        ids=tuple(row["ids"]),
        scores=tuple(row["scores"]),
        swing_db=swing_db(heard),
        silent=level_dbfs(heard) < silence_dbfs,
        standing=_stands(motion, start_ms, end_ms),
        spoken=spoken_ms / max(end_ms - start_ms, 1),
        seen=_weighted_ms(speech, labels, _SEEN, start_ms, end_ms) / max(spoken_ms, 1),
        unjudged=_weighted_ms(speech, labels, _UNJUDGED, start_ms, end_ms) / max(spoken_ms, 1),
    )


def _overlap_ms(spans: Sequence[Row], start_ms: int, end_ms: int) -> int:
    return sum(max(0, min(one["end_ms"], end_ms) - max(one["start_ms"], start_ms)) for one in spans)


def _weighted_ms(
    speech: Sequence[Row], labels: Sequence[Row], weights: Weights, start_ms: int, end_ms: int
) -> float:
    """Milliseconds of speech, each times the weight of its label, which may depend on the label's probability."""
    return sum(
        weights[one["label"]](one["probability"])
        * _overlap_ms(speech, max(one["start_ms"], start_ms), min(one["end_ms"], end_ms))
        for one in labels
        if one["label"] in weights
    )


def _stands(motion: Row, start_ms: int, end_ms: int) -> bool:
    """Whether the picture is one from the chunk's first second to its last; a chunk within one second says no."""
    first, last = start_ms // 1000, min(-(-end_ms // 1000), len(motion["unlike"]))
    later = range(first + 1, last)
    still = all(motion["unlike"][second] <= _STANDING for second in later)
    calm = all(motion["changed"][second] <= _STANDING for second in range(first, last))
    return bool(later) and still and calm


def _settings(recipe: Recipe) -> dict[str, float]:
    return {"silence_level": recipe.conditions.silence_level}


STAGE = Stage(
    name="evidence",
    version=1,
    works_on="clip",
    inputs=("sounds", "conditions", "motion", "speech", "labels"),
    schema=EVIDENCE,
    settings=_settings,
    models=lambda recipe: (),
    open=_open,
)
