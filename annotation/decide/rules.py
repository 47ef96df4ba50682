"""What people's judgements of a clip come to: accepted, rejected, disputed or pending.

Everything follows from the items and from how each answer last stands, so the same rows give the same decisions. A
clip waits for all the judgements that the recipe asks for, even where two alike settle it: agreement is
measured on complete sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from annotation.decide.count import Counted, counted, moment
from schemas.forms import FORMS, Form, Question
from schemas.judging import Review, Rule
from schemas.units import FRAME_MS
from tasks.workspace.stage import Row


def decide(items: Iterable[Row], answers: Iterable[Row], review: Review) -> list[Row]:
    """One row of DECIDED for each clip that people are asked about as it is, sorted by clip.

    By question, an answer is decided on when more than half of the judgements that count give it, or all of them,
    as the recipe says. The clip is rejected by the first question whose answer is not one of those that it can pass
    with, even if another question is disputed. With no such question, the first that nothing is decided on
    makes it disputed; where the recipe has no adjudication, that rejects it, and the finding's answer stays null.

    Once a lead has answered a dispute, her answers stand for all questions, whatever annotators change later.
    """
    found = list(counted(items, answers, review.per_clip).values())
    clips = _by_clip(each for each in found if each.item["kind"] == "clip")
    by_leads = _by_clip(each for each in found if each.item["kind"] == "dispute" and each.complete)
    form = FORMS[review.form]
    return [_decided(form, review, clips[clip], by_leads.get(clip)) for clip in sorted(clips)]


def reason_of(decided: Row) -> str | None:
    """Why a clip was rejected, as a stable word: the question and the answer, `source:off_screen`, or
    `source:disputed` where nobody decided between the annotators. None for what was not rejected."""
    if decided["outcome"] != "rejected":
        return None
    answers = {finding["question"]: finding["answer"] for finding in decided["findings"]}
    return f"{decided['question']}:{answers[decided['question']] or 'disputed'}"


def agreeing_share(judgements: Sequence[Mapping[str, str]], questions: Sequence[Question]) -> float | None:
    """Share of the pairs of judgements that agree, over all the questions; None where there is no pair."""
    pairs = [
        one[question.name] == other[question.name]
        for question in questions
        for one, other in combinations(judgements, 2)
        if question.name in one and question.name in other
    ]
    return sum(pairs) / len(pairs) if pairs else None


def decided_answer(votes: Counter[str], of: int, rule: Rule) -> str | None:
    """The answer that enough of `of` judgements give; None where there is none."""
    if not votes:
        return None
    answer, most = max(votes.items(), key=lambda pair: (pair[1], pair[0]))
    enough = most == of if rule == "unanimity" else 2 * most > of
    return answer if enough else None


def _by_clip(found: Iterable[Counted]) -> dict[tuple[str, str], Counted]:
    """The judgements by clip and checksum; should a clip have two items, those of the one with more of them."""
    clips: dict[tuple[str, str], Counted] = {}
    for each in sorted(found, key=lambda each: (len(each.answers), each.item["item_key"])):
        clips[each.item["clip_id"], each.item["clip_sha256"]] = each
    return clips


def _decided(form: Form, review: Review, clip: Counted, by_lead: Counted | None) -> Row:
    judgements = [row["answers"] for row in clip.answers]
    lead = by_lead.answers[0] if by_lead else None
    settled = clip.complete or lead is not None
    findings = [_finding(question, review, judgements, lead, settled) for question in form.questions]
    outcome, question = _outcome(form, findings, review.adjudicate) if settled else ("pending", None)
    marked = [lead] if lead and lead["keep_start_ms"] is not None else clip.answers
    start, end = _part_to_keep(marked) if settled else (None, None)
    return {
        "clip_id": clip.item["clip_id"],
        "clip_sha256": clip.item["clip_sha256"],
        "outcome": outcome,
        "question": question,
        "counted": len(judgements),
        "needed": clip.needed,
        "extra": len(clip.extra),
        "findings": findings,
        "votes": [{"annotator": row["annotator"], "answers": row["answers"]} for row in clip.answers],
        "agreement": agreeing_share(judgements, form.deciding),
        "adjudicator": lead["annotator"] if lead else None,
        "keep_start_ms": start,
        "keep_end_ms": end,
        "decided_at": _last_change([lead] if lead else clip.answers) if settled else None,
    }


def _finding(
    question: Question,
    review: Review,
    judgements: Sequence[Mapping[str, str]],
    lead: Row | None,
    settled: bool,
) -> dict[str, Any]:
    votes = Counter(answers[question.name] for answers in judgements if question.name in answers)
    rule = review.rule_for(question.name)
    if lead:
        answer = lead["answers"].get(question.name)
        supported = votes[answer] if answer else 0
    else:
        answer = decided_answer(votes, len(judgements), rule) if settled else None
        supported = max(votes.values(), default=0)
    return {
        "question": question.name,
        "answer": answer,
        "votes": supported,
        "of": len(judgements),
        "rule": rule,
        "adjudicated": lead is not None,
    }


def _outcome(form: Form, findings: Sequence[dict[str, Any]], adjudicate: bool) -> tuple[str, str | None]:
    answers = {finding["question"]: finding["answer"] for finding in findings}
    by_lead = any(finding["adjudicated"] for finding in findings)
    for question in form.deciding:
        if answers[question.name] is not None and answers[question.name] not in question.accepts:
            return "rejected", question.name
    for question in form.deciding:
        if answers[question.name] is None:
            return ("disputed" if adjudicate and not by_lead else "rejected"), question.name
    return "accepted", None


def _part_to_keep(judgements: Sequence[Row]) -> tuple[int | None, int | None]:
    """The medians of where the part to keep begins and ends, on whole frames; null where fewer than half marked one.

    Both are rounded down alike, so that the part is never empty.
    """
    marked = [
        row for row in judgements if row["keep_start_ms"] is not None and row["keep_end_ms"] is not None
    ]
    if not marked or 2 * len(marked) < len(judgements):
        return None, None
    return _median([row["keep_start_ms"] for row in marked]), _median([row["keep_end_ms"] for row in marked])


def _median(times_ms: Sequence[int]) -> int:
    ordered, half = sorted(times_ms), len(times_ms) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2
    return middle // FRAME_MS * FRAME_MS


def _last_change(judgements: Sequence[Row]) -> str:
    return max((row["changed_at"] or row["made_at"] for row in judgements), key=moment)
