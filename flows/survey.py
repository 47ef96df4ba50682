"""Where each shard stands against the recipe, and what brings it up to date.

What a shard can do for itself is surveyed first; which clips are the same as others is decided over all shards, and
the stages in `LATE` wait for that; those in `LAST` apply what people decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from annotation.decisions import decisions
from annotation.stage import STAGE as REVIEW
from flows.pipeline import CUT, DOWNLOADED, LAST, LATE, STAGES, STEPS, WATCH, needs, steps_before
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from tasks.conditions.stage import STAGE as CONDITIONS
from tasks.duplicates.fingerprints import STAGE as FINGERPRINTS
from tasks.duplicates.stage import STAGE as DUPLICATES
from tasks.duplicates.verdicts import Shard, read_verdicts, verdicts_file, write_verdicts
from tasks.models import ModelStore
from tasks.workspace.outputs import Output
from tasks.workspace.reconcile import Plan, Retries, apply_plan, plan_stage
from tasks.workspace.stage import Context, Item, Row, Stage
from tasks.workspace.watch import Report, apply_plans


@dataclass(frozen=True)
class Survey:
    """Where one shard stands.

    Attributes:
        outputs: the tables that have every item, by stage.
        plans: for each stage that is not up to date, its plan, or None while it waits for an earlier one. A stage
            with a table may still have items to try again.
    """

    shard: str
    outputs: Mapping[str, Output]
    plans: Mapping[str, Plan | None]

    @property
    def complete(self) -> bool:
        """Every item has an outcome at every stage, be it that it waits or is to be tried again."""
        return len(self.outputs) == len(STAGES)

    @property
    def ready_for_people(self) -> bool:
        """Likewise at every stage but those that apply what people decided."""
        return all(name in self.outputs for name in STAGES if name not in LAST)


@dataclass(frozen=True)
class Workbench:
    """Everything a stage needs beside the shard: settings, place, models, and the rule for another try.

    Attributes:
        verdicts: the file that says which clips are the same as others, over all shards; None while it is not made.
    """

    recipe: Recipe
    root: Path
    models: ModelStore
    retries: Retries
    verdicts: Path | None = None

    @property
    def run(self) -> str:
        """The run's name: when it began, ISO 8601, UTC."""
        return self.retries.now.isoformat(timespec="milliseconds")

    def context(self) -> Context:
        return Context(self.recipe, self.root, self.models.path, self.run)


def steps_to_take(survey: Survey, steps: Sequence[str]) -> list[str]:
    """The steps, among some, that a shard lacks: those with work of their own, and those that read its results."""
    ahead: list[str] = []
    for step in steps:
        if any(name in survey.plans for name in STEPS[step]) or {*steps_before(step)} & {*ahead}:
            ahead.append(step)
    return ahead


def survey_shards(shards: Mapping[str, Sequence[Row]], bench: Workbench) -> list[Survey]:
    """Compare what should be with what is, for all shards of a workspace."""
    early = {shard: _survey_early(shard, videos, bench) for shard, videos in shards.items()}
    bench = with_verdicts(bench, early.values())
    return [_survey_late(early[shard], videos, bench) for shard, videos in shards.items()]


def with_verdicts(bench: Workbench, surveys: Iterable[Survey]) -> Workbench:
    """The bench with the verdicts on duplicates, if they were made for just what the shards now hold."""
    if bench.recipe.duplicates is None:
        return bench
    path = verdicts_file(bench.root, bench.recipe.duplicates, _fingerprints(surveys))
    return replace(bench, verdicts=path if path.exists() else None)


def find_duplicates_in(surveys: Iterable[Survey], bench: Workbench) -> Path:
    """Compare all clips of a workspace, unless that was done; returns the file of the verdicts."""
    return write_verdicts(bench.root, bench.recipe.duplicates, _fingerprints(surveys))


def _fingerprints(surveys: Iterable[Survey]) -> list[Shard]:
    names = (FINGERPRINTS.name, CONDITIONS.name)
    ready = (survey.outputs for survey in surveys if all(name in survey.outputs for name in names))
    return [(outputs[FINGERPRINTS.name], outputs[CONDITIONS.name]) for outputs in ready]


def survey(shard: str, videos: Sequence[Row], bench: Workbench) -> Survey:
    """Compare what should be with what is, for all stages of one shard."""
    return _survey_late(_survey_early(shard, videos, bench), videos, bench)


def _survey_early(shard: str, videos: Sequence[Row], bench: Workbench) -> Survey:
    stages = [stage for stage in STAGES.values() if stage.name not in (*LATE, *LAST)]
    return _surveyed(Survey(shard, {}, {}), stages, videos, bench)


def _survey_late(early: Survey, videos: Sequence[Row], bench: Workbench) -> Survey:
    return _surveyed(early, [STAGES[name] for name in (*LATE, *LAST)], videos, bench)


def _surveyed(before: Survey, stages: Iterable[Stage], videos: Sequence[Row], bench: Workbench) -> Survey:
    """A survey with further stages, in their order."""
    outputs, plans = dict(before.outputs), dict(before.plans)
    for stage in stages:
        plan = None
        if all(name in outputs for name in needs(stage)):
            items = _items(stage, videos, outputs, bench)
            plan = None if items is None else _planned(stage, before.shard, items, outputs, bench)
        if plan is not None and plan.only_tries_again:
            outputs[stage.name] = plan.present
        if plan is None or not plan.up_to_date:
            plans[stage.name] = plan
    return Survey(before.shard, outputs, plans)


def _planned(
    stage: Stage, shard: str, items: Sequence[Item], outputs: Mapping[str, Output], bench: Workbench
) -> Plan:
    inputs = {name: outputs[name] for name in stage.inputs}
    return plan_stage(
        stage, shard, bench.root, bench.recipe, items, inputs, bench.models.checksum, bench.retries
    )


def _items(
    stage: Stage, videos: Sequence[Row], outputs: Mapping[str, Output], bench: Workbench
) -> list[Item] | None:
    """What a stage works on; None while it waits for the verdicts on duplicates."""
    if stage.works_on == "video":
        return _video_items(stage, videos)
    clips = _clip_items(videos, outputs["normalize"])
    if stage.name == REVIEW.name:
        return _with_decisions(clips, bench)
    if stage.name != DUPLICATES.name or bench.recipe.duplicates is None:
        return clips
    if bench.verdicts is None:
        return None
    # The verdict alone decides: a clip that is cut anew, and again like no other, is not judged anew.
    found = read_verdicts(bench.verdicts)
    return [
        replace(clip, row={"duration_ms": clip.row["duration_ms"], "verdict": found.get(clip.id)})
        for clip in clips
    ]


def _with_decisions(clips: Sequence[Item], bench: Workbench) -> list[Item]:
    """Clips with what people decided of them; the decision on a file that was cut anew since does not hold."""
    decided = decisions(bench.root, bench.recipe.name)
    rows = [
        {"duration_ms": clip.row["duration_ms"], "decided": _of_this_file(clip.row, decided.get(clip.id))}
        for clip in clips
    ]
    return [replace(clip, row=row) for clip, row in zip(clips, rows, strict=True)]


def _of_this_file(clip: Row, decided: Row | None) -> Row | None:
    return decided if decided and decided["clip_sha256"] == clip["sha256"] else None


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
