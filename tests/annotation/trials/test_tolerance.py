"""The tolerance study: offsets are shown equally often, no clip at more than a few of them."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.trials.plan import plan
from annotation.trials.tolerance import OFFSETS_EACH
from tasks.workspace.stage import Row
from tests.annotation.trials.making import SECRET, recipe_for, several

OFFSETS = (-800, -400, -200, 0, 200, 400, 800)


def shown(clips: list[Row], sample: int, known: list[Row], offsets: tuple[int, ...] = OFFSETS) -> list[Row]:
    recipe = recipe_for("in-sync", sample=sample, offsets=offsets)
    return known + [trial.item for trial in plan(recipe, clips, known, SECRET).trials]


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=5),
    st.integers(1, 120),
    st.sets(st.sampled_from(OFFSETS), min_size=1),
)
def test_offsets_and_clips_are_balanced_as_clips_come(
    growth: list[int], sample: int, offsets: set[int]
) -> None:
    items: list[Row] = []
    each = min(OFFSETS_EACH, len(offsets))
    for count in (sum(growth[: place + 1]) for place in range(len(growth))):
        items = shown(several(count), sample, items, tuple(offsets))
        assert len(items) == min(sample, each * count)
        uses = Counter({offset: 0 for offset in offsets})
        uses.update(item["offset_ms"] for item in items)
        assert max(uses.values()) - min(uses.values()) <= 1
        of_clip: defaultdict[str, list[int]] = defaultdict(list)
        for item in items:
            of_clip[item["clip_id"]].append(item["offset_ms"])
        assert all(len(set(some)) == len(some) <= each for some in of_clip.values())
        # At most one clip, where the sample ends, is shown at fewer.
        assert sum(len(some) < each for some in of_clip.values()) <= 1


def test_no_clip_is_tied_to_its_offsets_by_the_order_of_the_data() -> None:
    items = shown(several(700), 2_100, [])
    first = Counter(item["offset_ms"] for item in items if int(item["clip_id"][1:]) < 350)
    # 150 of each are expected; five standard deviations of the draw are 43.
    assert all(107 <= first[offset] <= 193 for offset in OFFSETS)


def test_offsets_meet_in_many_ways() -> None:
    items = shown(several(200), 600, [])
    together: defaultdict[str, set[int]] = defaultdict(set)
    for item in items:
        together[item["clip_id"]].add(item["offset_ms"])
    # Taken in a fixed order the seven offsets would come in seven threes; 35 are possible.
    assert len({frozenset(some) for some in together.values()}) >= 28


@pytest.mark.parametrize(
    ("columns", "suits"),
    [
        ({"duration_ms": 4_600}, True),
        ({"duration_ms": 4_560}, False),
        ({"evidence": "uniform"}, False),
    ],
)
def test_a_clip_must_be_evident_and_long_enough_between_its_silent_ends(columns: dict, suits: bool) -> None:
    made = plan(recipe_for("in-sync", offsets=OFFSETS), several(3, **columns), [], SECRET)
    assert len(made.trials) == (9 if suits else 0)
    assert [told.reason for told in made.unmade] == ([] if suits else ["nothing_suits"])


def test_items_tell_nothing_but_their_offset_to_us() -> None:
    for item in shown(several(10), 30, []):
        assert (item["kind"], item["expected"], item["machine"], item["shown"]) == ("offset", {}, {}, {})


def test_a_longer_largest_offset_gives_other_items() -> None:
    near, far = (
        {item["item_key"] for item in shown(several(5), 99, [], offsets)} for offsets in ((0, 40), (0, 80))
    )
    assert len(near) == len(far) == 10
    assert not near & far
