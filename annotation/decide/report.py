"""All that is known of one recipe's review, measured from its items and answers: what report and page tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from annotation.decide.agreement import Agreement, agreement
from annotation.decide.annotators import GOLD, Annotator, annotators
from annotation.decide.count import Counted, counted, moment
from annotation.decide.disputes import Dispute, disputes
from annotation.decide.flags import Flag, flags
from annotation.decide.progress import Progress, progress_of
from annotation.decide.rules import decide
from annotation.decide.shares import share_of
from annotation.decide.studies import MachineLabels, Tolerance, machine_labels, tolerance
from schemas.forms import FORMS, Form
from schemas.judging import Review
from tasks.offscreen.measure.intervals import Share
from tasks.workspace.stage import Row


@dataclass(frozen=True)
class Votes:
    """One question: judgements that count by answer, and what clips were decided to be.

    Attributes:
        given: answer to judgements, in the order of the page; gold is not among them.
        decided: answer to clips; empty for forms that decide nothing.
        undecided: clips with all judgements on which nothing is decided.
    """

    question: str
    given: Mapping[str, int]
    decided: Mapping[str, int]
    undecided: int


@dataclass(frozen=True)
class Confusion:
    """Which answers people give to the same clip.

    Attributes:
        pairs: (answer, answer) of two annotators to how many pairs of judgements; in the order of the page, both
            orders counted as one.
    """

    question: str
    pairs: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Report:
    """The state of a review.

    Attributes:
        until: when the last answer was pulled, ISO 8601; None without one.
        strangers: answers to items that are not known; passed over.
        together: pairs of annotators to how often they agree, over all questions of clips that both judged.
        flags: signs that an annotator works otherwise than the team.
        waiting: clips that wait for the lead.
    """

    recipe: str
    form: str
    rule: str
    per_clip: int
    min_watched: float
    until: str | None
    strangers: int
    progress: Progress
    votes: tuple[Votes, ...]
    agreement: tuple[Agreement, ...]
    confusion: tuple[Confusion, ...]
    together: Mapping[tuple[str, str], Share]
    people: tuple[Annotator, ...]
    flags: tuple[Flag, ...]
    tolerance: Tolerance | None
    machine: tuple[MachineLabels, ...]
    waiting: tuple[Dispute, ...]


def report_on(recipe: str, review: Review, items: Sequence[Row], answers: Sequence[Row]) -> Report:
    """Measure a review; the same rows, in any order, give the same report.

    Args:
        recipe: its name.
        items, answers: all rows of ITEMS and ANSWERS of it.
    """
    form = FORMS[review.form]
    decided = decide(items, answers, review)
    found = counted(items, answers, review.per_clip)
    of_review = [found[key] for key in sorted(found) if found[key].item["kind"] != "dispute"]
    measured = [each for each in of_review if each.item["kind"] not in GOLD]
    people = annotators(of_review, answers, form, review)
    pulled = [row["pulled_at"] for row in answers if row["pulled_at"]]
    return Report(
        recipe=recipe,
        form=form.name,
        rule=_rule(review, form),
        per_clip=review.per_clip,
        min_watched=review.min_watched,
        until=max(pulled, key=moment, default=None),
        strangers=sum(row["item_key"] not in found for row in answers),
        progress=progress_of(decided, found, answers),
        votes=tuple(_votes(measured, decided, form)),
        agreement=tuple(agreement(measured, form, _scenarios(measured, decided), review.bootstrap)),
        confusion=tuple(_confusion(measured, form)),
        together=_together(measured),
        people=tuple(people),
        flags=tuple(flags(people, review.min_watched)),
        tolerance=tolerance(measured, review.bootstrap),
        machine=tuple(machine_labels(measured, form, review)),
        waiting=tuple(disputes(decided, items, answers)),
    )


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain objects, for `--json`; pairs of names become lists."""
    plain = asdict(report)
    plain["together"] = [
        {"annotators": list(pair), "agree": asdict(share)} for pair, share in report.together.items()
    ]
    plain["confusion"] = [
        {
            "question": each.question,
            "pairs": [{"answers": list(pair), "judgements": number} for pair, number in each.pairs.items()],
        }
        for each in report.confusion
    ]
    for shown, machine in zip(plain["machine"], report.machine, strict=True):
        shown["confusion"] = [
            {"people": people, "machine": its, "clips": number}
            for (people, its), number in machine.confusion.items()
        ]
    plain["waiting"] = [
        {
            "clip_id": each.item["clip_id"],
            "questions": list(each.questions),
            "answers": {name: dict(answers) for name, answers in each.answers.items()},
        }
        for each in report.waiting
    ]
    return plain


def _rule(review: Review, form: Form) -> str:
    others = [
        f"{name}: {rule}"
        for question in form.questions
        if (rule := review.rules.get(name := question.name)) and rule != review.rule
    ]
    return review.rule + (f" ({', '.join(others)})" if others else "")


def _scenarios(found: Iterable[Counted], decided: Iterable[Row]) -> dict[str, str]:
    by_clip = {
        (row["clip_id"], row["clip_sha256"]): finding["answer"]
        for row in decided
        for finding in row["findings"]
        if finding["question"] == "scenario" and finding["answer"] is not None
    }
    clips = {each.item["item_key"]: (each.item["clip_id"], each.item["clip_sha256"]) for each in found}
    return {key: by_clip[clip] for key, clip in clips.items() if clip in by_clip}


def _votes(found: Sequence[Counted], decided: Sequence[Row], form: Form) -> Iterable[Votes]:
    complete = [row for row in decided if row["outcome"] != "pending"]
    for question in form.questions:
        given = Counter(row["answers"].get(question.name) for each in found for row in each.answers)
        final = Counter(
            finding["answer"]
            for row in complete
            for finding in row["findings"]
            if finding["question"] == question.name
        )
        yield Votes(
            question.name,
            {answer: given[answer] for answer in question.answers},
            {answer: final[answer] for answer in question.answers} if complete else {},
            final[None],
        )


def _confusion(found: Sequence[Counted], form: Form) -> Iterable[Confusion]:
    for question in form.questions:
        place = {answer: number for number, answer in enumerate(question.answers)}
        pairs: Counter[tuple[str, str]] = Counter()
        for each in found:
            said = [row["answers"].get(question.name) for row in each.answers]
            for pair in combinations(sorted((one for one in said if one in place), key=place.__getitem__), 2):
                pairs[pair] += 1
        if pairs:
            ordered = sorted(pairs, key=lambda pair: (place[pair[0]], place[pair[1]]))
            yield Confusion(question.name, {pair: pairs[pair] for pair in ordered})


def _together(found: Iterable[Counted]) -> dict[tuple[str, str], Share]:
    agrees: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    for each in found:
        for one, other in combinations(sorted(each.answers, key=lambda row: row["annotator"]), 2):
            for question in one["answers"].keys() & other["answers"].keys():
                same = one["answers"][question] == other["answers"][question]
                agrees[one["annotator"], other["annotator"]][same] += 1
    return {pair: share_of(seen[True], seen.total()) for pair, seen in sorted(agrees.items())}
