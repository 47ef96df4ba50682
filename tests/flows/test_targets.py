"""How far a data set is from Table 1: every clip is on one shelf of each kind, and what is missing adds up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flows.outlook import recipe_for
from flows.targets import UNJUDGED, shelves
from schemas.scenarios import DOMAIN_OF
from schemas.sections import Targets

PAPER = recipe_for("av-syncbench").targets

clips = st.lists(
    st.fixed_dictionaries(
        {
            "scenario": st.sampled_from([*DOMAIN_OF, None]),
            "duration_ms": st.integers(1, 400).map(lambda n: n * 40),
            "clips": st.integers(1, 3),
        }
    )
)


def test_the_recipe_has_the_targets_of_the_paper() -> None:
    assert sum(PAPER.scenarios.values()) == 3267  # as Table 1 has them; its total says 3,269
    assert sum(share.clips for share in PAPER.durations) == 3269
    assert {*PAPER.scenarios} == {*DOMAIN_OF}
    edges = [(share.above, share.up_to) for share in PAPER.durations]
    assert edges == [(n * 1000, n * 1000 + 2000) for n in (3, 5, 7, 9, 11)]


@given(clips)
def test_every_clip_is_on_one_shelf_of_each_kind(released: list[dict]) -> None:
    lines = shelves(PAPER, [], released)
    durations = [line for line in lines if line.kind == "duration"]
    scenarios = [line for line in lines if line.kind != "duration"]
    for some in (durations, scenarios):
        assert sum(line.released for line in some) == sum(clips["clips"] for clips in released)
        assert len({line.name for line in some}) == len(some)
    for line in lines:
        assert line.missing == max(0, (line.target or 0) - line.released)
    unjudged = sum(clip["clips"] for clip in released if clip["scenario"] is None)
    assert sum(line.released for line in scenarios if line.name == UNJUDGED) == unjudged


def test_a_range_takes_what_is_as_long_as_its_end_and_the_first_one_its_beginning_too() -> None:
    durations = (3000, 5000, 5040, 13000, 13040, 2960)
    released = [{"scenario": "action", "duration_ms": ms, "clips": 1} for ms in durations]
    lines = {line.name: line.released for line in shelves(PAPER, [], released) if line.kind == "duration"}
    assert lines == {"3–5 s": 2, "5–7 s": 1, "7–9 s": 0, "9–11 s": 0, "11–13 s": 1, "other": 2}


def test_a_recipe_without_targets_has_no_table() -> None:
    assert shelves(Targets(), [], [{"scenario": None, "duration_ms": 300_000, "clips": 1}]) == []
