"""What asking will cost: by the service's published numbers, and never less set aside than it can come to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judging import Offscreen
from tasks.offscreen.answers import Question
from tasks.offscreen.money.accounts import Budgets, Spent
from tasks.offscreen.money.estimate import (
    EXPECTED_OUTPUT,
    estimate,
    expected_usage,
    most_usage,
    room_in,
    sent_ms,
    text_tokens,
    tokens_per_picture,
)
from tasks.offscreen.money.prices import DOLLAR, price_of
from tasks.offscreen.reply import Usage

PROMPT = "Look and listen. " * 100
SECTION = Offscreen()


def question(answer_key: str, duration_ms: int) -> Question:
    return Question("clip", Path("clip.mp4"), answer_key, duration_ms)


@pytest.mark.parametrize(
    ("model", "resolution", "tokens"),
    [
        ("gemini-3-flash-preview", "default", 70), ("gemini-3.8-flash", "low", 70), ("gemini-4-argon", "high", 280),
        ("gemini-2.5-flash", "default", 258), ("gemini-2.5-flash-lite", "low", 66), ("gemini-2.5-flash", "high", 258),
    ],
)  # fmt: skip
def test_a_picture_counts_by_model_and_resolution(model, resolution, tokens):
    assert tokens_per_picture(Offscreen(service_model=model, resolution=resolution)) == tokens


def test_a_clip_of_ten_seconds_by_hand():
    # 20 pictures of 70 tokens with 7 of its time each, and 10 seconds of 32 tokens of sound.
    usage = expected_usage(SECTION, 10_000, PROMPT, 250)
    assert usage == Usage(text_tokens(PROMPT) + 20 * 77 + 320, 320, 250)
    assert len(PROMPT) / 3 < text_tokens(PROMPT) < 3000


@pytest.mark.parametrize(
    ("send_from", "send_until", "sent"),
    [("0 s", None, 8000), ("2 s", "5 s", 3000), ("0 s", "20 s", 8000), ("9 s", None, 0)],
)
def test_only_what_is_sent_counts(send_from, send_until, sent):
    assert sent_ms(Offscreen(send_from=send_from, send_until=send_until), 8000) == sent


@given(
    duration=st.integers(0, 60_000),
    rate=st.floats(0.1, 24),
    counted=st.none() | st.integers(0, 100_000),
    output=st.integers(0, 2048),
)
def test_the_most_is_never_less_than_what_is_expected_or_was_counted(duration, rate, counted, output):
    section = Offscreen(frame_rate=rate)
    expected = expected_usage(section, duration, PROMPT, output)
    most = most_usage(section, duration, PROMPT, counted)
    assert most.output_tokens == 2048
    assert 0 <= most.audio_tokens <= most.input_tokens
    assert most.input_tokens >= (expected.input_tokens if counted is None else counted)
    if counted is None:
        price = price_of("gemini", section)
        assert price.of(most) >= price.of(expected)


def made(questions, answered=(), room=DOLLAR, section=SECTION, **more):
    return estimate(questions, answered, section, price_of("gemini", section), PROMPT, room, **more)


def test_what_is_answered_or_the_same_costs_nothing():
    questions = [question(key, 10_000) for key in ("a", "b", "a", "c", "c")]
    told = made(questions, answered=["c", "x"])
    assert (told.clips, told.answered, told.to_ask) == (5, 2, 2)
    alone = made([question("a", 10_000)])
    assert told.expected_money == 2 * alone.expected_money
    assert made(questions, answered=["a", "b", "c"]).most_money == 0


def test_batch_stands_beside_online():
    online, batch = (
        made([question("a", 10_000)], section=Offscreen(mode=mode)) for mode in ("online", "batch")
    )
    assert online.expected_money == online.online_money == batch.online_money
    assert batch.expected_money == batch.batch_money == online.online_money // 2
    assert batch.most_money == online.most_money // 2


def test_how_many_the_budgets_surely_allow():
    questions = [question(str(number), 10_000) for number in range(10)]
    each = made(questions[:1]).most_money
    assert [made(questions, room=room).within_budget for room in (0, each - 1, each, 4 * each + 1, 99 * each)] == [
        0, 0, 1, 4, 10,
    ]  # fmt: skip
    budgets = Budgets(run=100, total=1000)
    assert room_in(budgets, Spent(10, 20, 30), Spent(10, 20, 30)) == 40
    assert room_in(budgets, Spent(0, 0, 0), Spent(900, 50, 40)) == 10
    assert room_in(budgets, Spent(200, 0, 0), Spent(200, 0, 0)) == 0


def test_what_answers_usually_take_is_used_once_it_is_known():
    assert made([question("a", 1000)]).expected.output_tokens == EXPECTED_OUTPUT
    assert made([question("a", 1000)], output_tokens=777).expected.output_tokens == 777
    assert (
        made([question("a", 1000)], output_tokens=10**6).expected.output_tokens == SECTION.max_output_tokens
    )
