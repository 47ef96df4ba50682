"""Operating points: how sure a model must be before its answer leaves a clip out, and what each choice would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.offscreen.measure.intervals import NOTHING, Share, needed, weighted_share
from tasks.offscreen.measure.reviews import UNCLEAR
from tasks.offscreen.measure.scores import BAD, Seen

GOAL_PRECISION = 0.95

SHOWN_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0)
"""Of the curve that is printed."""


@dataclass(frozen=True)
class Point:
    """What a threshold would do, on one question.

    Attributes:
        threshold: the least confidence at which the bad answer leaves a clip out.
        left_out: share of all judged clips that go, 0–1; exact.
        to_people: share of all judged clips that this question sends to people: unclear, or less sure; exact.
        precision: of what goes, how much is bad by people's judgement.
        caught: of what is bad, how much goes.
        lost: of what is good, how much goes.
    """

    threshold: float
    left_out: float
    to_people: float
    precision: Share
    caught: Share
    lost: Share


@dataclass(frozen=True)
class Suggestion:
    """The operating point that the reviews speak for.

    Attributes:
        point: the lowest threshold at which the whole interval of the precision is at or above the goal; None where
            there is none.
        more_reviews: of clips that the model calls bad, how many more must be reviewed, at least, until there can
            be one; None where there is one, and where reviews alone will not help.
        why: what to say to a person, in one sentence.
    """

    question: str
    goal: float
    point: Point | None
    more_reviews: int | None
    why: str


def point_at(seen: Seen, threshold: float) -> Point:
    """What a threshold would do."""
    sure = seen.confidence >= threshold
    gone = sure & (seen.answers == BAD[seen.question])
    bad = seen.truth == BAD[seen.question]
    clips = max(1, len(seen.answers))
    return Point(
        threshold=threshold,
        left_out=float(gone.sum()) / clips,
        to_people=float((~sure | (seen.answers == UNCLEAR)).sum()) / clips,
        precision=weighted_share(seen.weights, bad, seen.decided & gone),
        caught=weighted_share(seen.weights, gone, seen.decided & bad),
        lost=weighted_share(seen.weights, gone, seen.decided & ~bad),
    )


def curve(seen: Seen, thresholds: Sequence[float] = SHOWN_THRESHOLDS) -> list[Point]:
    """What each of some thresholds would do, from the lowest."""
    return [point_at(seen, threshold) for threshold in thresholds]


def suggested_point(seen: Seen, goal_precision: float = GOAL_PRECISION) -> Suggestion:
    """The lowest threshold, in hundredths, at which the precision is surely as high as the goal.

    It is searched for among many, so a lucky one is found now and then: the precision should be looked at again on
    clips that are reviewed later.
    """
    precisions = {threshold: share for threshold, share in _precisions(seen).items() if share.n}
    for threshold, precision in precisions.items():
        if precision.low >= goal_precision:
            why = f"precision at {threshold:.2f} is {_told(precision)}"
            return Suggestion(seen.question, goal_precision, point_at(seen, threshold), None, why)
    hopeful = [precision for precision in precisions.values() if precision.high >= goal_precision]
    if precisions and not hopeful:
        best = max(precisions.values(), key=lambda share: share.high)
        why = f"at no threshold is the model so precise; at best {_told(best)}"
        return Suggestion(seen.question, goal_precision, None, None, why)
    best = max(hopeful, key=lambda share: (share.value or 0, share.effective), default=NOTHING)
    if_all_are_right = needed(1.0, goal_precision) or 0
    enough = needed(best.value, goal_precision) if best.value is not None else None
    more = max(1, (enough or if_all_are_right) - int(best.effective))
    so_far = f"{best.n} were reviewed, precision {_told(best)}" if best.n else "none was reviewed"
    why = f"at least {more} more clips that the model calls {BAD[seen.question]} must be reviewed: {so_far}"
    return Suggestion(seen.question, goal_precision, None, more, why)


def _precisions(seen: Seen) -> dict[float, Share]:
    """The precision at each confidence that the bad answer comes with, in whole hundredths, from the lowest."""
    called = seen.answers == BAD[seen.question]
    # A hundredth that is not exact in binary (0.29) must not be taken for the one below it.
    hundredths = np.unique(np.floor(seen.confidence[called] * 100 + 1e-9)).astype(int).tolist()
    reviewed = called & seen.decided
    weights, confidence = seen.weights[reviewed], seen.confidence[reviewed]
    bad = seen.truth[reviewed] == BAD[seen.question]
    return {each / 100: weighted_share(weights, bad, confidence >= each / 100) for each in hundredths}


def _told(share: Share) -> str:
    if share.value is None:
        return "unknown"
    return f"{share.value:.3f} ({share.low:.3f}–{share.high:.3f}, {share.n} clips)"
