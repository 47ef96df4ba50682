"""From measures to conditions: each alone, together, and what just misses them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Conditions
from tasks.conditions import CONDITIONS, Loudness, judge

RULES = Conditions()
LOUD, SILENT = Loudness(-20.0, 0), Loudness(None, 10_000)
CLIP = {"duration_ms": 10_000, "width": 456, "height": 256}
WHOLE = [0, 0, 456, 256]


def motion(**columns) -> dict:
    """A living clip of 10 s, but for what is given."""
    return {
        "black_frames": [0] * 10,
        "frozen_frames": [0] * 10,
        "card_frames": [0] * 10,
        "unlike": [0.0] + [0.3] * 9,
        "active_box": WHOLE,
        **columns,
    }


STANDING = {"frozen_frames": [24] + [25] * 9, "unlike": [0.0] * 10}
CASES = {
    "living and loud": (motion(), LOUD, []),
    "silent": (motion(), SILENT, ["near_silent"]),
    "nearly silent": (motion(), Loudness(-70.0, 9_500), ["near_silent"]),
    "a bang in silence": (motion(), Loudness(-40.0, 9_480), []),
    "quiet speech": (motion(), Loudness(-45.0, 4_000), []),
    "stuck": (motion(**STANDING), LOUD, ["frozen", "still"]),
    "a stuck tenth short": (motion(frozen_frames=[24, *[25] * 7, 0, 0], unlike=[0.0] * 9 + [0.4]), LOUD, []),
    "a photograph that flickers": (motion(unlike=[0.0] + [0.0015] * 9), LOUD, ["still"]),
    "a slide show": (
        motion(frozen_frames=[24, *[25] * 9], unlike=[0, 0, 0, 0, 0.8, 0, 0, 0, 0, 0]),
        LOUD,
        ["frozen"],
    ),
    "paper that creeps out of a printer": (
        motion(frozen_frames=[24, *[25] * 9], unlike=[0.0] + [0.016] * 9),
        LOUD,
        [],
    ),
    "black": (motion(black_frames=[25] * 10, **STANDING), LOUD, ["black", "frozen", "still"]),
    "black for most of it": (motion(black_frames=[25] * 8 + [0, 0]), LOUD, []),
    "cards for half": (motion(card_frames=[25] * 5 + [0] * 5), LOUD, ["text_card"]),
    "cards for less": (motion(card_frames=[25] * 4 + [0] * 6), LOUD, []),
    "a card that stands": (motion(card_frames=[25] * 10, **STANDING), LOUD, ["frozen", "still", "text_card"]),
    "letterbox": (motion(active_box=[0, 31, 456, 225]), LOUD, ["letterboxed"]),
    "pillarbox": (motion(active_box=[57, 0, 399, 256]), LOUD, ["letterboxed"]),
    "windowbox, silent": (motion(active_box=[57, 31, 399, 225]), SILENT, ["near_silent", "letterboxed"]),
    "thin bars": (motion(active_box=[4, 0, 453, 256]), LOUD, []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_holds(name: str) -> None:
    measured, sound, expected = CASES[name]
    verdict = judge(CLIP, measured, sound, RULES)
    assert list(verdict.holds) == expected
    assert (verdict.still, verdict.letterboxed) == ("still" in expected, "letterboxed" in expected)


def test_the_numbers_are_told() -> None:
    verdict = judge(CLIP, motion(active_box=[57, 31, 399, 225], black_frames=[25] * 10), SILENT, RULES)
    assert verdict.holds == {
        "near_silent": "10000 of 10000 ms below -60 dBFS",
        "black": "10000 of 10000 ms black",
        "letterboxed": "bars take 24.2% of the height and 25.0% of the width",
    }


def test_one_second_is_too_short_for_a_still() -> None:
    short = {name: column[:1] for name, column in motion(**STANDING).items()} | {"active_box": WHOLE}
    verdict = judge(CLIP | {"duration_ms": 1000}, short, LOUD, RULES)
    assert list(verdict.holds) == ["frozen"]


seconds = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 25), st.floats(0, 1)),
    min_size=1,
    max_size=12,
)
shares = st.floats(0, 1)


@settings(max_examples=80, deadline=None)
@given(seconds, st.integers(0, 12_000), shares, shares)
def test_a_stricter_recipe_finds_no_more(found: list, silent_ms: int, one: float, other: float) -> None:
    black, frozen, cards, unlike = (list(column) for column in zip(*found, strict=True))
    measured = motion(black_frames=black, frozen_frames=frozen, card_frames=cards, unlike=unlike)
    clip = CLIP | {"duration_ms": 1000 * len(found)}
    low, high = (
        Conditions(
            silent_share=share, black_share=share, frozen_share=share, card_share=share, bar_share=share
        )
        for share in sorted((one, other))
    )
    sound = Loudness(-30.0, min(silent_ms, clip["duration_ms"]))
    lax, strict = (judge(clip, measured, sound, rules) for rules in (low, high))
    assert set(strict.holds) <= set(lax.holds) <= set(CONDITIONS)
    assert list(lax.holds) == [name for name in CONDITIONS if name in lax.holds]
    assert 0 <= lax.frozen_ms <= 40 * sum(frozen)
