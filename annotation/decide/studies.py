"""What reviews measure that decide on no clip: how large an offset people notice, and how good machine labels are.

Positive offsets: the audio is early, as everywhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from annotation.decide.count import Counted
from annotation.decide.rules import decided_answer
from annotation.decide.shares import share_of
from schemas.forms import UNCLEAR, Form
from schemas.judging import Review
from tasks.offscreen.measure.intervals import Share

SEED = 20_200
FEWEST_CLIPS = 5
"""With fewer clips no interval of a threshold is told."""


@dataclass(frozen=True)
class AtOffset:
    """What people said of clips with one offset.

    Attributes:
        offset_ms: positive when the audio is early.
        in_sync: share of "yes" among those who could tell.
        unclear: how many could not.
    """

    offset_ms: int
    in_sync: Share
    unclear: int


@dataclass(frozen=True)
class Threshold:
    """The offset at which half of the answers are "no".

    Attributes:
        side: early (positive offsets) or late (negative ones), of the audio.
        offset_ms: between two offsets that were shown, by a straight line; None where half never say "no".
        low_ms, high_ms: its 95 % percentile bootstrap interval, clips drawn anew; None where a draw in twenty or more
            has no such offset.
        why: what to tell a person where a number is missing; empty otherwise.
    """

    side: str
    offset_ms: float | None
    low_ms: float | None
    high_ms: float | None
    why: str = ""


@dataclass(frozen=True)
class Tolerance:
    """The tolerance study: `clips` are those that the shown pairs are made from."""

    offsets: tuple[AtOffset, ...]
    thresholds: tuple[Threshold, ...]
    clips: int


def tolerance(found: Iterable[Counted], draws: int) -> Tolerance | None:
    """How the share of "in sync" falls with the offset; None where no pair of the study has an answer.

    The intervals of the shares take every answer for independent; those of the thresholds do not.
    """
    pairs = [each for each in found if each.item["kind"] == "offset" and each.answers]
    if not pairs:
        return None
    offsets = sorted({each.item["offset_ms"] for each in pairs})
    clips = sorted({each.item["clip_id"] for each in pairs})
    counts = np.zeros((len(clips), len(offsets), 3), dtype=np.int64)
    of_clip, of_offset, of_answer = map(_places, (clips, offsets, ("yes", "no", UNCLEAR)))
    for each in pairs:
        for row in each.answers:
            answer = of_answer.get(row["answers"].get("in_sync"))
            if answer is not None:
                counts[of_clip[each.item["clip_id"]], of_offset[each.item["offset_ms"]], answer] += 1
    total = counts.sum(axis=0)
    shown = tuple(
        AtOffset(offset, share_of(int(yes), int(yes + no)), int(unclear))
        for offset, (yes, no, unclear) in zip(offsets, total, strict=True)
    )
    drawn = np.random.default_rng(SEED).multinomial(
        len(clips), np.full(len(clips), 1 / len(clips)), size=draws
    )
    yes_no = np.einsum("dc,cok->dok", drawn, counts[..., :2])
    sides = (("late", -1), ("early", 1))
    return Tolerance(
        shown,
        tuple(_threshold(name, sign, offsets, total[:, :2], yes_no, len(clips)) for name, sign in sides),
        len(clips),
    )


def _places(names: Sequence[Hashable]) -> dict[Hashable, int]:
    return {name: number for number, name in enumerate(names)}


def half_point(offsets: Sequence[int], yes_no: np.ndarray, sign: int) -> float | None:
    """The first offset, going from 0 to one side, at which half of the answers are "no".

    Args:
        offsets: ms, rising.
        yes_no: int [offsets, 2]: answers; offsets with none are passed over.
        sign: 1 towards early audio, −1 towards late.

    Returns:
        ms, with its sign; None where the offset nearest to 0 has no majority of "yes", or no later one has it not.
    """
    seen = yes_no.sum(axis=1) > 0
    here = [number for number, offset in enumerate(offsets) if seen[number] and offset * sign >= 0]
    side = sorted((abs(offsets[number]), number) for number in here)
    shares = [(distance, yes_no[number, 0] / yes_no[number].sum()) for distance, number in side]
    for (near, high), (far, low) in pairwise(shares):
        if high < 0.5:
            return None
        if low < 0.5:
            return float(sign * (near + (far - near) * (high - 0.5) / (high - low)))
    return None


def _threshold(
    name: str, sign: int, offsets: Sequence[int], total: np.ndarray, drawn: np.ndarray, clips: int
) -> Threshold:
    middle = half_point(offsets, total, sign)
    if middle is None:
        why = "the share does not fall through one half among what was shown"
        return Threshold(name, None, None, None, why)
    if clips < FEWEST_CLIPS:
        why = f"{clips} clips are too few for an interval, {FEWEST_CLIPS} are needed"
        return Threshold(name, middle, None, None, why)
    points = [point for each in drawn if (point := half_point(offsets, each, sign)) is not None]
    if len(points) <= 0.95 * len(drawn):
        why = "too few draws fall through one half for an interval"
        return Threshold(name, middle, None, None, why)
    low, high = np.percentile(points, [2.5, 97.5])
    return Threshold(name, middle, float(low), float(high))


@dataclass(frozen=True)
class OfLabel:
    """How good the machine is at one answer: `precision` of its labels, `recall` of people's."""

    answer: str
    precision: Share
    recall: Share


@dataclass(frozen=True)
class MachineLabels:
    """A machine's labels of one question beside what people decided.

    Attributes:
        confusion: (people's answer, machine's answer) to clips.
        undecided: clips that people judged and could not agree on, or found unclear; in no share.
        right: share of clips on which people and machine agree.
        labels: in the order of the form.
    """

    question: str
    confusion: Mapping[tuple[str, str], int]
    undecided: int
    right: Share
    labels: tuple[OfLabel, ...]


def machine_labels(found: Iterable[Counted], form: Form, review: Review) -> list[MachineLabels]:
    """The machine against people, for each question that it has answered, on items with all their judgements.

    The shares are of what was shown: where labels were not drawn alike, recall is not that of the whole dataset.
    """
    confusions: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    undecided: Counter[str] = Counter()
    answers = {question.name: question.answers for question in form.questions}
    for each in found:
        if each.item["kind"] not in ("clip", "excerpt") or not each.complete:
            continue
        for question, machine in each.item["machine"].items():
            if machine not in answers.get(question, ()):
                continue
            votes = Counter(row["answers"][question] for row in each.answers if question in row["answers"])
            people = decided_answer(votes, len(each.answers), review.rule_for(question))
            if people is None or people == UNCLEAR:
                undecided[question] += 1
            else:
                confusions[question][people, machine] += 1
    return [
        _labels(question, answers[question], confusions[question], undecided[question])
        for question in answers
        if confusions[question] or undecided[question]
    ]


def _labels(
    question: str, answers: Sequence[str], confusion: Counter[tuple[str, str]], undecided: int
) -> MachineLabels:
    people, machine = Counter(), Counter()
    for (theirs, its), number in confusion.items():
        people[theirs] += number
        machine[its] += number
    return MachineLabels(
        question,
        dict(sorted(confusion.items())),
        undecided,
        share_of(sum(confusion[answer, answer] for answer in answers), confusion.total()),
        tuple(
            OfLabel(
                answer,
                share_of(confusion[answer, answer], machine[answer]),
                share_of(confusion[answer, answer], people[answer]),
            )
            for answer in answers
            if people[answer] or machine[answer]
        ),
    )
