"""What a run would do: which videos are new, what every shard lacks, what would be released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotation.private import connection_of
from flows.release import next_draft
from flows.survey import Survey, Workbench, survey_shards
from schemas.errors import RecipeError, SourceError
from schemas.recipe import Recipe, load_recipe, recipe_names
from schemas.sections import Source
from tasks.releases.draft import Draft
from tasks.sources import Discovery, discover, source_from_argument
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


@dataclass(frozen=True)
class Outlook:
    """Where a workspace stands against a recipe.

    Attributes:
        new: catalogue rows of videos that are not yet in the catalogue.
        changed: rows of known videos that a further list gives more segments, or whose file has moved.
        problems: sources that could not be listed, with what to do.
        review_open: a review server is there, which may have answers, or take clips.
        draft: the release that could be published now; None when nothing differs, or while work remains. What it
            rests on is gone again: it tells the version and the changes.
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
    with next_draft(bench, surveys, catalog, held=False) as drafting:
        draft = drafting.draft
    return Outlook(new, changed, catalog, surveys, problems, review_open, draft)


def survey_all(catalog: Sequence[Row], bench: Workbench) -> list[Survey]:
    return survey_shards(shards(catalog), bench)
