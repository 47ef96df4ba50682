"""The stage `moments`: from a downloaded source to the spans that become clips, where a recipe asks for moments.

The part of the recipe that decides them is empty without `moments`: then nothing is opened, and nothing done again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from schemas.errors import Dropped, Unavailable
from schemas.recipe import Recipe
from schemas.tables import MOMENTS
from schemas.units import SAMPLE_RATE
from tasks.media.cut import Segment
from tasks.moments.observe import Observed, observe
from tasks.moments.plan import Moment, best_salience, plan
from tasks.moments.sound import TICK_MS, listen
from tasks.moments.timeline import Timeline, first_tick, timeline_of
from tasks.speech import STAGE as SPEECH_STAGE
from tasks.speech import Detector, SpeechInterval, open_detector
from tasks.workspace.layout import TEMPORARY
from tasks.workspace.stage import Context, Item, LeftOut, Produced, Row, Stage, Worker

SPEECH_BLOCK_S, SPEECH_CONTEXT_S = 300, 5
"""Speech is looked for in pieces of five minutes, with some sound on either side to settle on."""


def _open(context: Context) -> Worker:
    """A worker that plans the clips of one source; without `moments` in the recipe it makes no rows.

    Raises (from the worker):
        Dropped: `too_short`, `nothing_salient`, and what `observe` raises.
        Unavailable: `file_gone`.
        MediaError: the file cannot be decoded.
    """
    if context.recipe.moments is None:
        return lambda item: Produced([])
    detect = open_detector(context.recipe.model_for("speech"), context.recipe.speech, context.weights)
    place = context.root / "stages" / STAGE.name
    place.mkdir(parents=True, exist_ok=True)

    def work(item: Item) -> Produced:
        source = context.media(item.records["download"][0]["path"])
        if not source.is_file():
            raise Unavailable("file_gone", f"{source.name} is no longer where the record has it")
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=place) as folder:
            timeline = look_through(source, Path(folder), context.recipe, detect)
        return _produced(item, timeline, context.recipe)

    return work


def look_through(source: Path, folder: Path, recipe: Recipe, detect: Detector) -> Timeline:
    """What happens in a source, when somebody speaks, and where its shots cut.

    Args:
        recipe: one with `moments`.
        folder: an empty one on disk, which takes 32 kB per second of source.

    Raises: see `observe`.
    """
    observed = observe(source, folder, recipe.shots.threshold)
    ticks = (observed.end_ms - observed.start_ms) // TICK_MS
    if ticks * TICK_MS < recipe.moments.min_length:
        raise _too_short(observed.end_ms - observed.start_ms, recipe)
    heard = listen(observed.samples, first_tick(observed), ticks)
    return timeline_of(observed, heard, speech_of(observed, detect), recipe.moments)


def speech_of(observed: Observed, detect: Detector) -> list[SpeechInterval]:
    """Intervals of speech, ms on the source's clock, in order. Memory: a few minutes of sound."""
    found: list[SpeechInterval] = []
    context, block = SPEECH_CONTEXT_S * SAMPLE_RATE, SPEECH_BLOCK_S * SAMPLE_RATE
    zero_ms = observed.first_sample * 1000 // SAMPLE_RATE
    for begin in range(0, len(observed.samples), block):
        first = max(0, begin - context)
        piece = observed.samples[first : begin + block + context].astype(np.float32) / 32768
        here_ms = first * 1000 // SAMPLE_RATE
        low_ms, high_ms = begin * 1000 // SAMPLE_RATE, (begin + block) * 1000 // SAMPLE_RATE
        for each in detect(piece):
            start_ms, end_ms = max(low_ms, each.start_ms + here_ms), min(high_ms, each.end_ms + here_ms)
            if start_ms < end_ms:
                found.append(replace(each, start_ms=start_ms + zero_ms, end_ms=end_ms + zero_ms))
    return found


def _produced(item: Item, timeline: Timeline, recipe: Recipe) -> Produced:
    listed = item.row.get("segments")
    segments = None if listed is None else [_segment(span) for span in listed]
    rules = recipe.moments
    moments = plan(timeline, segments, rules, recipe.targets.durations, item.video_id)
    if not moments:
        longest_ms, salience = best_salience(timeline, segments, rules)
        if longest_ms < rules.min_length:
            raise _too_short(longest_ms, recipe)
        detail = f"the best {rules.min_length} ms of {longest_ms} ms have {salience:.2f}"
        raise Dropped("nothing_salient", f"{detail}; least is {rules.min_salience:g}")
    rows = [_row(item, moment, segments) for moment in moments]
    left_out = (
        _outside(item, timeline, moments)
        if segments is None
        else _left_out(item, timeline, segments, moments, recipe)
    )
    return Produced(rows, tuple(left_out))


def _too_short(length_ms: int, recipe: Recipe) -> Dropped:
    least = recipe.moments.min_length
    return Dropped("too_short", f"{length_ms} ms have picture and sound; least is {least} ms")


def _segment(span: Row) -> Segment:
    return Segment(span["start_ms"], span["end_ms"], span.get("label"), span.get("split"))


def _row(item: Item, moment: Moment, segments: Sequence[Segment] | None) -> Row:
    segment = None if moment.segment is None else segments[moment.segment]
    return {
        "video_id": item.video_id,
        "start_ms": moment.start_ms,
        "end_ms": moment.end_ms,
        "salience": moment.salience,
        "around_ms": moment.around_ms,
        "start_in_speech": moment.start_in_speech,
        "end_in_speech": moment.end_in_speech,
        "shot_cuts": moment.shot_cuts,
        "label": segment.label if segment else None,
        "split": segment.split if segment else None,
    }


def _outside(item: Item, timeline: Timeline, moments: Sequence[Moment]) -> list[LeftOut]:
    """What of a source lies in no clip."""
    taken_ms = sum(moment.end_ms - moment.start_ms for moment in moments)
    whole_ms = timeline.end_ms - timeline.start_ms
    if taken_ms >= whole_ms:
        return []
    detail = f"{len(moments)} clips take {taken_ms} ms of {whole_ms} ms"
    return [LeftOut(f"{item.video_id}_outside", "outside_moments", detail, whole_ms - taken_ms)]


def _left_out(
    item: Item,
    timeline: Timeline,
    segments: Sequence[Segment],
    moments: Sequence[Moment],
    recipe: Recipe,
) -> list[LeftOut]:
    """The listed spans in which no clip lies, each with the reason."""
    rules, taken = recipe.moments, {moment.segment for moment in moments}
    left_out = []
    for number, segment in enumerate(segments):
        if number in taken:
            continue
        length_ms, salience = best_salience(timeline, [segment], rules)
        if length_ms < rules.min_length:
            reason, detail = (
                "too_short",
                f"{length_ms} ms have picture and sound; least is {rules.min_length} ms",
            )
        elif salience < rules.min_salience:
            reason, detail = "nothing_salient", f"{salience:.2f}; least is {rules.min_salience:g}"
        else:
            reason, detail = "others_more_salient", f"{salience:.2f}; {len(moments)} others are taken"
        part = f"{item.video_id}_{segment.start_ms}_{segment.end_ms}"
        left_out.append(LeftOut(part, reason, detail, segment.end_ms - segment.start_ms))
    return left_out


def _settings(recipe: Recipe) -> dict[str, Any]:
    if recipe.moments is None:
        return {}
    return {
        "moments": recipe.moments.model_dump(mode="json"),
        "durations": [share.model_dump(mode="json") for share in recipe.targets.durations],
        "shots": recipe.shots.model_dump(mode="json"),
        "speech": SPEECH_STAGE.settings(recipe),
    }


def _models(recipe: Recipe) -> tuple[str, ...]:
    return () if recipe.moments is None else SPEECH_STAGE.models(recipe)


STAGE = Stage(
    name="moments",
    version=1,
    works_on="video",
    inputs=("download",),
    schema=MOMENTS,
    settings=_settings,
    models=_models,
    open=_open,
)
