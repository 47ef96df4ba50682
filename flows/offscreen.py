"""The off-screen filter as a whole workspace sees it: what asking will cost, and how good the answers are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotation.decide.reviews import as_reviews
from annotation.decisions import decisions
from flows.outlook import Outlook, survey_all
from flows.survey import Survey, Workbench
from schemas.errors import RecipeError
from tasks.offscreen.answers import Question
from tasks.offscreen.judges import NONE, question_on
from tasks.offscreen.measure.reviews import read_reviews
from tasks.offscreen.measure.scores import Judged, judged
from tasks.offscreen.money.accounts import Accounts, Budgets, Line, Spent, accounts_if_any, budgets_of
from tasks.offscreen.money.estimate import Estimate, estimate, room_in
from tasks.offscreen.money.prices import Picodollars, price_of
from tasks.offscreen.prompts import prompt_versions, read_prompt
from tasks.offscreen.reply import NoJudgement, judgement_of
from tasks.workspace.catalog import read_catalog
from tasks.workspace.stage import Row

NOTHING = Spent(Picodollars(0), Picodollars(0), Picodollars(0))


@dataclass(frozen=True)
class Costs:
    """What a run would ask, and what there is to pay it with.

    Attributes:
        uncut: videos whose clips are not cut and compared yet, and are in no number of the estimate.
        at_most: what asking about these will come to, if each gives as many clips as the recipe takes, as long as it
            takes them; None where the recipe sets no such limits.
    """

    estimate: Estimate
    budgets: Budgets
    by_run: Spent
    by_all: Spent
    uncut: int
    at_most: Estimate | None


def costs_ahead(bench: Workbench, outlook: Outlook) -> Costs | None:
    """What the clips that are not judged yet will cost, as far as they are known; None where nobody is asked."""
    section, judge = bench.recipe.offscreen, bench.recipe.model_for("offscreen")
    if section is None or judge == NONE:
        return None
    accounts = accounts_if_any(bench.root)
    questions = [question_on(clip, bench.recipe, bench.root) for clip in _fit_clips(outlook.surveys)]
    kept = accounts.answers([question.answer_key for question in questions]) if accounts else {}
    run, everything = (accounts.spent(bench.run), accounts.spent()) if accounts else (NOTHING, NOTHING)
    price = price_of(judge, section)
    usual = accounts.usual_output(price.model) if accounts else None
    room = room_in(budgets_of(section), run, everything)

    def estimated(some: Sequence[Question]) -> Estimate:
        return estimate(some, kept, section, price, read_prompt(section.prompt), room, usual)

    uncut = len(outlook.new) + _uncut_videos(outlook)
    moments = bench.recipe.moments
    clips = uncut * moments.max_per_source if moments else 0
    unseen = [Question(str(n), bench.root, str(n), moments.max_length) for n in range(clips)]
    at_most = estimated(unseen) if unseen else None
    return Costs(estimated(questions), budgets_of(section), run, everything, uncut, at_most)


def _uncut_videos(outlook: Outlook) -> int:
    unfinished = {survey.shard for survey in outlook.surveys if "duplicates" not in survey.outputs}
    return sum(video["shard"] in unfinished for video in outlook.catalog)


def _fit_clips(surveys: Iterable[Survey]) -> Iterator[Row]:
    """The records of all clips that the judge is asked about: those that conditions and duplicates leave."""
    for survey in surveys:
        if "duplicates" in survey.outputs:
            fit = survey.outputs["duplicates"].outcomes
            for rows in survey.outputs["normalize"].records().values():
                yield from (
                    row for row in rows if fit.get(row["clip_id"], {"outcome": None})["outcome"] == "done"
                )


def judgements(bench: Workbench, accounts: Accounts) -> list[Judged]:
    """Every judgement that is kept of the workspace's clips, by every version of the prompt.

    Also of clips that were left out for it: they are what precision is about.

    Raises:
        RecipeError: the recipe asks no model.
    """
    section = bench.recipe.offscreen
    if section is None or bench.recipe.model_for("offscreen") == NONE:
        raise RecipeError(
            bench.recipe.name,
            "asks no model about off-screen sources",
            "name one, such as --set offscreen.model=gemini",
        )
    clips = list(_fit_clips(survey_all(read_catalog(bench.root), bench)))
    return [one for version in prompt_versions() for one in _judged_by(version, clips, bench, accounts)]


def _judged_by(version: str, clips: Sequence[Row], bench: Workbench, accounts: Accounts) -> Iterator[Judged]:
    section = bench.recipe.offscreen.model_copy(update={"prompt": version})
    recipe = bench.recipe.model_copy(update={"offscreen": section})
    questions: list[Question] = [question_on(clip, recipe, bench.root) for clip in clips]
    answers = accounts.answers([question.answer_key for question in questions])
    for question in questions:
        answer = answers.get(question.answer_key)
        if answer is None:
            continue
        try:
            yield judged(question.clip_id, judgement_of(answer.reply), version, section)
        except NoJudgement:
            continue


def ledger(accounts: Accounts | None) -> tuple[Sequence[Line], Spent]:
    """What was asked, by run and model, and what it came to."""
    return (accounts.totals(), accounts.spent()) if accounts else ((), NOTHING)


def reviews_of(bench: Workbench, named: Path | None) -> list[Row]:
    """People's decisions: of the named file, else of the workspace's own review, as far as there are any.

    Raises:
        SystemicError: the file cannot be read, or says what cannot be meant.
    """
    return read_reviews(named) if named else as_reviews(decisions(bench.root, bench.recipe.name).values())
