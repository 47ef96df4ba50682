"""How good a model's judgements are, by what people say of the same clips.

People see all clips that the model would keep or is unsure of, but only a sample (`offscreen.audit`) of those that it
would leave out. Counted plainly, its catches would be far too few and its recall far too low. Each reviewed clip
therefore stands for as many as there are of its kind for each one reviewed: of what would be left out that is about
1/audit, and of the rest 1, or more while their review is under way. This holds for reviews of one operating point;
after the point was changed, what was sampled under the old one weighs a little wrong.

Where people could not agree, their `unclear` is neither right nor wrong: it is counted, and left out of the shares.
The model's own `unclear` is no catch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.judgement import QUESTIONS, Judgement
from schemas.judging import Offscreen
from tasks.offscreen.measure.intervals import Share, weighted_share
from tasks.offscreen.measure.reviews import ANSWERS, UNCLEAR
from tasks.offscreen.verdict import FLAWS, verdict_on
from tasks.workspace.stage import Row

ALL = "all"
BAD = {flaw.question: flaw.bad for flaw in FLAWS}
"""For each question that can leave a clip out, the answer that does."""


@dataclass(frozen=True)
class Judged:
    """A clip that a model judged, whether people have seen it or not.

    Attributes:
        prompt: the version that the model was asked with.
        left_out: whether the operating point leaves it out, so that people see it as part of the audit only.
    """

    clip_id: str
    judgement: Judgement
    prompt: str
    left_out: bool


@dataclass(frozen=True)
class Seen:
    """The judgements about one question beside what people say, as columns over clips.

    Attributes:
        answers: str [clips], the model's.
        confidence: float [clips], 0–1, the model's.
        truth: str [clips], people's; empty where they have not reviewed the clip.
        weights: float [clips]: how many clips each reviewed one stands for.
        prompts, scenarios: str [clips]; the scenario is people's, empty where they named none.
    """

    question: str
    answers: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    prompts: np.ndarray
    scenarios: np.ndarray

    @property
    def decided(self) -> np.ndarray:
        """bool [clips]: people have reviewed the clip, and agree."""
        return (self.truth != "") & (self.truth != UNCLEAR)


@dataclass(frozen=True)
class Score:
    """How good one answer to one question is in one group of clips.

    Attributes:
        group: `all`, `prompt v1` …, `scenario singing` …
        answer: the answer whose precision and recall these are; `any` for all of them at once, where precision and
            recall are both the share of clips on which model and people agree.
        reviewed: clips on which people agree; `undecided`: those on which they do not.
        people, model: how many of the reviewed have this answer by people, and by the model.
    """

    question: str
    group: str
    answer: str
    reviewed: int
    undecided: int
    people: int
    model: int
    precision: Share
    recall: Share


@dataclass(frozen=True)
class Audit:
    """How many clips there are, and how many of them people saw, by whether the point would leave them out.

    `blind`: some would be left out and people have seen none of those, so nothing can be said about them.
    """

    question: str
    kept: int
    kept_reviewed: int
    left_out: int
    left_out_reviewed: int

    @property
    def blind(self) -> bool:
        return self.left_out > 0 and self.left_out_reviewed == 0


def judged(clip_id: str, judgement: Judgement, prompt: str, section: Offscreen) -> Judged:
    """A judgement with what the recipe's operating point makes of it."""
    verdict = verdict_on(judgement, section, clip_id)
    return Judged(clip_id, judgement, prompt, verdict.kind == "drop" or verdict.reason == "audit")


def beside_people(question: str, clips: Sequence[Judged], reviews: Iterable[Row]) -> Seen:
    """All judgements about a question beside the reviews of it, with the weight of each reviewed clip.

    A weight is, among the clips of the same prompt that the point treats alike, the number of all by that of the
    reviewed.
    """
    said: dict[str, dict[str, str]] = {each: {} for each in QUESTIONS}
    for row in reviews:
        said[row["question"]][row["clip_id"]] = row["answer"]
    truth = [said[question].get(each.clip_id, "") for each in clips]
    kinds = [(each.prompt, each.left_out) for each in clips]
    total = Counter(kinds)
    reviewed = Counter(kind for kind, answer in zip(kinds, truth, strict=True) if answer)
    return Seen(
        question=question,
        answers=_texts(getattr(each.judgement, question) for each in clips),
        confidence=np.array(
            [getattr(each.judgement, f"{question}_confidence") for each in clips], dtype=float
        ),
        truth=_texts(truth),
        weights=np.array(
            [total[kind] / reviewed[kind] if reviewed[kind] else 0.0 for kind in kinds], dtype=float
        ),
        prompts=_texts(each.prompt for each in clips),
        scenarios=_texts(said["scenario"].get(each.clip_id, "") for each in clips),
    )


def audit_of(question: str, clips: Sequence[Judged], seen: Seen) -> Audit:
    """How much of either kind of clip people have seen."""
    out = np.array([each.left_out for each in clips], dtype=bool)
    reviewed = seen.truth != ""
    return Audit(
        question, int((~out).sum()), int((~out & reviewed).sum()), int(out.sum()), int((out & reviewed).sum())
    )


def scores(seen: Seen) -> list[Score]:
    """Precision and recall over all clips, by prompt version and by people's scenario.

    For `scenario` itself: of all answers at once, and of each scenario by itself.
    """
    everything = np.ones(len(seen.answers), dtype=bool)
    groups = {ALL: everything}
    groups |= {f"prompt {each}": seen.prompts == each for each in _distinct(seen.prompts)}
    if seen.question in BAD:
        named = [each for each in ANSWERS["scenario"] if each != UNCLEAR]
        groups |= {f"scenario {each}": seen.scenarios == each for each in named}
        found = [_score(seen, group, BAD[seen.question], among) for group, among in groups.items()]
    else:
        found = [_agreement(seen, group, among) for group, among in groups.items()]
        found += [_score(seen, ALL, each, everything) for each in ANSWERS[seen.question] if each != UNCLEAR]
    return [each for each in found if each.reviewed or each.undecided or each.group == ALL]


def confusion(seen: Seen) -> Mapping[tuple[str, str], int]:
    """How often people say one thing and the model another, as (people's, model's); plain counts of clips."""
    pairs = zip(seen.truth.tolist(), seen.answers.tolist(), strict=True)
    return Counter((truth, answer) for truth, answer in pairs if truth)


def _score(seen: Seen, group: str, answer: str, among: np.ndarray) -> Score:
    decided = seen.decided & among
    called, true = seen.answers == answer, seen.truth == answer
    return Score(
        question=seen.question,
        group=group,
        answer=answer,
        reviewed=int(decided.sum()),
        undecided=int(((seen.truth == UNCLEAR) & among).sum()),
        people=int((decided & true).sum()),
        model=int((decided & called).sum()),
        precision=weighted_share(seen.weights, true, decided & called),
        recall=weighted_share(seen.weights, called, decided & true),
    )


def _agreement(seen: Seen, group: str, among: np.ndarray) -> Score:
    decided = seen.decided & among
    agreed = weighted_share(seen.weights, seen.answers == seen.truth, decided)
    undecided = int(((seen.truth == UNCLEAR) & among).sum())
    n = int(decided.sum())
    return Score(seen.question, group, "any", n, undecided, n, n, agreed, agreed)


def _texts(values: Iterable[str]) -> np.ndarray:
    return np.array(list(values), dtype=np.str_)


def _distinct(values: Collection[str]) -> list[str]:
    return sorted({str(value) for value in values})
