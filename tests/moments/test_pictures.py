"""Cuts, flashes, slides and movement in pictures that are made for it."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from tasks.media.pictures import Shown
from tasks.moments.fades import FADING, Fades
from tasks.moments.pictures import look_at


def picture(ground: int, square: int | None = None) -> np.ndarray:
    made = np.full((90, 160, 3), ground, np.uint8)
    if square is not None:
        made[30:60, square % 130 :][:, :30] = 255 - ground
    return made


def looked_at(pictures: list[np.ndarray], rate: int = 25):
    shown = (
        Shown(Fraction(n, rate), n, Fraction(n + 1, rate), av.VideoFrame.from_ndarray(each, format="bgr24"))
        for n, each in enumerate(pictures)
    )
    return look_at(shown, 27.0)


CASES = {
    "one shot that moves": ([picture(40, 4 * n) for n in range(60)], []),
    "a cut": ([picture(40, 4 * n) for n in range(30)] + [picture(160, 4 * n) for n in range(30)], [30]),
    "a flash": ([picture(220 if 30 <= n < 35 else 40, 4 * n) for n in range(60)], []),
    "a flash too long to be one": (
        [picture(220 if 20 <= n < 40 else 40, 4 * n) for n in range(60)],
        [20, 40],
    ),
    "a thing that is swung before the lens": (
        [picture(40 + 35 * max(0, min(n - 28, 5))) for n in range(60)],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_cuts(case: str) -> None:
    pictures, cuts = CASES[case]
    found = looked_at(pictures).cuts
    assert [start for _, start in found] == [number / 25 for number in cuts]
    assert [end for end, _ in found] == [number / 25 for number in cuts]


def test_half_the_pictures_of_a_fast_source_are_looked_at() -> None:
    seen = looked_at([picture(40, n) for n in range(120)], rate=60)
    assert len(seen.times) == 60
    assert seen.moved[10:].min() > 0.01


def test_a_slide_after_a_slide_is_no_movement_and_a_blink_is() -> None:
    slides = [picture(40, 20 if n < 30 else 60) for n in range(60)]
    assert not looked_at(slides).moved.any()
    blink = [picture(40, 20 if n < 30 or n > 35 else 60) for n in range(60)]
    assert looked_at(blink).moved[30:38].max() > 0.05


def between(before: np.ndarray, after: np.ndarray, along: float) -> np.ndarray:
    return np.round(before + (after.astype(float) - before) * np.clip(along, 0, 1)).astype(np.uint8)


def worded(ground: int, seed: int) -> np.ndarray:
    """A card with something like letters."""
    letters = np.random.default_rng(seed).random((6, 20)) < 0.4
    made = np.full((90, 160, 3), ground, np.uint8)
    made[30:60, 30:130][np.kron(letters, np.ones((5, 5), bool))] = 230
    return made


EASES = {
    "evenly": lambda share: share,
    "slowly at both ends": lambda share: share * share * (3 - 2 * share),
}


@pytest.mark.parametrize("ease", EASES)
@pytest.mark.parametrize("lasts", [15, 25, 50])
@pytest.mark.parametrize("to", ["another card", "black", "from black"])
def test_a_fade_is_no_movement(to: str, lasts: int, ease: str) -> None:
    first, second = worded(60, 1), worded(90, 2)
    first, second = {"black": (first, first * 0), "from black": (second * 0, second)}.get(to, (first, second))
    along = [EASES[ease](min(1, max(0, (n - 20) / lasts))) for n in range(90)]
    seen = looked_at([between(first, second, share) for share in along])
    assert not seen.moved.any()
    for old, new in seen.cuts:
        assert 0.8 - 0.25 <= old < new <= 0.8 + lasts / 25 + 0.25


def test_a_card_that_fades_out_and_another_in() -> None:
    cards = [between(worded(60, 1), worded(60, 9) * 0 + 60, n / 20) for n in range(24)]
    cards += [between(worded(60, 1) * 0 + 60, worded(60, 2), n / 20) for n in range(40)]
    assert not looked_at(cards).moved.any()


@pytest.mark.parametrize("step", [1, 2, 4, -3])
def test_what_moves_is_no_fade(step: int) -> None:
    pictures = [picture(40, 500 + step * n) for n in range(60)]
    seen = looked_at(pictures)
    assert seen.moved[5:-5].min() > 0.005
    fades = Fades(27.0)
    for number, each in enumerate(pictures):
        fades.add(Fraction(number, 25), each[:, :, 0], each)
    assert max(fades.shares) < FADING


def test_movement_is_seen_beside_a_fade() -> None:
    """In a dissolve of one second between two shots in which a square moves."""
    pictures = [between(picture(40, 500 + 4 * n), picture(90, 500 - 3 * n), (n - 30) / 25) for n in range(90)]
    moved = looked_at(pictures).moved
    assert moved[5:25].min() > 0.01 and moved[62:85].min() > 0.01


@pytest.mark.parametrize("lasts", [12, 25, 50])
def test_a_dissolve_parts_two_shots(lasts: int) -> None:
    """Something small moves in both; the cut is the whole of the dissolve, to a fifth of a second."""
    first, second = ([picture(ground) for _ in range(60 + lasts)] for ground in (40, 160))
    for n in range(60 + lasts):
        first[n][20:30, n : n + 12] = 200
        second[n][60:70, 150 - n : 160 - n] = 20
    pictures = [between(*both, (n - 30) / lasts) for n, both in enumerate(zip(first, second, strict=True))]
    ((old, new),) = looked_at(pictures).cuts
    assert 1.2 - 0.21 <= old <= 1.2 + 0.21 and 1.2 + lasts / 25 - 0.21 <= new <= 1.2 + lasts / 25 + 0.21


def test_a_caption_that_fades_in_parts_nothing() -> None:
    pictures = [between(picture(40), worded(40, 1), (n - 20) / 20) for n in range(60)]
    assert not looked_at(pictures).cuts


def test_a_cut_within_a_fade_is_one_with_it() -> None:
    """To black in half a second, and another picture at once."""
    fade = [between(picture(200), picture(200) * 0, n / 14) for n in range(14)]
    pictures = [picture(200)] * 20 + fade + [picture(160, 4 * n) for n in range(30)]
    cuts = looked_at(pictures).cuts
    assert list(cuts) == sorted(cuts) and all(old <= new for old, new in cuts)
    assert all(before <= after for (_, before), (after, _) in pairwise(cuts))
    assert min(old for old, _ in cuts) <= 0.9 and max(new for _, new in cuts) == pytest.approx(
        34 / 25, abs=0.21
    )


def plain(size: tuple[int, int], level: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(size, level, np.uint8), np.full((*size, 3), level, np.uint8)


def test_pictures_far_apart_or_of_another_size_tell_nothing_of_fades() -> None:
    fades = Fades(27.0)
    for number in range(20):
        fades.add(Fraction(number, 2), *plain((90, 160), 10 * number))
    assert max(fades.shares) == 1.0
    rare, resized = Fades(27.0), Fades(27.0)
    for number in range(20):
        rare.add(Fraction(number * 3, 2), *plain((90, 160), 10 * number))
        size = (90, 160) if number % 4 < 2 else (80, 160)
        resized.add(Fraction(number, 10), *plain(size, 10 * number))
    assert not any(rare.shares) and not any(resized.shares)
    assert len(rare.shares) == len(resized.shares) == 20
