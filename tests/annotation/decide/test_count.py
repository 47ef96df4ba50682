"""Which judgements count: distinct people, the first that came, as they last stand, in whatever order rows come."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from annotation.decide.count import counted, is_good, is_lead
from tests.annotation.decide.simulated import answer, item

GOOD = {"source": "visible"}


def names(rows) -> list[str]:
    return [row["annotator"] for row in rows]


def test_the_first_three_people_count_and_a_fourth_is_kept_apart():
    answers = [answer("k", name, GOOD, minute) for minute, name in enumerate(("A4", "A2", "A1", "A3"))]
    found = counted([item("k")], answers, 3)["k"]
    assert names(found.answers) == ["A4", "A2", "A1"]
    assert names(found.extra) == ["A3"]
    assert found.complete


def test_a_changed_answer_counts_as_it_last_stands_and_keeps_its_place():
    answers = [answer("k", name, GOOD, minute) for minute, name in enumerate(("A1", "A2", "A3", "A4"))]
    changed = answer(
        "k", "A1", {"source": "off_screen"}, 0, version=2, changed_at="2026-09-30T00:00:00+00:00"
    )
    found = counted([item("k")], [*answers, changed], 3)["k"]
    assert names(found.answers) == ["A1", "A2", "A3"]
    assert found.answers[0]["answers"] == {"source": "off_screen"}


def test_one_person_counts_once_whatever_tasks_she_was_given():
    answers = [answer("k", "A1", GOOD, 0, task=7), answer("k", "A1", GOOD, 5, version=2, task=9)]
    found = counted([item("k")], answers, 2)["k"]
    assert (names(found.answers), found.extra, found.complete) == (["A1"], (), False)


def test_skipped_and_refused_answers_do_not_count():
    answers = [
        answer("k", "A1", {}, 0, skipped=True),
        answer("k", "A2", {}, 1, refused="missing_answer"),
        answer("k", None, {}, 2, refused="not_an_annotator"),
        answer("k", "A3", GOOD, 3),
    ]
    found = counted([item("k")], answers, 1)["k"]
    assert (names(found.answers), names(found.skips), names(found.extra)) == (["A3"], ["A1"], [])


def test_who_skipped_first_and_answered_later_stands_behind_those_who_answered_between():
    late = answer("k", "A1", GOOD, 0, version=2, changed_at="2026-09-08T08:00:00+00:00")
    answers = [
        answer("k", "A1", {}, 0, skipped=True),
        answer("k", "A2", GOOD, 1),
        answer("k", "A3", GOOD, 2),
        late,
    ]
    found = counted([item("k")], answers, 2)["k"]
    assert (names(found.answers), names(found.extra), found.skips) == (["A2", "A3"], ["A1"], ())


def test_whose_answer_was_taken_back_by_a_skip_makes_room():
    answers = [answer("k", name, GOOD, minute) for minute, name in enumerate(("A1", "A2", "A3"))]
    answers.append(answer("k", "A1", {}, 0, version=2, skipped=True, changed_at="2026-09-30T00:00:00Z"))
    assert names(counted([item("k")], answers, 2)["k"].answers) == ["A2", "A3"]


def test_leads_answer_disputes_and_nothing_else_of_theirs_counts():
    clip, dispute = item("k"), item("d", kind="dispute", project="adjudication")
    answers = [
        answer("k", "L1", GOOD, 0),
        answer("k", "A1", GOOD, 1),
        answer("d", "A1", GOOD, 2),
        answer("d", "L2", GOOD, 3),
        answer("d", "L1", GOOD, 4),
    ]
    found = counted([clip, dispute], answers, 3)
    assert (names(found["k"].answers), names(found["k"].extra)) == (["A1"], ["L1"])
    assert (names(found["d"].answers), names(found["d"].extra)) == (["L2"], ["A1", "L1"])
    assert found["d"].complete and not found["k"].complete


def test_times_are_compared_as_times_and_not_as_text():
    first = answer("k", "A2", GOOD, made_at="2026-09-07T10:00:00.250000+02:00", changed_at=None)
    later = answer("k", "A1", GOOD, made_at="2026-09-07T08:00:00.5Z", changed_at=None)
    assert names(counted([item("k")], [later, first], 1)["k"].answers) == ["A2"]


def test_answers_to_unknown_items_are_passed_over():
    assert set(counted([item("k")], [answer("other", "A1", GOOD)], 3)) == {"k"}


rows = st.builds(
    lambda key, name, version, minute, skipped, refused: answer(
        key, name, GOOD, minute, version=version, skipped=skipped, refused=refused
    ),
    st.sampled_from(["a", "b", "d"]),
    st.sampled_from(["A1", "A2", "A3", "A4", "A10", "L1", None]),
    st.integers(1, 4),
    st.integers(0, 50),
    st.booleans(),
    st.sampled_from([None, None, None, "missing_answer"]),
)


@given(answers=st.lists(rows, max_size=40, unique_by=lambda row: (row["item_key"], row["annotator"], row["version"])),
       per_clip=st.integers(1, 4), seed=st.integers(0, 5))  # fmt: skip
def test_whatever_comes_in_whatever_order(answers, per_clip, seed):
    items = [item("a"), item("b"), item("d", kind="dispute", project="adjudication")]
    found = counted(items, answers, per_clip)
    shuffled = answers.copy()
    random.Random(seed).shuffle(shuffled)
    assert counted(items[::-1], shuffled, per_clip) == found
    for key, each in found.items():
        people = names(each.answers) + names(each.extra)
        assert len(set(people)) == len(people)
        assert len(each.answers) <= each.needed == (1 if key == "d" else per_clip)
        assert all(is_good(row) and is_lead(row["annotator"]) == (key == "d") for row in each.answers)
        others = [row for row in each.extra if is_lead(row["annotator"]) == (key == "d")]
        assert not others or each.complete
