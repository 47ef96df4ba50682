"""From measures to conditions: each alone, together, and what just misses them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Conditions
from tasks.conditions import CONDITIONS, Background, Loudness, Sound, judge

RULES = Conditions()


def sound(level_dbfs: float | None = -20.0, silent_ms: int = 0, **columns) -> Sound:
    """A sound without faults, but for what is given."""
    lufs = columns.pop("lufs", level_dbfs)
    peak = None if level_dbfs is None else -3.0
    known = {"bandwidth_hz": 8000, "background": Background(30.0, 0.9)} | columns
    return Sound(level_dbfs, silent_ms, Loudness(lufs, peak), **known)


LOUD, SILENT = sound(), sound(None, 10_000, bandwidth_hz=None, background=None)
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
        "bright": [200.0] * 10,
        "sharpness": [0.7] * 10,
        **columns,
    }


STANDING = {"frozen_frames": [24] + [25] * 9, "unlike": [0.0] * 10}
CASES = {
    "living and loud": (motion(), LOUD, []),
    "silent": (motion(), SILENT, ["near_silent", "too_quiet"]),
    "nearly silent": (motion(), sound(-70.0, 9_500), ["near_silent", "too_quiet"]),
    "a bang in silence": (motion(), sound(-40.0, 9_480), []),
    "quiet speech": (motion(), sound(-45.0, 4_000), []),
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
    "windowbox, silent": (
        motion(active_box=[57, 31, 399, 225]),
        SILENT,
        ["near_silent", "letterboxed", "too_quiet"],
    ),
    "thin bars": (motion(active_box=[4, 0, 453, 256]), LOUD, []),
    "whispered": (motion(), sound(-48.0, lufs=-45.1), ["too_quiet"]),
    "too quiet for a loudness": (motion(), sound(-72.0, lufs=None), ["too_quiet"]),
    "shouted": (motion(), sound(-5.0, lufs=-6.9), ["too_loud"]),
    "cut off": (motion(), sound(clipped_share=0.008), ["clipped"]),
    "loud, not cut off": (motion(), sound(lufs=-7.0, clipped_share=0.0079), []),
    "hiss": (motion(), sound(background=Background(5.9, 0.65)), ["noisy"]),
    "an engine": (motion(), sound(background=Background(-2.0, 0.64)), []),
    "talk over hiss": (motion(), sound(background=Background(6.0, 0.95)), []),
    "a telephone": (motion(), sound(bandwidth_hz=3500), ["muffled"]),
    "half the band": (motion(), sound(bandwidth_hz=4000), []),
    "holes": (motion(), sound(dropout_ms=40), ["dropouts"]),
    "one small hole": (motion(), sound(dropout_ms=35), []),
    "out of focus": (motion(sharpness=[0.3] * 6 + [0.9] * 4), LOUD, ["blurred"]),
    "shaken for a moment": (motion(sharpness=[0.2] * 4 + [0.7] * 6), LOUD, []),
    "edges now and then": (motion(sharpness=[None] * 9 + [0.2]), LOUD, ["blurred"]),
    "no edges": (motion(sharpness=[None] * 10), LOUD, []),
    "in the dark": (motion(bright=[44.0] * 6 + [200.0] * 4), LOUD, ["dark"]),
    "fireworks": (motion(bright=[20.0] * 4 + [63.0] * 6), LOUD, []),
    "black, not dark": (
        motion(bright=[10.0] * 10, black_frames=[25] * 10, sharpness=[None] * 10),
        LOUD,
        ["black"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_holds(name: str) -> None:
    measured, heard, expected = CASES[name]
    verdict = judge(CLIP, measured, heard, RULES)
    assert list(verdict.holds) == expected
    assert (verdict.still, verdict.letterboxed) == ("still" in expected, "letterboxed" in expected)


def test_the_numbers_are_told() -> None:
    measured = motion(
        active_box=[57, 31, 399, 225], black_frames=[25] * 10, sharpness=[0.2] * 10, bright=[9.0] * 10
    )
    verdict = judge(CLIP, measured, SILENT, RULES)
    assert verdict.holds == {
        "near_silent": "10000 of 10000 ms below -60 dBFS",
        "black": "10000 of 10000 ms black",
        "letterboxed": "bars take 24.2% of the height and 25.0% of the width",
        "too_quiet": "-inf LUFS, below -45",
        "blurred": "edges 0.20 steep, below 0.31",
    }
    faults = sound(
        lufs=-5.0, clipped_share=0.021, background=Background(1.25, 0.9), bandwidth_hz=3469, dropout_ms=120
    )
    assert judge(CLIP, motion(bright=[31.0] * 10), faults, RULES).holds == {
        "too_loud": "-5.0 LUFS, above -7",
        "clipped": "2.10% of the samples at full scale",
        "noisy": "1.2 dB above a background of flatness 0.90",
        "muffled": "nothing above 3469 Hz",
        "dropouts": "120 ms of holes in the sound",
        "dark": "2 % of the picture above a luma of 31, not 45",
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
    heard = sound(-30.0, min(silent_ms, clip["duration_ms"]))
    lax, strict = (judge(clip, measured, heard, rules) for rules in (low, high))
    assert set(strict.holds) <= set(lax.holds) <= set(CONDITIONS)
    assert list(lax.holds) == [name for name in CONDITIONS if name in lax.holds]
    assert 0 <= lax.frozen_ms <= 40 * sum(frozen)
