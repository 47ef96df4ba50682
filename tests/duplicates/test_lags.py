"""Long sequences: what is found at likely lags is what a table of all with all finds, and costs little."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.sections import Duplicates
from tasks.duplicates import compare
from tasks.duplicates.lags import Items, best_run_at_shared_lags
from tasks.duplicates.pictures import MIRROR
from tasks.duplicates.runs import best_run, distances
from tests.duplicates.making import flipped, recording


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_it_finds_what_the_table_finds(data: st.DataObject) -> None:
    earlier, later = (data.draw(st.integers(60, 160)) for _ in range(2))
    length = data.draw(st.integers(25, min(earlier, later) - 1))
    begins = data.draw(st.integers(0, earlier - length)), data.draw(st.integers(0, later - length))
    share, seed = data.draw(st.sampled_from((0.0, 0.03, 0.08))), data.draw(st.integers(0, 99))
    one, other = recording(seed, earlier, earlier), recording(seed + 1000, later, later)
    rng = np.random.default_rng(seed)
    for name, easier, window, limit, apart in (("pictures", 1, 17, 0.12, 8), ("sounds", 0.4, 4, 0.11, 3)):
        ours, theirs = getattr(one, name), getattr(other, name).copy()
        theirs[begins[1] : begins[1] + length] = flipped(
            ours[begins[0] : begins[0] + length].copy(), share * easier, seed
        )
        known = rng.random(earlier) > 0.05, rng.random(later) > 0.05
        found = best_run_at_shared_lags((ours, known[0]), (theirs, known[1]), window, limit, apart)
        expected = best_run(distances(ours, theirs), known[0][:, None] & known[1][None], window, limit, apart)
        assert (found.earlier, found.later, found.length) == (
            expected.earlier,
            expected.later,
            expected.length,
        )
        assert found.distance == pytest.approx(expected.distance, abs=1e-6)
        assert found.elsewhere == pytest.approx(expected.elsewhere, abs=1e-6)


@pytest.mark.parametrize("unlike", [recording(2, 400, 400), recording(3, 5, 5)], ids=["another", "too short"])
def test_what_has_nothing_in_common_gives_nothing(unlike) -> None:
    def items(clip) -> Items:
        return clip.pictures, clip.seen

    assert best_run_at_shared_lags(items(recording(1, 400, 400)), items(unlike), 17, 0.12, 8) is None


def test_five_minutes_are_compared_in_little_memory() -> None:
    """A table of all with all takes 650 MB; a copy, a mirrored one without sound and 20 s of footage are found."""
    original, other = recording(1, 2500, 2400), recording(2, 2500, 2400)
    mute = np.zeros(2400, bool)
    mirrored = replace(original, pictures=flipped(original.pictures, 0.04, 5) ^ MIRROR, heard=mute)
    footage = replace(other, pictures=other.pictures.copy(), heard=mute)
    footage.pictures[900:1067] = original.pictures[100:267]
    again = replace(
        original, pictures=flipped(original.pictures, 0.05, 3), sounds=flipped(original.sounds, 0.02, 4)
    )
    tracemalloc.start()
    found = [compare(original, clip, Duplicates()) for clip in (again, mirrored, footage, other)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [match and (match.kind, match.mirrored) for match in found] == [
        ("both", False),
        ("picture", True),
        ("picture", False),
        None,
    ]
    assert [match.overlap_ms for match in found[:3]] == pytest.approx([299_960, 300_000, 20_040], abs=1_500)
    assert found[2].lag_ms == -800 * 120
    assert peak < 20e6


def test_a_slide_that_stands_is_no_evidence() -> None:
    """Two talks with the same three slides, a minute each, and other sound: alike at any lag within a slide."""
    slides = recording(1, 3, 3).pictures.repeat(500, axis=0)
    talks = [replace(recording(seed, 1500, 1450), pictures=slides) for seed in (2, 3)]
    short = [replace(talk, pictures=slides[:480], seen=talk.seen[:480]) for talk in talks]
    assert compare(*short, Duplicates()) is None
