"""What asking about clips will cost, before anything is sent: from their lengths and the service's published numbers.

Pictures count by resolution and generation of the model, sound by the second, and each picture has its time written
beside it. What a model thinks before it answers cannot be known; the most is what the recipe allows it to write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from schemas.judgement import Judgement
from schemas.judging import Offscreen
from tasks.offscreen.answers import Question
from tasks.offscreen.money.accounts import Budgets, Spent
from tasks.offscreen.money.prices import Mode, Picodollars, Price
from tasks.offscreen.reply import Usage

TOKENS_PER_PICTURE = {"default": 70, "low": 70, "medium": 70, "high": 280}
"""Of Gemini 3 and later (ai.google.dev/gemini-api/docs/media-resolution)."""

TOKENS_PER_PICTURE_BEFORE_3 = {"default": 258, "low": 66, "medium": 258, "high": 258}
"""Of earlier models (ai.google.dev/gemini-api/docs/video-understanding)."""

TOKENS_PER_SECOND_OF_SOUND = 32
TOKENS_PER_TIMESTAMP = 7
CHARACTERS_PER_TOKEN = 3
"""Fewer than the usual four, so that a text's tokens are not put too low."""

EXPECTED_OUTPUT = 250
"""Tokens of an answer of the schema with its one sentence, with no thoughts; see `Accounts.usual_output`."""

MARGIN = 1.1
"""On input tokens, for the most: the service says that what it counts before may differ from what it bills."""


@dataclass(frozen=True)
class Estimate:
    """What asking about a set of clips will cost. Money is in picodollars, in the recipe's mode unless named.

    Attributes:
        answered: clips whose answer is kept: they cost nothing.
        to_ask: the others; clips of the same bytes are asked about once.
        expected, most: tokens of all that are to be asked.
        online_money, batch_money: what is expected in either mode.
        room: what both budgets leave for this run.
        within_budget: how many of `to_ask`, in their order, the budgets allow if each costs the most that it can.
    """

    model: str
    prices: str
    mode: Mode
    clips: int
    answered: int
    to_ask: int
    expected: Usage
    most: Usage
    expected_money: Picodollars
    most_money: Picodollars
    online_money: Picodollars
    batch_money: Picodollars
    room: Picodollars
    within_budget: int


def expected_usage(section: Offscreen, duration_ms: int, prompt_text: str, output_tokens: int) -> Usage:
    """Tokens of a request about a clip of so many milliseconds, and of its answer."""
    seconds = sent_ms(section, duration_ms) / 1000
    pictures = math.ceil(seconds * section.frame_rate)
    sound = math.ceil(seconds * TOKENS_PER_SECOND_OF_SOUND)
    pictured = pictures * (tokens_per_picture(section) + TOKENS_PER_TIMESTAMP)
    return Usage(text_tokens(prompt_text) + pictured + sound, sound, output_tokens)


def most_usage(
    section: Offscreen, duration_ms: int, prompt_text: str, counted_tokens: int | None = None
) -> Usage:
    """The most tokens that are set aside for a request: its answer takes all that the recipe allows.

    Args:
        counted_tokens: the input as the service counted it; without it the published numbers are taken.
    """
    published = expected_usage(section, duration_ms, prompt_text, 0)
    one_picture_more = tokens_per_picture(section) + TOKENS_PER_TIMESTAMP
    least = published.input_tokens if counted_tokens is None else counted_tokens
    sound = min(math.ceil(published.audio_tokens * MARGIN), math.ceil(least * MARGIN))
    return Usage(math.ceil(least * MARGIN) + one_picture_more, sound, section.max_output_tokens)


def sent_ms(section: Offscreen, duration_ms: int) -> int:
    """How much of a clip is sent, ms."""
    until = duration_ms if section.send_until is None else min(section.send_until, duration_ms)
    return max(0, until - section.send_from)


def tokens_per_picture(section: Offscreen) -> int:
    """By the recipe's resolution and the generation of its model: Gemini 3 and later, or earlier."""
    generation = re.match(r"gemini-(\d+)", section.service_model)
    early = generation is not None and int(generation[1]) < 3
    return (TOKENS_PER_PICTURE_BEFORE_3 if early else TOKENS_PER_PICTURE)[section.resolution]


@cache
def text_tokens(prompt_text: str) -> int:
    """Tokens of the prompt and of the answer's schema, which is sent with it."""
    return math.ceil((len(prompt_text) + len(str(Judgement.model_json_schema()))) / CHARACTERS_PER_TOKEN)


def room_in(budgets: Budgets, by_run: Spent, by_all: Spent) -> Picodollars:
    """What both budgets leave, in picodollars; at least 0."""
    left = min(budgets.run - by_run.against_budget, budgets.total - by_all.against_budget)
    return Picodollars(max(0, left))


def estimate(
    questions: Iterable[Question],
    answered: Iterable[str],
    section: Offscreen,
    price: Price,
    prompt_text: str,
    room: int,
    output_tokens: int | None = None,
) -> Estimate:
    """What asking about these clips will cost.

    Args:
        questions: in the order in which they would be asked.
        answered: keys whose answers are kept.
        room: what both budgets leave, in picodollars; see `room_in`.
        output_tokens: what an answer usually takes; see `Accounts.usual_output`.
    """
    questions, kept = list(questions), set(answered)
    open_questions = {each.answer_key: each for each in questions if each.answer_key not in kept}
    usual = min(output_tokens or EXPECTED_OUTPUT, section.max_output_tokens)
    expected = [
        expected_usage(section, each.duration_ms, prompt_text, usual) for each in open_questions.values()
    ]
    most = [most_usage(section, each.duration_ms, prompt_text) for each in open_questions.values()]
    costs = [price.of(each, section.mode) for each in most]
    money = {
        mode: Picodollars(sum(price.of(each, mode) for each in expected)) for mode in ("online", "batch")
    }
    return Estimate(
        model=price.model,
        prices=price.source,
        mode=section.mode,
        clips=len(questions),
        answered=sum(each.answer_key in kept for each in questions),
        to_ask=len(open_questions),
        expected=_together(expected),
        most=_together(most),
        expected_money=money[section.mode],
        most_money=Picodollars(sum(costs)),
        online_money=money["online"],
        batch_money=money["batch"],
        room=Picodollars(room),
        within_budget=_how_many_fit(costs, room),
    )


def _together(usages: Iterable[Usage]) -> Usage:
    counts = [(each.input_tokens, each.audio_tokens, each.output_tokens) for each in usages]
    return Usage(*(sum(column) for column in zip(*counts, strict=True))) if counts else Usage()


def _how_many_fit(costs: Iterable[int], room: int) -> int:
    fit, left = 0, room
    for cost in costs:
        left -= cost
        if left < 0:
            break
        fit += 1
    return fit
