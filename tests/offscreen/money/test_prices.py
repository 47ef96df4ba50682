"""What tokens cost, exactly."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RecipeError
from schemas.judging import Offscreen, Prices
from tasks.offscreen.money.prices import DOLLAR, Price, dollars, price_of, read_prices
from tasks.offscreen.reply import Usage

TODAY = date(2026, 11, 21)


def test_an_answer_of_gemini_3_flash_costs_what_its_page_says():
    price = price_of("gemini", Offscreen(), TODAY)
    # A million of text and picture at 0.50, a million of sound at 1.00, a million of output at 3.00 dollars.
    assert price.of(Usage(2_000_000, 1_000_000, 1_000_000)) == 4.5 * DOLLAR
    assert price.of(Usage(2_000_000, 1_000_000, 1_000_000), "batch") == 2.25 * DOLLAR
    assert price.of(Usage(1, 0, 0)) == 500_000
    assert "2026-11-21" in price.source


TOKENS = st.integers(0, 10**7)


@given(st.lists(st.tuples(TOKENS, TOKENS, TOKENS), max_size=20))
def test_the_sum_of_costs_is_the_cost_of_the_sum(counts):
    price = price_of("gemini", Offscreen(), TODAY)
    usages = [Usage(text + sound, sound, output) for text, sound, output in counts]
    together = Usage(
        *(
            sum(getattr(each, name) for each in usages)
            for name in ("input_tokens", "audio_tokens", "output_tokens")
        )
    )
    for mode in ("online", "batch"):
        assert sum(price.of(each, mode) for each in usages) == price.of(together, mode)


def test_a_broken_picodollar_is_rounded_up():
    odd = Price("m", 1, 1, 1, Fraction(1, 2), "")
    assert [odd.of(Usage(tokens, 0, 0), "batch") for tokens in (0, 1, 2, 3)] == [0, 1, 1, 2]


@pytest.mark.parametrize(("day", "per_token"), [(date(2026, 12, 31), 750_000), (date(2027, 1, 1), 1_500_000)])
def test_a_price_that_is_announced_to_change_changes_on_its_day(day, per_token):
    assert price_of("gemini", Offscreen(service_model="gemini-3.8-flash"), day).input == per_token


def test_the_recipe_knows_better_than_the_list():
    own = Prices(input="2 USD", audio="3 USD", output="4 USD")
    price = price_of("gemini", Offscreen(prices=own))
    assert (price.input, price.audio, price.output) == (2_000_000, 3_000_000, 4_000_000)
    assert (
        price_of("gemini", Offscreen(prices=own, service_model="gemini-99-ultra")).model == "gemini-99-ultra"
    )


def test_a_model_of_unknown_price_is_an_error_that_says_what_to_set():
    with pytest.raises(RecipeError, match=r"gemini-99-ultra.*gemini-3-flash-preview.*set offscreen.prices"):
        price_of("gemini", Offscreen(service_model="gemini-99-ultra"))


def test_a_model_that_runs_here_costs_nothing():
    assert price_of("qwen-omni", Offscreen()).of(Usage(10**9, 10**8, 10**7)) == 0


def test_every_model_of_the_list_has_a_price_on_every_day_to_come():
    for model in {entry.model for entry in read_prices().prices}:
        for day in (TODAY, date(2027, 1, 1), date(2099, 1, 1)):
            price = price_of("gemini", Offscreen(service_model=model), day)
            assert 0 < price.input <= price.audio < price.output


def test_a_list_with_a_unit_missing_is_refused(tmp_path):
    path = tmp_path / "prices.yaml"
    path.write_text(
        "source: s\nread: 2026-01-01\nbatch: 0.5\nprices: [{model: m, input: 1, audio: 1 USD, output: 1 USD}]"
    )
    with pytest.raises(RecipeError, match="needs a unit"):
        read_prices(path)


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        (0, "$0.00"),
        (DOLLAR * 12_345, "$12,345.00"),
        (DOLLAR * 3 // 2, "$1.50"),
        (DOLLAR // 8, "$0.12"),
        (DOLLAR * 18 // 10_000, "$0.0018"),
        (880_000_000, "$0.000880"),
        (7, "7 p$"),
        (-DOLLAR, "-$1.00"),
    ],
)  # fmt: skip
def test_money_is_told_so_that_it_is_never_nothing(amount, told):
    assert dollars(amount) == told
