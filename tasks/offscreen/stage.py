"""The stage `offscreen`: a model judges each clip that is fit so far, and people get what it is not sure of.

It comes last, after the conditions and the duplicates, since it is what costs money.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from schemas.errors import Dropped
from schemas.judgement import Judgement, schema_digest
from schemas.judging import Offscreen
from schemas.recipe import Recipe
from schemas.tables import OFFSCREEN
from tasks.offscreen.answers import DECIDES_THE_ANSWER, Question
from tasks.offscreen.gemini.desk import Answer
from tasks.offscreen.judges import NONE, judge_id, open_judge, question_on
from tasks.offscreen.prompts import read_prompt
from tasks.offscreen.reply import NoJudgement, judgement_of
from tasks.offscreen.verdict import Verdict, verdict_on
from tasks.workspace.stage import Context, Item, Produced, Stage, Together, singly

UNJUDGED = "unjudged"
"""Why a clip goes to people where the recipe asks nobody."""


def open_together(context: Context) -> Together:
    """The judge of a shard, which takes all its clips at once.

    A result raises Dropped (`off_screen`, `mismatch`, `poor_audio`), Deferred (`budget_reached`, `batch_pending`,
    `quota_exhausted` …), ServiceError (the kind of the fault) or ServiceRefused.

    Raises:
        as `judges.open_judge`.
    """
    recipe = context.recipe
    if recipe.offscreen is None:
        return lambda items: iter([(item, partial(Produced, [])) for item in items])
    judge = open_judge(recipe, context.root, context.run)
    if judge is None:
        return lambda items: iter([(item, partial(_for_people, item, UNJUDGED)) for item in items])

    def together(items: Sequence[Item]) -> Iterator[tuple[Item, Callable[[], Produced]]]:
        by_id = {item.id: item for item in items}
        questions = [question_on(item.row, recipe, context.root) for item in items]
        for question, answer in judge(questions):
            item = by_id[question.clip_id]
            yield item, partial(_judged, item, question, answer, recipe.offscreen)

    return together


def _judged(item: Item, question: Question, answer: Answer, section: Offscreen) -> Produced:
    """What becomes of a clip by its answer; one without a judgement in it is for people, and is not asked again."""
    try:
        judgement = judgement_of(answer().reply)
    except NoJudgement as nothing:
        return _for_people(item, nothing.reason, question.answer_key)
    verdict = verdict_on(judgement, section, item.id)
    if verdict.kind == "drop":
        raise Dropped(verdict.reason, verdict.detail)
    return Produced([_row(item, judgement, verdict, question.answer_key)])


def _for_people(item: Item, reason: str, answer_key: str | None = None) -> Produced:
    nothing = dict.fromkeys(OFFSCREEN.names)
    identity = {"clip_id": item.id, "video_id": item.video_id, "answer_key": answer_key}
    return Produced([{**nothing, **identity, "verdict": "people", "reason": reason}])


def _row(item: Item, judgement: Judgement, verdict: Verdict, answer_key: str) -> dict[str, Any]:
    judged = judgement.model_dump(mode="json", exclude={"evidence_seconds"})
    evidence_ms = round(judgement.evidence_seconds * 1000)
    return {
        "clip_id": item.id,
        "video_id": item.video_id,
        "verdict": verdict.kind,
        "reason": verdict.reason,
        **judged,
        "evidence_ms": evidence_ms if evidence_ms <= item.row["duration_ms"] else None,
        "answer_key": answer_key,
    }


def _settings(recipe: Recipe) -> Mapping[str, Any]:
    """What decides the verdict; budgets, pace and tries only say how an answer is had."""
    section = recipe.offscreen
    judge = recipe.model_for("offscreen")
    if section is None or judge == NONE:
        return {"judge": None if section is None else judge}
    prompt = hashlib.sha256(read_prompt(section.prompt).encode()).hexdigest()
    chosen = section.model_dump(mode="json", include={*DECIDES_THE_ANSWER, "leave_out", "audit"})
    return {**chosen, "judge": judge_id(recipe), "prompt_text": prompt, "schema": schema_digest()}


STAGE = Stage(
    name="offscreen",
    version=1,
    works_on="clip",
    inputs=("conditions", "duplicates"),
    schema=OFFSCREEN,
    settings=_settings,
    models=lambda recipe: (),
    open=singly(open_together),
    together=open_together,
)
