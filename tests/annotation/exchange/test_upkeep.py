"""What is wrong with a project is seen from its tasks alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from annotation.exchange.survey import Seen
from annotation.exchange.tasks import data_of, meta_of, task_of
from annotation.exchange.upkeep import keep_up, upkeep_of
from annotation.private import Secrets
from schemas.errors import ServiceError
from schemas.judging import Review
from tests.annotation.exchange.desk import dispute, key, some_items

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
    upkeep = upkeep_of(there, ITEMS, rows, "review", 3)
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
    first = upkeep_of(there, ITEMS, ITEMS, "review", 3)
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
    second = upkeep_of(mended, ITEMS, ITEMS, "review", 3)
    assert (second.altered, second.doubled, second.closed) == ([], [], [])
    assert second.tasks == first.tasks


@dataclass
class Tasks:
    """What the server keeps of each task, and which were asked for and changed."""

    states: dict[int, SimpleNamespace]
    asked: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)

    def get(self, id: str) -> SimpleNamespace:
        self.asked.append(int(id))
        return self._state(id)

    def update(self, id: str, **what) -> None:
        self.changed.append(int(id))
        vars(self._state(id)).update(what)

    def _state(self, id: str) -> SimpleNamespace:
        if int(id) not in self.states:
            raise ServiceError("server", "no such task", "", "gone")
        return self.states[int(id)]


NEEDED = 3
answered = st.fixed_dictionaries(
    {
        name: st.fixed_dictionaries(
            {
                "answers": st.integers(0, 6),
                "passed_on": st.integers(0, 3),
                "judged": st.integers(0, 4),
                "overlap": st.integers(1, 6),
                "is_labeled": st.booleans(),
                "closed": st.booleans(),
            }
        )
        for name in ITEMS
    }
)


@given(answered, st.sets(st.sampled_from(list(ITEMS))))
def test_an_answer_that_does_not_count_takes_nobodys_place(drawn, wanted) -> None:
    numbers = dict(zip(ITEMS, range(1, 9), strict=False))
    tasks = Tasks({numbers[name]: SimpleNamespace(**of) for name, of in drawn.items()})
    judged = Counter({name: of["judged"] for name, of in drawn.items()})
    rows = {name: ITEMS[name] for name in wanted}

    def upkeep(closed):
        there = [
            Seen(
                number,
                name,
                data_of(ITEMS[name]),
                meta_of(ITEMS[name], closed(name)),
                drawn[name]["answers"],
                drawn[name]["passed_on"],
            )
            for name, number in numbers.items()
        ]
        return upkeep_of(there, ITEMS, rows, "review", NEEDED, judged)

    done = defaultdict(set)
    keep_up(SimpleNamespace(tasks=tasks), upkeep(lambda name: drawn[name]["closed"]), ITEMS, NEEDED, done)
    short = {name for name in wanted if drawn[name]["judged"] < NEEDED and _may_seem_complete(**drawn[name])}
    for name in short:
        state, free = tasks.states[numbers[name]], NEEDED - drawn[name]["judged"]
        assert state.overlap - drawn[name]["answers"] >= free and state.is_labeled is False
        if drawn[name]["closed"] or drawn[name]["overlap"] < state.overlap:
            assert state.overlap - drawn[name]["answers"] == free, "and no more than are missing are asked"
    assert set(tasks.asked) <= {numbers[name] for name in short}
    assert done["asked_again"] <= short

    tasks.changed.clear()
    keep_up(SimpleNamespace(tasks=tasks), upkeep(lambda name: name not in wanted), ITEMS, NEEDED, done)
    assert tasks.changed == [], "without news nothing is changed again"


def _may_seem_complete(answers: int, judged: int, passed_on: int, **_) -> bool:
    """Whether the server, which counts every answer, may stop before enough of them count."""
    return answers > judged or answers + passed_on >= NEEDED


def test_answers_that_have_not_been_taken_in_are_not_taken_for_bad_ones() -> None:
    there = [Seen(1, key(0), data_of(ITEMS[key(0)]), {}, 3)]
    assert upkeep_of(there, ITEMS, ITEMS, "review", NEEDED).places == {}
    assert upkeep_of(there, ITEMS, ITEMS, "review", NEEDED, {key(0): 2}).places == {key(0): 4}


def test_a_task_that_is_deleted_meanwhile_is_left_to_the_next_push() -> None:
    upkeep = upkeep_of(
        [Seen(1, key(0), data_of(ITEMS[key(0)]), {}, 3)], ITEMS, ITEMS, "review", NEEDED, {key(0): 2}
    )
    done = defaultdict(set)
    keep_up(SimpleNamespace(tasks=Tasks({})), upkeep, ITEMS, NEEDED, done)
    assert done["asked_again"] == set()


def test_a_task_with_an_altered_key_is_known_by_its_number() -> None:
    rows = ITEMS | {key(0): ITEMS[key(0)] | {"task": 7}}
    upkeep = upkeep_of(
        [Seen(7, "another", {"key": "another"}, {}, 0)], rows, {key(0): rows[key(0)]}, "review", 3
    )
    assert [name for name, _ in upkeep.altered] == [key(0)]
    assert (upkeep.absent, upkeep.strange) == ([], 0)


def test_only_annotators_are_proposed_what_to_keep() -> None:
    assert "predictions" in task_of(some_items(1)[0], Review())[0]
    assert "predictions" not in task_of(dispute(1), Review())[0]


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
