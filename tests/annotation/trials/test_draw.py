"""Draws are even, hang on nothing but what they are for, and change little when there is more to draw from."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from annotation.trials.draw import draw, drawn
from tests.annotation.trials.making import SECRET

NAMES = st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=20)


@given(st.lists(st.integers() | st.text(), max_size=4))
def test_a_draw_is_the_same_each_time_and_below_one(what: list[int | str]) -> None:
    assert 0 <= draw(SECRET, *what) < 1
    assert draw(SECRET, *what) == draw(SECRET, *what)


def test_draws_are_even() -> None:
    tenths = Counter(int(10 * draw(SECRET, "clip", place)) for place in range(10_000))
    # Five standard deviations of a tenth of ten thousand.
    assert all(850 <= tenths[tenth] <= 1150 for tenth in range(10))


def test_the_secret_decides() -> None:
    assert draw(SECRET, "clip") != draw("00" * 32, "clip")


@given(NAMES, st.text(min_size=1, max_size=5))
def test_a_further_name_takes_the_place_or_changes_nothing(names: set[str], further: str) -> None:
    before, after = drawn(SECRET, names, "what"), drawn(SECRET, names | {further}, "what")
    assert before in names
    assert after in (before, further)


def test_nothing_can_be_drawn_from_nothing() -> None:
    assert drawn(SECRET, []) is None
