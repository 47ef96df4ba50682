"""The pipeline: its stages in order, and where each shard stands.

A stage is named after what it makes; what it reads is said in its own folder. To add one, write its folder
under `tasks/` and put its STAGE here. Stages that watch clips are one step, `watch`, which decodes each clip once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from schemas.errors import RecipeError
from schemas.recipe import Recipe
from tasks.conditions.stage import STAGE as CONDITIONS
from tasks.evidence.stage import STAGE as EVIDENCE
from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.stage import STAGE as FACES
from tasks.labels.stage import STAGE as LABELS
from tasks.media.stage import STAGE as NORMALIZE
from tasks.models import ModelStore, check_ready
from tasks.motion.stage import STAGE as MOTION
from tasks.previews.stage import STAGE as PREVIEWS
from tasks.shots.stage import STAGE as SHOTS
from tasks.sounds.events import STAGE as EVENTS
from tasks.sounds.stage import STAGE as SOUNDS
from tasks.sources.stage import STAGE as DOWNLOAD
from tasks.speakers.stage import STAGE as SPEAKERS
from tasks.speech.stage import STAGE as SPEECH
from tasks.speech.turns import STAGE as TURNS
from tasks.workspace.outputs import Output
from tasks.workspace.reconcile import Plan, Retries, apply_plan, plan_stage
from tasks.workspace.stage import Context, Item, Row, Stage
from tasks.workspace.watch import Report, apply_plans

STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        DOWNLOAD, NORMALIZE, SHOTS, DETECTIONS, MOTION, PREVIEWS, CONDITIONS, FACES, SPEECH, TURNS, SPEAKERS,
        SOUNDS, EVENTS, LABELS, EVIDENCE,
    )
}  # fmt: skip

WATCH = "watch"


def step_of(stage: Stage) -> str:
    """The step that brings a stage up to date: its own, or the one that all who watch clips share."""
    return WATCH if stage.watch else stage.name


STEPS: Mapping[str, tuple[str, ...]] = {
    step: tuple(stage.name for stage in STAGES.values() if step_of(stage) == step)
    for step in dict.fromkeys(step_of(stage) for stage in STAGES.values())
}
"""What runs as one task per shard, with the stages that it brings up to date, in order."""

MODEL_USERS: Mapping[str, str] = {
    "faces": "detections", "speech": "speech", "turns": "turns", "speakers": "speakers", "sounds": "sounds"
}  # fmt: skip
"""The analyses for which a recipe names a model, with the stage that uses it."""

DOWNLOADED = (
    "video_id", "kind", "location", "duration_ms", "height", "licence", "sha256", "bytes", "segments"
)  # fmt: skip
CUT = ("video_id", "duration_ms", "segments")
"""What of a catalogue row decides the download, and what the cutting: a title or a new place of a file does not."""

RELEASED = ("normalize", "labels", "events", "conditions", "evidence")
"""A clip is released when all of these are done for it; all others come before one of them, but for `previews`,
which show people a clip and hold back none."""


@dataclass(frozen=True)
class Survey:
    """Where one shard stands.

    Attributes:
        outputs: the tables that are up to date, by stage.
        plans: for each stage that is not up to date, its plan, or None while it waits for an earlier one.
    """

    shard: str
    outputs: Mapping[str, Output]
    plans: Mapping[str, Plan | None]


@dataclass(frozen=True)
class Workbench:
    """Everything a stage needs beside the shard: settings, place, models, and the rule for another try."""

    recipe: Recipe
    root: Path
    models: ModelStore
    retries: Retries

    def context(self) -> Context:
        return Context(self.recipe, self.root, self.models.path)


def check_models(recipe: Recipe, models: ModelStore) -> None:
    """See that every model and package of the recipe is here, with the right bytes, before any work begins.

    Raises:
        ModelMissing, ModelCorrupt: one error that names everything that lacks; RecipeError for a model that no
            analysis knows.
    """
    check_ready(recipe, [name for stage in STAGES.values() for name in stage.models(recipe)], models)


def needs(stage: Stage) -> tuple[str, ...]:
    """The stages that must be up to date before this one: those it reads, and for clips the one that cuts them."""
    return (*stage.inputs, *(("normalize",) if stage.works_on == "clip" else ()))


def steps_before(step: str) -> tuple[str, ...]:
    """The steps that must be done before this one."""
    needed = (name for stage in STEPS[step] for name in needs(STAGES[stage]))
    return tuple(dict.fromkeys(step_of(STAGES[name]) for name in needed))


def survey(shard: str, videos: Sequence[Row], bench: Workbench) -> Survey:
    """Compare what should be with what is, for all stages of one shard."""
    outputs: dict[str, Output] = {}
    plans: dict[str, Plan | None] = {}
    clips: list[Item] = []
    for stage in STAGES.values():
        plan = None
        if all(name in outputs for name in needs(stage)):
            items = clips if stage.works_on == "clip" else _video_items(stage, videos)
            inputs = {name: outputs[name] for name in stage.inputs}
            checksum = bench.models.checksum
            plan = plan_stage(stage, shard, bench.root, bench.recipe, items, inputs, checksum, bench.retries)
        if plan is None or not plan.up_to_date:
            plans[stage.name] = plan
            continue
        outputs[stage.name] = plan.present
        if stage.name == "normalize":
            clips = _clip_items(videos, plan.present)
    return Survey(shard, outputs, plans)


def bring_up_to_date(
    step: str, shard: str, videos: Sequence[Row], bench: Workbench, report: Report
) -> dict[str, Output]:
    """Do what one step of one shard lacks; the steps before it must be done. Returns its stages' tables.

    Raises:
        RecipeError: when an earlier stage is not up to date; and what `apply_plan` and `apply_plans` raise.
    """
    before = survey(shard, videos, bench)
    outputs = {name: before.outputs[name] for name in STEPS[step] if name in before.outputs}
    plans = [before.plans[name] for name in STEPS[step] if name in before.plans]
    if None in plans:
        waiting = ", ".join(name for name in before.plans if name not in STEPS[step])
        raise RecipeError(f"{step} of shard {shard}", f"waits for: {waiting}", "run those stages first")
    if step == WATCH:
        return outputs | apply_plans(plans, bench.context(), before.outputs, report)
    for plan in plans:
        name = plan.stage.name
        outputs[name] = apply_plan(plan, bench.context(), before.outputs, partial(report, name))
    return outputs


def _video_items(stage: Stage, videos: Sequence[Row]) -> list[Item]:
    names = DOWNLOADED if stage.name == "download" else CUT
    rows = ({name: video[name] for name in names} for video in videos)
    return [Item(row["video_id"], row["video_id"], row) for row in rows]


def _clip_items(videos: Sequence[Row], cut: Output) -> list[Item]:
    clips = cut.records()
    return [
        Item(row["clip_id"], row["video_id"], row)
        for video in videos
        for row in clips.get(video["video_id"], ())
    ]
