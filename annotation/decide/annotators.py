"""How each annotator works: against the others, on gold, at what speed, and from week to week."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from annotation.decide.count import Counted, is_lead, latest_versions, moment
from annotation.decide.error_rates import ErrorRates, error_rates
from annotation.decide.shares import share_of
from schemas.forms import UNCLEAR, Form
from schemas.judging import Review
from tasks.offscreen.measure.intervals import Share
from tasks.workspace.stage import Row

GOLD = ("gold_shifted", "gold_swapped")


@dataclass(frozen=True)
class OnQuestion:
    """An annotator on one question.

    Attributes:
        with_others: how often she agrees with the majority of the others, where these have one.
        unclear: share of her answers.
        errors: by the model of Dawid and Skene; None where it could not be fitted.
    """

    question: str
    with_others: Share
    unclear: Share
    errors: ErrorRates | None


@dataclass(frozen=True)
class OnGold:
    """An annotator on gold clips of one kind.

    Attributes:
        missed: share of which she let the fault pass, or could not tell.
        otherwise: how many she found faulty, and named another fault.
    """

    kind: str
    missed: Share
    otherwise: int


@dataclass(frozen=True)
class Week:
    """Agreement with the majority of the others in one ISO week, over all questions.

    The interval is of the number of clips, since the questions of a clip are not independent.
    """

    week: str
    with_others: Share


@dataclass(frozen=True)
class Annotator:
    """What is known of one annotator; all numbers are of answers as they last stand.

    Attributes:
        judged: items with a good answer; `extra`: of them those beyond what the item asks for.
        skipped, refused: items that she passed on, and answers that could not count.
        skips: share passed on of all that she was given.
        seconds: median time that the page was open; None where it is never known.
        too_fast: share of answers given in less than the recipe's part of the clip's length, where the time is known.
        unknown_times: answers whose time the server does not say.
        unclear: share of all her answers to all questions.
    """

    pseudonym: str
    judged: int
    extra: int
    skipped: int
    refused: int
    skips: Share
    seconds: float | None
    too_fast: Share
    unknown_times: int
    unclear: Share
    questions: tuple[OnQuestion, ...]
    gold: tuple[OnGold, ...]
    weeks: tuple[Week, ...]


def annotators(
    found: Sequence[Counted], answers: Iterable[Row], form: Form, review: Review
) -> list[Annotator]:
    """What is known of each annotator, by pseudonym; leads are not measured.

    Args:
        found: the judgements of all items of the project `review`, gold too.
        answers: the rows that they come from, for what was refused.
    """
    clips = [each for each in found if each.item["kind"] not in GOLD]
    rates = {question.name: error_rates(found, question.name) for question in form.questions}
    others = _with_others(clips, form)
    good: dict[str, list[tuple[Counted, Row]]] = defaultdict(list)
    skipped: Counter[str] = Counter()
    for each in found:
        for row in (*each.answers, *each.extra):
            good[row["annotator"]].append((each, row))
        skipped.update(row["annotator"] for row in each.skips)
    refused = _refused(answers, {each.item["item_key"] for each in found})
    people = sorted({*good, *skipped, *refused}, key=lambda name: (len(name), name))
    return [
        _one(name, good[name], skipped[name], refused[name], rates, others[name], form, review)
        for name in people
        if not is_lead(name)
    ]


def _refused(answers: Iterable[Row], keys: set[str]) -> Counter[str]:
    by_item: dict[str, list[Row]] = defaultdict(list)
    for row in answers:
        if row["annotator"] is not None and row["item_key"] in keys:
            by_item[row["item_key"]].append(row)
    return Counter(
        row["annotator"]
        for rows in by_item.values()
        for row in latest_versions(rows).values()
        if row["refused"] is not None
    )


def _one(
    name: str,
    good: Sequence[tuple[Counted, Row]],
    skipped: int,
    refused: int,
    rates: Mapping[str, Mapping[str, ErrorRates]],
    others: Mapping[tuple[str, str, str], bool],
    form: Form,
    review: Review,
) -> Annotator:
    timed = [(clip, row) for clip, row in good if row["lead_time_ms"] is not None]
    fast = sum(row["lead_time_ms"] < review.min_watched * clip.item["duration_ms"] for clip, row in timed)
    given = Counter(
        (question, answer == UNCLEAR) for _, row in good for question, answer in row["answers"].items()
    )
    unclear = sum(number for (_, is_unclear), number in given.items() if is_unclear)
    return Annotator(
        pseudonym=name,
        judged=len(good),
        extra=sum(all(row is not counts for counts in clip.answers) for clip, row in good),
        skipped=skipped,
        refused=refused,
        skips=share_of(skipped, skipped + len(good)),
        seconds=median(row["lead_time_ms"] for _, row in timed) / 1000 if timed else None,
        too_fast=share_of(fast, len(timed)),
        unknown_times=len(good) - len(timed),
        unclear=share_of(unclear, given.total()),
        questions=tuple(
            OnQuestion(
                question.name,
                _share([agrees for (_, _, asked), agrees in others.items() if asked == question.name]),
                share_of(
                    given[question.name, True], given[question.name, True] + given[question.name, False]
                ),
                rates[question.name].get(name),
            )
            for question in form.questions
        ),
        gold=tuple(
            _gold(kind, good, form) for kind in GOLD if any(clip.item["kind"] == kind for clip, _ in good)
        ),
        weeks=tuple(_weeks(others)),
    )


def _share(seen: Sequence[bool]) -> Share:
    return share_of(sum(seen), len(seen))


def _with_others(clips: Iterable[Counted], form: Form) -> dict[str, dict[tuple[str, str, str], bool]]:
    """By annotator: (week, item, question) to whether she agrees with more than half of the others."""
    agrees: dict[str, dict[tuple[str, str, str], bool]] = defaultdict(dict)
    for clip in clips:
        for question in (each.name for each in form.questions):
            votes = Counter(row["answers"][question] for row in clip.answers if question in row["answers"])
            for row in clip.answers:
                said = row["answers"].get(question)
                theirs = votes - Counter([said])
                if said is None or not theirs:
                    continue
                answer, most = theirs.most_common(1)[0]
                if 2 * most > theirs.total() and theirs.total() > 1:
                    year, week, _ = moment(row["made_at"]).isocalendar()
                    key = f"{year}-W{week:02d}", clip.item["item_key"], question
                    agrees[row["annotator"]][key] = said == answer
    return agrees


def _weeks(others: Mapping[tuple[str, str, str], bool]) -> list[Week]:
    by_week: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for (week, key, _), agrees in others.items():
        by_week[week].append((key, agrees))
    weeks = []
    for week, seen in sorted(by_week.items()):
        share = sum(agrees for _, agrees in seen) / len(seen)
        clips = len({key for key, _ in seen})
        weeks.append(Week(week, share_of(share * clips, clips)))
    return weeks


def _gold(kind: str, good: Sequence[tuple[Counted, Row]], form: Form) -> OnGold:
    passing = {question.name: question.accepts for question in form.questions}
    seen = missed = otherwise = 0
    for clip, row in good:
        for question, expected in clip.item["expected"].items():
            said = row["answers"].get(question)
            if clip.item["kind"] != kind or said is None:
                continue
            seen += 1
            passes = said == UNCLEAR or not passing.get(question) or said in passing[question]
            missed += said != expected and passes
            otherwise += said != expected and not passes
    return OnGold(kind, share_of(missed, seen), otherwise)
