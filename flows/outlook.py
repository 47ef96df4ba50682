"""What a run would do: which videos are new, what every shard lacks, what would be released."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotation.private import connection_of
from annotation.stage import STAGE as REVIEW
from flows.pipeline import MODEL_USERS, RELEASED, STAGES
from flows.survey import Survey, Workbench, survey_shards
from schemas.errors import RecipeError, SourceError
from schemas.judging import Review
from schemas.recipe import Recipe, load_recipe, recipe_names
from schemas.sections import Source
from tasks.manifests import Draft, draft_release, latest_release, manifest_rows
from tasks.sources import Discovery, discover, source_from_argument
from tasks.splits import assign_splits
from tasks.workspace.catalog import news, read_catalog, shards
from tasks.workspace.stage import Row

RECIPES = Path(__file__).parent / "recipes"


def recipe_for(
    name: str,
    profile: str | None = None,
    sources: Sequence[str] | None = None,
    settings: Mapping[str, object] | None = None,
) -> Recipe:
    """The effective recipe of a run.

    Args:
        name: a recipe in flows/recipes, or the path of a recipe file.
        sources: paths and URLs that replace the recipe's sources.
        settings: dotted key to value, replacing what the recipe says.

    Raises:
        RecipeError: for an unknown name, or anything wrong in the recipe or the settings.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else RECIPES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(recipe_names(RECIPES))
        raise RecipeError(name, "is no recipe", f"known recipes: {known}; or give the path of a .yaml file")
    overrides = dict(settings or {})
    if profile:
        overrides["profile"] = profile
    if sources:
        overrides["sources"] = [source_from_argument(text).model_dump(mode="json") for text in sources]
    return load_recipe(path, overrides)


def check_sources(bench: Workbench) -> None:
    """See that there is something to curate: sources, or what came of them before.

    Raises:
        RecipeError: the recipe names no source, and the workspace is empty.
    """
    if not bench.recipe.sources and not read_catalog(bench.root):
        raise RecipeError(
            bench.recipe.name,
            "names no source, and the workspace has no video yet",
            "give --source [CHANNEL=]PATH_OR_URL, or fill in `sources` in the recipe",
        )


def workspace_for(workspace: str | None) -> str:
    """The workspace named by the caller, else by CLAPPER_WORKSPACE, else ./workspace."""
    return workspace or os.environ.get("CLAPPER_WORKSPACE") or "workspace"


@dataclass(frozen=True)
class Outlook:
    """Where a workspace stands against a recipe.

    Attributes:
        new: catalogue rows of videos that are not yet in the catalogue.
        changed: rows of known videos that a further list gives more segments, or whose file has moved.
        problems: sources that could not be listed, with what to do.
        review_open: a review server is there, which may have answers, or take clips.
        draft: the release that could be published now; None when nothing differs, or while work remains.
    """

    new: Sequence[Row]
    changed: Sequence[Row]
    catalog: Sequence[Row]
    surveys: Sequence[Survey]
    problems: Sequence[str]
    review_open: bool
    draft: Draft | None

    @property
    def nothing_to_do(self) -> bool:
        ahead = self.new or self.changed or self.draft or any(survey.plans for survey in self.surveys)
        return not (ahead or self.review_open)


def find_new(
    source: Source, bench: Workbench, known: set[str], limit: int | None
) -> tuple[Discovery | None, str | None]:
    """Discover one source; a source that cannot be listed gives a problem to report instead."""
    try:
        return discover(source, bench.recipe, bench.root, known, limit), None
    except SourceError as error:
        return None, str(error)


def look(bench: Workbench, limit: int | None = None) -> Outlook:
    """Compare recipe and workspace; asks the sources what they have, and changes nothing but listings."""
    catalog = read_catalog(bench.root)
    known = {row["video_id"] for row in catalog}
    found: list[Row] = []
    problems: list[str] = []
    for source in bench.recipe.sources:
        discovery, problem = find_new(source, bench, known, limit)
        found += [*discovery.videos, *discovery.known] if discovery else []
        problems += [problem] if problem else []
    new, changed = news(catalog, found)
    surveys = survey_all(catalog, bench)
    review_open = bench.recipe.review is not None and connection_of(bench.root) is not None
    draft = draft_from(surveys, catalog, bench)
    return Outlook(new, changed, catalog, surveys, problems, review_open, draft)


def survey_all(catalog: Sequence[Row], bench: Workbench) -> list[Survey]:
    return survey_shards(shards(catalog), bench)


def model_checksums(bench: Workbench) -> dict[str, str]:
    """What made the labels: analysis to `model@checksum`, or the model's name where it is part of the code."""
    found = {}
    for analysis, stage in MODEL_USERS.items():
        if getattr(bench.recipe, analysis) is None:
            continue
        name = bench.recipe.model_for(analysis)
        checksums = [bench.models.checksum(model) for model in STAGES[stage].models(bench.recipe)]
        found[analysis] = "@".join([name, *(checksum[:16] for checksum in checksums)])
    return found


def draft_from(surveys: Sequence[Survey], catalog: Sequence[Row], bench: Workbench) -> Draft | None:
    """The next release from all shards that are complete.

    None as well while a shard is incomplete of which videos were released before: a version must not
    lose clips only because a run has not come to them yet.
    """
    complete = [survey for survey in surveys if survey.complete]
    before = latest_release(bench.root, bench.recipe.name)
    released = before.assignments() if before else {}
    unfinished = {survey.shard for survey in surveys if not survey.complete}
    if any(row["shard"] in unfinished and row["video_id"] in released for row in catalog):
        return None
    by_shard, models = shards(catalog), model_checksums(bench)
    rows = [row for survey in complete for row in _rows(survey, by_shard[survey.shard], models)]

    def assign(fixed: Mapping[str, str]) -> dict[str, str]:
        durations: dict[tuple[str, str], int] = {}
        for row in rows:
            key = (row["video_id"], row["channel"])
            durations[key] = durations.get(key, 0) + row["duration_ms"]
        return assign_splits(((*key, ms) for key, ms in durations.items()), bench.recipe.splits, fixed)

    return draft_release(bench.root, bench.recipe.name, rows, assign)


def held_back(survey: Survey) -> list[str]:
    """Clips of a complete shard that are not released.

    Left out for what they are, an analysis failed on them, they wait for an answer, or people are to judge them.
    """
    return [clip for clip, outcomes in _outcomes_of_clips(survey).items() if {*outcomes.values()} != {"done"}]


def left_out_clips(survey: Survey) -> list[str]:
    """Those among them that the recipe leaves out for what they are: black, off-screen, the same as another …"""
    return [clip for clip, outcomes in _outcomes_of_clips(survey).items() if "dropped" in outcomes.values()]


def waiting_clips(survey: Survey) -> list[str]:
    """Those for which an answer, a budget or another try is awaited."""
    return [
        clip
        for clip, outcomes in _outcomes_of_clips(survey).items()
        if _waits(outcomes) and not {*outcomes.values()} & {"dropped", "failed"}
    ]


def _waits(outcomes: Mapping[str, str | None]) -> bool:
    return any(outcome == "waiting" and stage != REVIEW.name for stage, outcome in outcomes.items())


def for_people(survey: Survey) -> list[str]:
    """Those that are otherwise fit, and of which people have yet to say whether they are taken."""
    return [
        clip
        for clip, outcomes in _outcomes_of_clips(survey).items()
        if outcomes[REVIEW.name] == "waiting" and _fit(outcomes)
    ]


def _fit(outcomes: Mapping[str, str | None]) -> bool:
    """Whether machines have nothing against a clip."""
    return all(outcome == "done" for stage, outcome in outcomes.items() if stage != REVIEW.name)


def clips_for_people(survey: Survey, review: Review) -> list[str]:
    """The clips that people are asked about, of a shard that is ready: fit, and in doubt, if only those are."""
    judged = survey.outputs["offscreen"].records()
    doubtful = review.decides and review.of == "doubtful"
    return [
        clip
        for clip, outcomes in _outcomes_of_clips(survey).items()
        if _fit(outcomes)
        and (not doubtful or any(row["verdict"] == "people" for row in judged.get(clip, ())))
    ]


def _outcomes_of_clips(survey: Survey) -> dict[str, dict[str, str | None]]:
    """Every clip with the outcome of each analysis that it needs to be released, as far as these were made."""
    clips = [row["clip_id"] for rows in survey.outputs["normalize"].records().values() for row in rows]
    analyses = {stage: survey.outputs[stage].outcomes for stage in RELEASED[1:] if stage in survey.outputs}
    return {clip: {stage: _outcome(outcomes, clip) for stage, outcomes in analyses.items()} for clip in clips}


def clip_files(surveys: Sequence[Survey]) -> dict[str, str]:
    """Clip id to its file in the workspace, for all complete shards."""
    complete = (survey for survey in surveys if survey.complete)
    records = (survey.outputs["normalize"].records() for survey in complete)
    return {row["clip_id"]: row["path"] for videos in records for rows in videos.values() for row in rows}


def _rows(survey: Survey, videos: Sequence[Row], models: Mapping[str, str]) -> list[Row]:
    needed = (
        "download", "normalize", "faces", "speech", "turns", "labels", "events", "conditions", "evidence",
        "offscreen", "review",
    )  # fmt: skip
    records = {stage: survey.outputs[stage].records() for stage in needed}
    return manifest_rows(videos, records, held_back(survey), models)


def _outcome(outcomes: Mapping[str, Row], item: str) -> str | None:
    return outcomes[item]["outcome"] if item in outcomes else None
