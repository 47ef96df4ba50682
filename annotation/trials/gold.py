"""Gold: clips with a known fault among those that are out for review, so that it shows who looks and listens.

Half have their sound shifted by half a second, half have the sound of another clip. They are made only from clips
in which a person can tell. Which clips these are is drawn from their ids: of those with the lowest draws as many as
make up the share that the recipe asks for, counted over all clips that were ever out. So the share is kept as the
review grows, and no clip is taken twice, not even when it is cut anew.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from annotation.trials.draw import draw
from annotation.trials.trial import LEAST_MS, Known, Trial, Unmade, can_tell, trial_of
from tasks.workspace.stage import Row

SHIFT_MS = 500
SHIFTED, SWAPPED = GOLD = ("gold_shifted", "gold_swapped")

_MOST_LOOKED_AT = 100
"""Of clips whose sound one clip might get; so the work grows with the number of clips, not with its square."""


@dataclass(frozen=True)
class _Able:
    """A clip of which gold can be made: `place` is its draw, `event` the name of its surest sound."""

    place: float
    clip: Row
    event: str | None


def gold(known: Known, share: float) -> tuple[list[Trial], list[Unmade]]:
    """Further gold, and what could not be made because no clip suits.

    Args:
        share: how much gold there is to be for each clip that is out for review.
    """
    missing = _missing(known, share)
    taken = {item["clip_id"] for item in known.items if item["kind"] in GOLD}
    able = [
        _Able(draw(known.secret, "gold", clip["clip_id"]), clip, _surest_event(clip))
        for clip in known.clips.values()
        if can_tell(clip)
    ]
    able.sort(key=lambda one: one.place)
    made: list[Trial] = []
    for one in able:
        if not +missing:
            break
        trial = None if one.clip["clip_id"] in taken else _gold_of(known, one, missing, able)
        if trial:
            made.append(trial)
            missing[trial.item["kind"]] -= 1
    seen = f"{len(able)} of {len(known.clips)} clips are evident and at least {LEAST_MS} ms long"
    return made, [
        Unmade(
            kind,
            None,
            "no_other_sound" if kind == SWAPPED and able else "nothing_suits",
            f"{left} more wanted: {seen}",
        )
        for kind, left in (+missing).items()
    ]


def _missing(known: Known, share: float) -> Counter[str]:
    """How many of each kind are wanted beside those that are known."""
    out = {(clip["clip_id"], clip["sha256"]) for clip in known.clips.values()}
    out |= {(item["clip_id"], item["clip_sha256"]) for item in known.items if item["kind"] == "clip"}
    wanted = int(share * len(out) + 0.5)
    there = Counter(item["kind"] for item in known.items)
    return Counter({SHIFTED: wanted - wanted // 2 - there[SHIFTED], SWAPPED: wanted // 2 - there[SWAPPED]})


def _gold_of(known: Known, one: _Able, missing: Counter[str], able: Sequence[_Able]) -> Trial | None:
    """Gold of the kind that is missing most, else of the other one; None where the clip suits neither."""
    for kind, left in missing.most_common():
        if left <= 0:
            continue
        if kind == SHIFTED:
            early = draw(known.secret, "early", one.clip["clip_id"]) < 0.5
            offset_ms = SHIFT_MS if early else -SHIFT_MS
            expected = {"aligned": "out_of_time"}
            return trial_of(known, kind, one.clip, offset_ms, offset_ms=offset_ms, expected=expected)
        other = _other_sound(known, one, able)
        if other:
            expected = {"aligned": "other_sound"}
            return trial_of(known, kind, one.clip, other["sha256"], other=other, expected=expected)
    return None


def _other_sound(known: Known, one: _Able, able: Sequence[_Able]) -> Row | None:
    """A clip whose sound nobody takes for this one's; rather one that is as long, so that no silence is added."""
    begin = bisect(able, draw(known.secret, "sound for", one.clip["clip_id"]), key=lambda other: other.place)
    turned = [*islice(able, begin, begin + _MOST_LOOKED_AT), *islice(able, min(begin, _MOST_LOOKED_AT))]
    unlike = [other.clip for other in turned[:_MOST_LOOKED_AT] if _unlike(one, other)]
    long = (other for other in unlike if other["duration_ms"] >= one.clip["duration_ms"])
    return next(long, unlike[0] if unlike else None)


def _unlike(one: _Able, other: _Able) -> bool:
    """Whether two clips are of other videos, and differ in scenario and event: in one, where the other is unknown."""
    pairs = ((one.clip["scenario"], other.clip["scenario"]), (one.event, other.event))
    told = [(mine, its) for mine, its in pairs if mine and its]
    return (
        one.clip["video_id"] != other.clip["video_id"]
        and bool(told)
        and all(mine != its for mine, its in told)
    )


def _surest_event(clip: Row) -> str | None:
    surest = max(clip["events"], key=lambda event: (event["score"], event["name"]), default=None)
    return surest and surest["name"]
