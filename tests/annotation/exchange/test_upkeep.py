"""What is wrong with a project is seen from its tasks alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from annotation.exchange.survey import Seen
from annotation.exchange.tasks import data_of, meta_of, task_of
from annotation.exchange.upkeep import upkeep_of
from annotation.private import Secrets
from schemas.judging import Review
from tests.annotation.exchange.desk import key, some_items

ITEMS = {item["item_key"]: item for item in some_items(4)}

tasks = st.lists(
    st.tuples(
        st.sampled_from([*ITEMS, "unknown"]),
        st.booleans(),
        st.integers(0, 3),
        st.sampled_from(["8.0 s", "gold"]),
    ),
    max_size=12,
)


def seen_from(drawn) -> list[Seen]:
    """Tasks of a server, numbered in the order in which they were made."""
    found = []
    for number, (item, closed, answers, title) in enumerate(drawn, 1):
        row = ITEMS.get(item, next(iter(ITEMS.values())) | {"item_key": item})
        data = data_of(row) | {"title": title}
        found.append(Seen(number, item, data, meta_of(row, closed), answers))
    return found


@given(tasks, st.sets(st.sampled_from(list(ITEMS))))
def test_after_upkeep_each_wanted_item_is_offered_by_one_task(drawn, wanted) -> None:
    there = seen_from(drawn)
    rows = {name: ITEMS[name] for name in wanted}
    upkeep = upkeep_of(there, ITEMS, rows, "review")
    open_after = {seen.task for seen in there if not seen.meta.get("closed") and seen.key in ITEMS}
    open_after -= {seen.task for _, seen in (*upkeep.doubled, *upkeep.unwanted)}
    open_after |= {seen.task for _, seen in upkeep.closed}
    offered = sorted(seen.key for seen in there if seen.task in open_after)
    assert sorted((*offered, *upkeep.absent)) == sorted(wanted)
    assert upkeep.strange == sum(seen.key == "unknown" for seen in there)
    assert {name: task for name, task in upkeep.tasks.items() if task in open_after}.keys() == set(offered)


@given(tasks)
def test_what_has_been_mended_needs_no_mending(drawn) -> None:
    there = seen_from(drawn)
    first = upkeep_of(there, ITEMS, ITEMS, "review")
    closing = {seen.task for _, seen in first.doubled}
    opening = {seen.task for _, seen in first.closed}
    altered = {seen.task for _, seen in first.altered}
    mended = [
        Seen(
            seen.task,
            seen.key,
            data_of(ITEMS[seen.key]) if seen.task in altered else seen.data,
            {"closed": True} if seen.task in closing else {} if seen.task in opening else seen.meta,
            seen.answers,
        )
        for seen in there
    ]
    second = upkeep_of(mended, ITEMS, ITEMS, "review")
    assert (second.altered, second.doubled, second.closed) == ([], [], [])
    assert second.tasks == first.tasks


def test_a_task_with_an_altered_key_is_known_by_its_number() -> None:
    rows = ITEMS | {key(0): ITEMS[key(0)] | {"task": 7}}
    upkeep = upkeep_of(
        [Seen(7, "another", {"key": "another"}, {}, 0)], rows, {key(0): rows[key(0)]}, "review"
    )
    assert [name for name, _ in upkeep.altered] == [key(0)]
    assert (upkeep.absent, upkeep.strange) == ([], 0)


def test_a_task_says_nothing_of_the_file_or_the_trial() -> None:
    item = some_items(
        1, kind="gold_swapped", path="clips/v/secret.mp4", clip_id="clip-9", video_id="video-9", offset_ms=480,
        expected={"aligned": "other_sound"},
    )[0]  # fmt: skip
    told = str(task_of(item, Review())[0])
    for word in (
        "gold",
        "secret",
        "clip-9",
        "video-9",
        "480",
        "other_sound",
        "expected",
        *Secrets.__annotations__,
    ):
        assert word not in told
