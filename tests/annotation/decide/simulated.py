"""Invented reviews: clips whose truth is known, judged by annotators whose faults are known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.forms import FORMS, UNCLEAR, Form

START = datetime(2026, 9, 7, 8, 0, tzinfo=UTC)
"""A Monday."""

TRUTHS = {
    "source": {"visible": 0.86, "off_screen": 0.14},
    "aligned": {"in_time": 0.84, "out_of_time": 0.1, "other_sound": 0.06},
    "audio": {"good": 0.9, "poor": 0.1},
    "speech": {"talking_head": 0.4, "voice_over": 0.2, "neither": 0.4},
}


@dataclass(frozen=True)
class Hand:
    """An annotator.

    Attributes:
        errs: chance of a wrong answer; `errs_on` by question.
        unclear: chance of answering unclear; `skips`: of passing a clip on.
        sees_gold: chance of finding the fault of a gold clip.
        pace: median of the time that the page is open, as a multiple of the clip's length.
        drifts: week from which the chance of a wrong answer is three times as high and at least 0.3.
    """

    name: str
    errs: float = 0.06
    errs_on: Mapping[str, float] = field(default_factory=dict)
    unclear: float = 0.02
    skips: float = 0.01
    sees_gold: float = 0.95
    pace: float = 2.2
    drifts: int | None = None


TEAM = (
    Hand("A1", errs=0.04),
    Hand("A2", errs=0.06),
    Hand("A3", errs=0.25, sees_gold=0.35, pace=0.7),
    Hand("A4", errs=0.05, drifts=6),
    Hand("A5", errs=0.08, unclear=0.05),
)
"""A3 is careless and fast, A4 tires from the seventh week on."""


@dataclass(frozen=True)
class Simulated:
    """An invented review; `truth` is by item key."""

    items: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    truth: dict[str, dict[str, str]]


def item(key: str, **more: Any) -> dict[str, Any]:
    """A row of ITEMS."""
    return {
        "item_key": key, "project": "review", "kind": "clip", "clip_id": f"clip-{key}", "video_id": "v",
        "clip_sha256": f"{key:0>64}", "path": f"clips/v/{key}.mp4", "duration_ms": 8000, "offset_ms": 0,
        "start_ms": 0, "expected": {}, "machine": {}, "shown": {}, "task": 1, "pushed_at": START.isoformat(),
    } | more  # fmt: skip


def answer(
    key: str, annotator: str | None, answers: Mapping[str, str], minute: float = 0, **more: Any
) -> dict[str, Any]:
    """A row of ANSWERS, made so many minutes after the start."""
    made = (START + timedelta(minutes=minute)).isoformat()
    return {
        "item_key": key, "annotator": annotator, "version": 1, "made_at": made, "changed_at": made,
        "pulled_at": made, "lead_time_ms": 20_000, "skipped": False, "answers": dict(answers), "keep_start_ms": None,
        "keep_end_ms": None, "comment": "", "refused": None, "detail": None, "task": 1, "annotation": 1,
        "form": "clip-review@0", "raw": "{}",
    } | more  # fmt: skip


def review_of(
    clips: int,
    team: Sequence[Hand] = TEAM,
    per_clip: int = 3,
    gold: float = 0.05,
    weeks: int = 10,
    seed: int = 1,
) -> Simulated:
    """A clip review, finished; people are drawn for each clip, and clips are judged one after the other."""
    draw = random.Random(seed)
    form = FORMS["clip-review"]
    made = Simulated([], [], {})
    minutes = weeks * 7 * 24 * 60 / max(1, clips)
    for number in range(clips):
        key = f"{number:032x}"
        truth = _truth(draw, form)
        kind = "gold_shifted" if draw.random() < gold else "clip"
        expected = {}
        if kind != "clip":
            truth["aligned"] = "out_of_time"
            expected = {"aligned": "out_of_time"}
        machine = {"speech": truth["speech"] if draw.random() < 0.85 else "neither"}
        duration = 40 * draw.randint(75, 325)
        made.truth[key] = truth
        made.items.append(item(key, kind=kind, expected=expected, machine=machine, duration_ms=duration))
        _judge(draw, made, form, key, team, per_clip, number * minutes)
    return made


def tolerance_of(clips: int, offsets: Sequence[int], half_ms: float, seed: int = 1) -> Simulated:
    """A tolerance study: half of the people notice an offset of `half_ms` to either side, by a logistic curve."""
    draw = random.Random(seed)
    made = Simulated([], [], {})
    for number in range(clips):
        for offset in offsets:
            key = f"{number:016x}{offset + 5000:016x}"
            made.items.append(item(key, kind="offset", clip_id=f"c{number}", offset_ms=offset))
            chance = 1 / (1 + 2.718281828 ** ((abs(offset) - half_ms) / (half_ms / 5)))
            for name in ("A1", "A2", "A3"):
                said = "yes" if draw.random() < chance else "no"
                made.answers.append(answer(key, name, {"in_sync": said}, number))
    return made


def _truth(draw: random.Random, form: Form) -> dict[str, str]:
    truth = {}
    for question in form.questions:
        shares = TRUTHS.get(question.name, {name: 1.0 for name in question.answers if name != UNCLEAR})
        truth[question.name] = draw.choices(list(shares), list(shares.values()))[0]
    return truth


def _judge(
    draw: random.Random,
    made: Simulated,
    form: Form,
    key: str,
    team: Sequence[Hand],
    per_clip: int,
    minute: float,
) -> None:
    asked = list(team)
    draw.shuffle(asked)
    judged = 0
    for hand in asked:
        if judged == per_clip:
            return
        minute += draw.uniform(0.2, 3)
        if draw.random() < hand.skips:
            made.answers.append(answer(key, hand.name, {}, minute, skipped=True))
            continue
        judged += 1
        shown = made.items[-1]
        said = {
            question.name: _said(draw, hand, question, shown, made.truth[key], minute)
            for question in form.questions
        }
        lead_time = int(shown["duration_ms"] * hand.pace * draw.lognormvariate(0, 0.3))
        keep = {"keep_start_ms": 0, "keep_end_ms": shown["duration_ms"]}
        made.answers.append(answer(key, hand.name, said, minute, lead_time_ms=lead_time, **keep))


def _said(draw: random.Random, hand: Hand, question: Any, shown: dict, truth: dict, minute: float) -> str:
    if question.name in shown["expected"]:
        return truth[question.name] if draw.random() < hand.sees_gold else question.accepts[0]
    if draw.random() < hand.unclear:
        return UNCLEAR
    errs = hand.errs_on.get(question.name, hand.errs)
    if hand.drifts is not None and minute >= hand.drifts * 7 * 24 * 60:
        errs = max(0.3, 3 * errs)
    if draw.random() >= errs:
        return truth[question.name]
    return draw.choice([each for each in question.answers if each not in (truth[question.name], UNCLEAR)])
