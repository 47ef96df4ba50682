"""How well annotators agree beyond chance: Krippendorff's alpha with bootstrap intervals.

    alpha = 1 − D_o / D_e        1: always agree · 0: as if each had drawn her answers by lot · below: they oppose

Answers have no order, so two of them agree or do not (the nominal alpha). Krippendorff (Content Analysis, 2004) reads
0.8 as reliable and 0.667 as the least for tentative conclusions. Only judgements that count are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import krippendorff
import numpy as np

from annotation.decide.count import Counted, moment
from schemas.forms import Form

FEWEST_CLIPS = 5
"""With fewer clips that two people judged, no alpha is told."""

LEAST_DEFINED = 0.95
"""An interval is told where alpha is defined in at least this share of the draws; the others are left out of it."""

Kind = Literal["all", "verdict", "question", "scenario", "week"]


@dataclass(frozen=True)
class Agreement:
    """Agreement in one group of judgements.

    Attributes:
        kind: what makes the group: `all` questions together, the `verdict` whether a clip is fit, one `question`; the
            other questions on clips of one `scenario`; all questions on clips of one ISO `week`, that of the last
            judgement.
        name: the question, scenario or week; empty for the first two kinds.
        alpha: at most 1; None where it is not defined.
        low, high: its 95 % percentile bootstrap interval, clips drawn anew; None where there is none.
        clips: with two judgements or more; `annotators`: who gave them.
        why: what to tell a person where a number is missing; empty otherwise.
    """

    kind: Kind
    name: str
    alpha: float | None
    low: float | None
    high: float | None
    clips: int
    annotators: int
    why: str = ""


def agreement(
    found: Sequence[Counted], form: Form, scenarios: Mapping[str, str], draws: int
) -> list[Agreement]:
    """Agreement over all, per verdict, question, scenario and week; groups without a clip are left out.

    Args:
        found: the judgements of the clips to measure on, without gold.
        scenarios: decided scenario by item key; clips without one belong to no such group.
        draws: of the bootstrap. They depend on nothing but the judgements, so the same give the same.

    All questions together: disagreement seen and disagreement expected are each added up over the questions
    before they are divided, so that chance is reckoned within a question.
    """
    clips = sorted((each for each in found if len(each.answers) > 1), key=lambda each: each.item["item_key"])
    widest = max(len(question.answers) for question in form.questions)
    sums = np.zeros((len(clips), len(form.questions), 1 + widest))
    for number, question in enumerate(form.questions):
        of_question = _sums(clips, question.answers, _answer_to(question.name))
        sums[:, number, : of_question.shape[1]] = of_question
    groups = [_measured("all", "", clips, sums, draws)]
    if form.deciding:
        verdicts = _sums(clips, ("fit", "unfit"), _verdict(form))
        groups.append(_measured("verdict", "", clips, verdicts[:, None], draws))
    for number, question in enumerate(form.questions):
        groups.append(_measured("question", question.name, clips, sums[:, number : number + 1], draws))
    # Within a scenario the question which one it is hardly varies, and says nothing of agreement.
    others = sums[:, [question.name != "scenario" for question in form.questions]]
    by_scenario = [scenarios.get(each.item["item_key"]) for each in clips]
    by_week = [week_of(each) for each in clips]
    for kind, names, of_kind in (("scenario", by_scenario, others), ("week", by_week, sums)):
        for name in sorted({name for name in names if name is not None}):
            inside = np.array([each == name for each in names], dtype=bool)
            members = [clip for clip, member in zip(clips, inside, strict=True) if member]
            groups.append(_measured(kind, name, members, of_kind[inside], draws))
    return [group for group in groups if group.clips or group.kind not in ("scenario", "week")]


def week_of(clip: Counted) -> str:
    """The ISO week of the last judgement that counts, such as 2026-W47; needs one."""
    year, week, _ = max(moment(row["made_at"]) for row in clip.answers).isocalendar()
    return f"{year}-W{week:02d}"


def alpha_of(sums: np.ndarray) -> np.ndarray:
    """Alpha from the sums of clips, NaN where nothing varies.

    Args:
        sums: float [..., questions, 1 + answers]: the coincidences that disagree, then how often each answer was
            given, among the clips with two answers or more.

    Returns:
        float [...]; over several questions, one minus the ratio of both sums.
    """
    seen, given = sums[..., 0], sums[..., 1:]
    total = given.sum(axis=-1)
    expected = (total**2 - (given**2).sum(axis=-1)) / np.maximum(total - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - seen.sum(axis=-1) / expected.sum(axis=-1)


def resampled(sums: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """The sums of as many clips drawn with replacement, again and again.

    Clips with the same answers are interchangeable, so it is enough to draw how many there are of each pattern.

    Args:
        sums: float [clips, questions, 1 + answers].

    Returns:
        float [draws, questions, 1 + answers]; memory beside it is at most about 32 MB.
    """
    clips = len(sums)
    patterns, numbers = np.unique(sums.reshape(clips, -1), axis=0, return_counts=True)
    at_once = max(1, 4_000_000 // len(patterns))
    drawn = [
        generator.multinomial(clips, numbers / clips, size=min(at_once, draws - start)) @ patterns
        for start in range(0, draws, at_once)
    ]
    return np.concatenate(drawn).reshape(draws, *sums.shape[1:])


def _sums(
    clips: Sequence[Counted], values: Sequence[str], said: Callable[[Mapping[str, str]], str | None]
) -> np.ndarray:
    """float [clips, 1 + values]: disagreeing coincidences and how often each value was said; zeros below two."""
    place = {value: number for number, value in enumerate(values)}
    counts = np.zeros((len(clips), len(values)))
    for number, clip in enumerate(clips):
        for row in clip.answers:
            value = said(row["answers"])
            if value in place:
                counts[number, place[value]] += 1
    total = counts.sum(axis=1)
    counts[total < 2] = 0
    total[total < 2] = 0
    disagreeing = (total**2 - (counts**2).sum(axis=1)) / np.maximum(total - 1, 1)
    return np.column_stack([disagreeing, counts])


def _answer_to(question: str) -> Callable[[Mapping[str, str]], str | None]:
    return lambda answers: answers.get(question)


def _verdict(form: Form) -> Callable[[Mapping[str, str]], str | None]:
    """Whether one person's answers, by themselves, would let the clip pass."""

    def said(answers: Mapping[str, str]) -> str | None:
        if any(question.name not in answers for question in form.deciding):
            return None
        fit = all(answers[question.name] in question.accepts for question in form.deciding)
        return "fit" if fit else "unfit"

    return said


def _measured(kind: Kind, name: str, clips: Sequence[Counted], sums: np.ndarray, draws: int) -> Agreement:
    compared = sums[..., 1:].sum(axis=(1, 2)) > 0
    sums = sums[compared]
    people = {
        row["annotator"]
        for clip, member in zip(clips, compared, strict=True)
        if member
        for row in clip.answers
    }
    size = (len(sums), len(people))
    if len(sums) < FEWEST_CLIPS:
        why = f"{FEWEST_CLIPS} clips with two judgements are needed, there are {len(sums)}"
        return Agreement(kind, name, None, None, None, *size, why)
    alpha = _alpha(sums)
    if np.isnan(alpha):
        why = f"all {int(sums[..., 1:].sum())} answers are the same: agreement beyond chance is not defined"
        return Agreement(kind, name, None, None, None, *size, why)
    generator = np.random.default_rng(crc32(f"{kind} {name}".encode()))
    drawn = alpha_of(resampled(sums, draws, generator))
    defined = drawn[~np.isnan(drawn)]
    if len(defined) < LEAST_DEFINED * draws:
        why = "the answers hardly vary: too few draws have two different ones for an interval"
        return Agreement(kind, name, alpha, None, None, *size, why)
    low, high = np.percentile(defined, [2.5, 97.5])
    return Agreement(kind, name, alpha, float(low), float(high), *size)


def _alpha(sums: np.ndarray) -> float:
    """Alpha of one question by the library; of several by the sums, as the library knows one only."""
    questions = sums.shape[1]
    if questions > 1 or not np.count_nonzero(sums[:, 0, 1:].sum(axis=0)) > 1:
        return float(alpha_of(sums.sum(axis=0)))
    return float(krippendorff.alpha(value_counts=sums[:, 0, 1:], level_of_measurement="nominal"))
