"""Whom to talk to, and about what: signs that an annotator works otherwise than the team, in words with numbers.

A sign is a reason to look at the clips together, never a verdict. Shares are compared by their 95 % intervals, and
only where they differ by as much as matters, so that many clips do not turn small differences into signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annotation.decide.annotators import Annotator, OnQuestion
from annotation.decide.shares import clearly_below, share_of
from tasks.offscreen.measure.intervals import Share

GOLD_SEEN = 3
GOLD_MISSED = 1 / 3
"""Of at least so many gold clips of a kind, at least this share was missed."""

TOO_FAST = 0.1
TOO_FAST_CLIPS = 5
"""At least so many answers, and this share of those whose time is known, came too fast."""

BEHIND = 0.1
"""By how much a share must be worse than the others' to be told."""

FEWEST_COMPARED = 20
"""Shares of fewer answers are not compared."""

FAULTS = {"gold_shifted": "shifted clips", "gold_swapped": "clips with another sound"}


@dataclass(frozen=True)
class Flag:
    """One sign.

    Attributes:
        sign: a stable word: gold, too_fast, against_others, drift, unclear or skips.
        words: what to tell a person, after the annotator's name.
    """

    annotator: str
    sign: str
    words: str


def flags(people: Sequence[Annotator], min_watched: float) -> list[Flag]:
    """The signs of all annotators, by annotator, the gravest kinds first.

    Args:
        min_watched: the recipe's share of a clip's length that an answer takes at least; told in the words.
    """
    found = []
    for one in people:
        others = [each for each in people if each is not one]
        found += [
            *_missed_gold(one),
            *_too_fast(one, min_watched),
            *_against_others(one, others),
            *_drift(one, others),
            *_unclear(one, others),
            *_skips(one, others),
        ]
    return found


def _missed_gold(one: Annotator) -> Iterable[Flag]:
    for gold in one.gold:
        if gold.missed.n >= GOLD_SEEN and gold.missed.value >= GOLD_MISSED:
            yield Flag(one.pseudonym, "gold", f"missed {_of(gold.missed)} {FAULTS[gold.kind]}")


def _too_fast(one: Annotator, min_watched: float) -> Iterable[Flag]:
    share = one.too_fast
    if share.value is not None and share.value >= TOO_FAST and round(share.value * share.n) >= TOO_FAST_CLIPS:
        words = f"answered {_of(share)} clips in less than {min_watched:g} of their length"
        yield Flag(one.pseudonym, "too_fast", words)


def _against_others(one: Annotator, others: Sequence[Annotator]) -> Iterable[Flag]:
    told = []
    for question in one.questions:
        theirs = pooled(each.with_others for other in others for each in _same(other, question))
        if _worth_comparing(question.with_others, theirs) and clearly_below(
            question.with_others, theirs, BEHIND
        ):
            told.append(f"{question.question} {_percent(question.with_others)} ({_percent(theirs)})")
    if told:
        words = f"agrees less than others do with the majority of the rest: {', '.join(told)}"
        yield Flag(one.pseudonym, "against_others", words)


def _drift(one: Annotator, others: Sequence[Annotator]) -> Iterable[Flag]:
    """The weeks since some week against those before it, where the drop is largest, and against the others in these
    weeks: they may all have had harder clips."""
    worst, words = 0.0, ""
    for start in (each.week for each in one.weeks[1:]):
        before = pooled(each.with_others for each in one.weeks if each.week < start)
        since = pooled(each.with_others for each in one.weeks if each.week >= start)
        theirs = pooled(each.with_others for other in others for each in other.weeks if each.week >= start)
        if not (_worth_comparing(before, since) and clearly_below(since, before, BEHIND)):
            continue
        if clearly_below(since, theirs, BEHIND) and before.value - since.value > worst:
            worst = before.value - since.value
            shares = f"{_percent(since)} since {start}, {_percent(before)} before"
            words = f"agrees with the majority of the others in {shares}"
    if words:
        yield Flag(one.pseudonym, "drift", words)


def _unclear(one: Annotator, others: Sequence[Annotator]) -> Iterable[Flag]:
    theirs = pooled(other.unclear for other in others)
    if _worth_comparing(one.unclear, theirs) and clearly_below(theirs, one.unclear, BEHIND):
        words = f"answers unclear in {_percent(one.unclear)} of all answers, the others in {_percent(theirs)}"
        yield Flag(one.pseudonym, "unclear", words)


def _skips(one: Annotator, others: Sequence[Annotator]) -> Iterable[Flag]:
    theirs = pooled(other.skips for other in others)
    if _worth_comparing(one.skips, theirs) and clearly_below(theirs, one.skips, BEHIND):
        words = f"passed on {_of(one.skips)} clips, the others {_percent(theirs)}"
        yield Flag(one.pseudonym, "skips", words)


def pooled(shares: Iterable[Share]) -> Share:
    """One share of all that several count."""
    counted = [share for share in shares if share.value is not None]
    return share_of(sum(share.value * share.n for share in counted), sum(share.n for share in counted))


def _same(other: Annotator, question: OnQuestion) -> Iterable[OnQuestion]:
    return (each for each in other.questions if each.question == question.question)


def _worth_comparing(one: Share, other: Share) -> bool:
    return one.n >= FEWEST_COMPARED and other.n >= FEWEST_COMPARED


def _of(share: Share) -> str:
    return f"{round(share.value * share.n)} of {share.n}"


def _percent(share: Share) -> str:
    return f"{100 * share.value:.0f} %"
