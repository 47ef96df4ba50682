"""The judges: who answers questions about clips, by the name that a recipe gives.

`none` asks nobody: its clips go to people unjudged, and say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from schemas.errors import AnalysisError, MediaError, RecipeError, ServiceError
from schemas.judgement import schema_digest
from schemas.judging import Offscreen
from schemas.recipe import Recipe
from tasks.offscreen.answers import Question, StoredAnswer, answer_key
from tasks.offscreen.gemini.by_batch import ask_in_batches
from tasks.offscreen.gemini.client import key_from_environment, open_gemini
from tasks.offscreen.gemini.desk import Answer, Desk
from tasks.offscreen.gemini.online import ask_online
from tasks.offscreen.gemini.pacing import pace_of
from tasks.offscreen.local.checkpoint import FOLDER_VARIABLE, checkpoint_digest, checkpoint_folder
from tasks.offscreen.local.judge import LocalJudge, open_local
from tasks.offscreen.money.accounts import Accounts, Budgets, open_accounts
from tasks.offscreen.money.prices import SERVED, Picodollars, price_of
from tasks.offscreen.prompts import read_prompt
from tasks.workspace.stage import Row

NONE, LOCAL = "none", "qwen-omni"
JUDGES = (NONE, SERVED, LOCAL)

Judge = Callable[[Sequence[Question]], Iterator[tuple[Question, Answer]]]
"""Answers each question once, in any order; what has been answered before is not asked again."""

_FREE = Budgets(Picodollars(0), Picodollars(0))


def check_judge(recipe: Recipe) -> None:
    """See that the recipe's judge can be asked, before any work begins and anything is uploaded.

    Raises:
        RecipeError: no such judge or prompt, or a model whose price is not known.
        ModelMissing: no key, or no folder with a local model.
    """
    section, judge = recipe.offscreen, recipe.model_for("offscreen")
    if judge not in JUDGES:
        raise RecipeError("offscreen.model", f"there is no judge {judge!r}", f"known: {', '.join(JUDGES)}")
    if section is None or judge == NONE:
        return
    read_prompt(section.prompt)
    price_of(judge, section)
    if judge == LOCAL:
        checkpoint_folder()
        return
    key_from_environment()


def open_judge(recipe: Recipe, root: Path, run: str) -> Judge | None:
    """The recipe's judge, with the accounts of the workspace; None where nobody is asked.

    Args:
        run: the name of the run, under which everything is booked.

    Raises:
        as `check_judge`; WorkspaceError: the accounts cannot be used; ModelCorrupt: a local model that has changed.
    """
    check_judge(recipe)
    section, judge = recipe.offscreen, recipe.model_for("offscreen")
    if section is None or judge == NONE:
        return None
    accounts = open_accounts(root)
    accounts.close_abandoned(run)
    if judge == LOCAL:
        ask = partial(_ask_local, open_local(section, checkpoint_folder()), accounts, section, run)
    else:
        gemini = open_gemini(section, key_from_environment())
        prompt, price = read_prompt(section.prompt), price_of(judge, section)
        desk = Desk(section, gemini, accounts, pace_of(section), price, prompt, run)
        ask = partial(ask_online if section.mode == "online" else ask_in_batches, desk)
    return partial(_only_new, accounts, ask)


def judge_id(recipe: Recipe) -> str:
    """What is asked: the service's name of its model, or a local model with its checksum."""
    judge = recipe.model_for("offscreen")
    if judge == SERVED:
        return recipe.offscreen.service_model
    # Without the folder nothing can be asked; that is said where it is tried, not where the state is looked at.
    known = judge == LOCAL and os.environ.get(FOLDER_VARIABLE)
    return f"{judge}@{checkpoint_digest(checkpoint_folder())[:16]}" if known else judge


def question_on(clip: Row, recipe: Recipe, root: Path) -> Question:
    """The question about a clip, given its record from `normalize`."""
    prompt = read_prompt(recipe.offscreen.prompt)
    key = answer_key(clip["sha256"], recipe.offscreen, prompt, schema_digest(), judge_id(recipe))
    return Question(clip["clip_id"], root / clip["path"], key, clip["duration_ms"])


def _only_new(
    accounts: Accounts, ask: Judge, questions: Sequence[Question]
) -> Iterator[tuple[Question, Answer]]:
    """Give the answers that are kept, and ask what is left; of clips of the same bytes, one."""
    kept = accounts.answers([question.answer_key for question in questions])
    for question in questions:
        if question.answer_key in kept:
            yield question, partial(kept.__getitem__, question.answer_key)
    same: dict[str, list[Question]] = {}
    for question in questions:
        if question.answer_key not in kept:
            same.setdefault(question.answer_key, []).append(question)
    for question, answer in ask([some[0] for some in same.values()]):
        for each in same[question.answer_key]:
            yield each, answer


def _ask_local(
    judge: LocalJudge, accounts: Accounts, section: Offscreen, run: str, questions: Sequence[Question]
) -> Iterator[tuple[Question, Answer]]:
    for question in questions:
        yield question, partial(_local_answer, judge, accounts, section, run, question)


def _local_answer(
    judge: LocalJudge, accounts: Accounts, section: Offscreen, run: str, question: Question
) -> StoredAnswer:
    booked = accounts.reserve(run, judge.model_version, question.answer_key, 0, _FREE)
    try:
        reply = judge.ask(question.path, read_prompt(section.prompt))
    except (AnalysisError, MediaError) as error:
        accounts.give_back(booked, "no_answer")
        raise ServiceError(question.clip_id, error.problem, error.action, "no_answer") from error
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return accounts.settle(booked, 0, StoredAnswer(reply, judge.model_version, section.prompt, now, run))
