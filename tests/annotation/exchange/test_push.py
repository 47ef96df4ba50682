"""Items come to the server once each, and what is altered or deleted there by hand is mended."""

from __future__ import annotations

import pytest

from annotation.configs.projects import ensure_projects
from annotation.decide.count import counted
from annotation.store import read_items
from tests.annotation.exchange.desk import Desk, dispute, key, open_desk, result_of, some_items
from tests.annotation.studio import Studio

pytestmark = pytest.mark.slow


def keys_of(desk: Desk) -> list[str]:
    return [task["data"]["key"] for task in desk.tasks()]


def test_items_are_pushed_once(studio: Studio) -> None:
    desk = open_desk(studio, "once", adjudicate=True)
    items = [*some_items(10, machine={"source": "visible"}), dispute(1)]
    told = []
    assert desk.push(items, progress=lambda *what: told.append(what)).pushed == 11
    assert desk.push(items).pushed == 0
    assert sorted(keys_of(desk)) == sorted(key(number) for number in range(10))
    assert [row["task"] for row in desk.items() if row["project"] == "review"] == [
        task["id"] for task in desk.tasks()
    ]
    assert all(row["pushed_at"] for row in desk.items())
    assert ("items of review", 10, 10) in told


def test_a_task_shows_nothing_that_tells(studio: Studio) -> None:
    desk = open_desk(studio, "blind", adjudicate=True)
    gold = some_items(
        1,
        kind="gold_shifted",
        offset_ms=500,
        expected={"aligned": "out_of_time"},
        machine={"source": "visible"},
    )[0]
    desk.push([gold, dispute(1)])
    task = desk.tasks()[0]
    assert task["data"] == {
        "key": key(0),
        "video": f"/clips/{key(0)}.mp4",
        "title": "8.0 s",
        "fps": 25,
        "frames": 200,
    }
    assert task["meta"] == {"machine": {"source": "visible"}}
    whole = desk.call("GET", f"/api/tasks/{task['id']}/")["predictions"]
    assert [each["result"][0]["value"] for each in whole] == [
        {"ranges": [{"start": 1, "end": 200}], "timelinelabels": ["keep"]}
    ]
    (disputed,) = desk.tasks("adjudication")
    assert "<td>A1</td>" in disputed["data"]["answers"]
    assert desk.call("GET", f"/api/tasks/{disputed['id']}/")["predictions"] == []


def test_forms_that_do_not_trim_offer_no_part(studio: Studio) -> None:
    desk = open_desk(studio, "insync", form="in-sync")
    desk.push(some_items(1))
    assert desk.tasks()[0]["predictions"] == []


def test_a_task_that_is_deleted_by_hand_comes_back_with_its_answers(studio: Studio) -> None:
    desk = open_desk(studio, "restored", per_clip=2)
    items = some_items(3)
    desk.push(items)
    desk.answer("A1", key(1), result=result_of(audio="poor"))
    desk.answer("A2", key(1), was_cancelled=True)
    assert desk.pull().new == 2
    desk.call("DELETE", f"/api/tasks/{desk.task_of(key(1))}/")
    gone = desk.pull()
    assert gone.missing == ((key(1), "A1"), (key(1), "A2"))
    assert desk.pull().missing == ()

    assert desk.push(items).restored == (key(1),)
    assert sorted(keys_of(desk)) == sorted(row["item_key"] for row in items)
    again = next(task for task in desk.tasks() if task["data"]["key"] == key(1))
    by_user = {each["completed_by"]: each for each in again["annotations"]}
    assert by_user[studio.person("A1").user]["was_cancelled"] is False
    assert by_user[studio.person("A2").user]["was_cancelled"] is True
    for annotator in ("A1", "A2"):  # neither is asked again, and a third person is
        for other in (key(0), key(2)):
            desk.answer(annotator, other)
        assert desk.offered(annotator) is None
    before = len(desk.answers())
    taken = desk.pull()
    assert (taken.new, taken.changed, taken.missing) == (4, 0, ())
    assert len(desk.answers()) == before + 4

    # A restored answer that is changed is a further version of the same one.
    number = next(
        number for number in by_user.values() if number["completed_by"] == studio.person("A1").user
    )["id"]
    desk.call("PATCH", f"/api/annotations/{number}/", "A1", json={"result": result_of(audio="good")})
    assert desk.pull().changed == 1
    versions = [row for row in desk.answers() if (row["item_key"], row["annotator"]) == (key(1), "A1")]
    assert [(row["version"], row["answers"]["audio"]) for row in versions] == [(1, "poor"), (2, "good")]
    assert versions[0]["made_at"] == versions[1]["made_at"] < versions[1]["changed_at"]


def test_an_altered_task_is_put_back(studio: Studio) -> None:
    desk = open_desk(studio, "altered")
    items = some_items(3)
    desk.push(items)
    desk.call("PATCH", f"/api/tasks/{desk.task_of(key(0))}/", json={"data": {"video": "http://elsewhere/"}})
    altered = desk.tasks()[1]["data"] | {"title": "gold!"}
    desk.call("PATCH", f"/api/tasks/{desk.task_of(key(1))}/", json={"data": altered})
    pushed = desk.push(items)
    assert (pushed.mended, pushed.pushed, pushed.restored) == (tuple(sorted((key(0), key(1)))), 0, ())
    assert {task["data"]["title"] for task in desk.tasks()} == {"8.0 s"}
    assert desk.push(items).mended == ()


def test_of_two_tasks_of_one_item_one_is_closed(studio: Studio) -> None:
    desk = open_desk(studio, "doubled", per_clip=1)
    items = some_items(2)
    desk.push(items)
    doubles = [{"data": task["data"]} for task in desk.tasks()]
    path = f"/api/projects/{desk.projects['review']}/import?return_task_ids=true"
    younger = desk.call("POST", path, json=doubles)["task_ids"]
    desk.call("POST", f"/api/tasks/{younger[1]}/annotations/", "A3", json={"result": result_of()})

    assert desk.push(items).doubled == tuple(sorted((key(0), key(1))))
    assert desk.push(items).doubled == ()
    assert len(desk.tasks()) == 4
    assert desk.task_of(key(0)) < younger[0] and desk.task_of(key(1)) == younger[1]
    assert desk.offered("A1") == key(0)
    desk.answer("A1", key(0))
    assert desk.offered("A2") is None
    # Somebody who had the closed one open may still submit, and it counts for the item.
    desk.call("POST", f"/api/tasks/{younger[0]}/annotations/", "A4", json={"result": result_of()})
    assert desk.offered("A2") is None
    desk.pull()
    assert {(row["item_key"], row["annotator"], row["refused"]) for row in desk.answers()} == {
        (key(0), "A1", None),
        (key(0), "A4", None),
        (key(1), "A3", None),
    }


def test_items_that_are_no_longer_wanted_are_offered_to_nobody(studio: Studio) -> None:
    desk = open_desk(studio, "unwanted")
    items = some_items(3)
    desk.push(items)
    desk.answer("A1", key(0))
    assert desk.push(items[2:]).closed == 2
    assert desk.push(items[2:]).closed == 0
    assert {desk.offered(annotator) for annotator in ("A1", "A2", "A3")} == {key(2)}
    assert desk.pull().new == 1, "the answer that had been given is kept"
    assert len(read_items(desk.root, "unwanted")) == 3
    assert desk.push(items).reopened == 2
    desk.answer("A1", key(2))
    assert desk.offered("A1") == key(1)
    states = [desk.call("GET", f"/api/tasks/{task['id']}/") for task in desk.tasks()]
    assert [(state["overlap"], state["is_labeled"]) for state in states] == [(3, False)] * 3


def test_no_more_items_wait_for_answers_than_the_recipe_says(studio: Studio) -> None:
    desk = open_desk(studio, "room", outstanding=3, per_clip=1, adjudicate=True)
    items = [*some_items(5), dispute(1), dispute(2), dispute(3), dispute(4)]
    first = desk.push(items)
    assert (first.pushed, first.waiting) == (7, 2)
    assert len(desk.tasks("adjudication")) == 4
    assert desk.push(items).waiting == 2
    desk.answer("A1", key(0))
    desk.answer("A2", key(1), was_cancelled=True)
    desk.answer("A2", key(2), result=[])
    desk.pull()
    second = desk.push(items)
    assert (second.pushed, second.waiting) == (1, 1), "what was skipped or refused still waits for an answer"
    assert keys_of(desk) == [key(0), key(1), key(2), key(3)]


def test_who_gave_an_answer_that_does_not_count_is_replaced(studio: Studio) -> None:
    desk = open_desk(studio, "place")
    items = some_items(7)
    desk.push(items)
    for item in items[:6]:
        for annotator in ("A1", "A2"):
            desk.answer(annotator, item["item_key"])
    desk.answer("A3", key(0), result=[])
    desk.answer("L1", key(1))
    desk.answer("admin", key(2))
    desk.answer("A2", key(3))
    number = desk.answer("A3", key(4))
    desk.call("PATCH", f"/api/annotations/{number}/", "A3", json={"was_cancelled": True})
    desk.answer("A3", key(5))
    desk.answer("A3", key(6), result=[])

    def pushed_after_a_pull() -> set[str]:
        return set(desk.push(items, seen=desk.pull().seen).asked_again)

    assert desk.push(items).asked_again == (), "nobody is asked for what has not been looked at"
    assert pushed_after_a_pull() == {key(0), key(1), key(2), key(3), key(6)}
    assert pushed_after_a_pull() == set(), "without news nothing is changed"

    # Somebody changes the number of judgements, and it is put right: the server forgets who is asked again.
    desk.call("PATCH", f"/api/projects/{desk.projects['review']}/", json={"maximum_annotations": 2})
    ensure_projects(desk.client, desk.root, desk.recipe, desk.review)
    assert pushed_after_a_pull() == {key(0), key(1), key(2), key(3), key(6)}

    given = {annotator: judged_by(desk, annotator) for annotator in ("A4", "A5", "A1", "A2", "A3")}
    assert given == {
        "A4": {key(0), key(1), key(2), key(3), key(4), key(6)},
        "A5": {key(6)},
        "A1": {key(6)},
        "A2": set(),
        "A3": set(),
    }
    desk.pull()
    found = counted(desk.items(), desk.answers(), 3).values()
    assert [(len(each.answers), len(each.extra)) for each in found] == [(3, 0)] * 7
    assert pushed_after_a_pull() == set()


def judged_by(desk: Desk, annotator: str) -> set[str]:
    """Have somebody judge all that she is given."""
    given = set()
    while (offered := desk.offered(annotator)) is not None:
        assert offered not in given
        desk.answer(annotator, offered)
        given.add(offered)
    return given


def test_an_item_that_is_wanted_again_is_offered_for_the_answers_that_it_lacks(studio: Studio) -> None:
    desk = open_desk(studio, "wanted again")
    items = some_items(2)
    desk.push(items)
    for annotator in ("A1", "A2", "A3"):
        for item in items:
            desk.answer(annotator, item["item_key"], **({"result": []} if annotator == "A3" else {}))
    assert desk.push([], seen=desk.pull().seen).closed == 2
    assert desk.offered("A4") is None
    again = desk.push(items, seen=desk.pull().seen)
    assert (again.reopened, again.asked_again) == (2, ())
    assert [judged_by(desk, annotator) for annotator in ("A4", "A5")] == [{key(0), key(1)}, set()]


def test_a_dispute_that_an_annotator_has_answered_still_waits_for_the_lead(studio: Studio) -> None:
    desk = open_desk(studio, "not hers", adjudicate=True)
    item = dispute(1)
    desk.push([item])
    desk.answer("A1", item["item_key"])
    assert desk.offered("L1", "adjudication") is None
    assert desk.push([item], seen=desk.pull().seen).asked_again == (item["item_key"],)
    assert desk.offered("L1", "adjudication") == item["item_key"]
    desk.answer("L1", item["item_key"])
    assert desk.push([item], seen=desk.pull().seen).asked_again == ()


def test_what_a_page_says_is_renewed(studio: Studio) -> None:
    desk = open_desk(studio, "renewed", adjudicate=True)
    before = dispute(1)
    after = before | {"shown": {"answers": "<table><tr><td>A2</td></tr></table>"}}
    desk.push([before])
    task = desk.task_of(before["item_key"])
    pushed = desk.push([before, after])
    assert (pushed.renewed, pushed.mended, pushed.pushed) == ((before["item_key"],), (), 0)
    (there,) = desk.tasks("adjudication")
    assert (there["id"], there["data"]["answers"]) == (task, after["shown"]["answers"])
    assert [row["shown"] for row in desk.items()] == [after["shown"]]
    assert desk.push([after]).renewed == ()


def test_a_task_that_was_passed_on_and_deleted_is_offered_to_as_many_as_are_missing(studio: Studio) -> None:
    desk = open_desk(studio, "passed on")
    items = some_items(1)
    desk.push(items)
    for annotator in ("A1", "A2"):
        desk.answer(annotator, key(0))
    desk.answer("A3", key(0), was_cancelled=True)
    desk.pull()
    desk.call("DELETE", f"/api/tasks/{desk.task_of(key(0))}/")
    assert desk.push(items, seen=desk.pull().seen).restored == (key(0),)
    assert desk.push(items, seen=desk.pull().seen).asked_again == (key(0),)
    assert [judged_by(desk, annotator) for annotator in ("A3", "A4", "A5")] == [set(), {key(0)}, set()]


def test_a_push_after_a_pull_asks_the_server_no_second_time(studio: Studio) -> None:
    desk = open_desk(studio, "seen")
    items = some_items(5)
    desk.push(items[:3])
    pulled = desk.pull()
    told = []
    assert desk.push(items, seen=pulled.seen, progress=lambda *what: told.append(what)).pushed == 2
    assert [what for what, _, _ in told] == ["items of review"]
    assert len(desk.tasks()) == 5


def test_tasks_of_others_are_left_alone(studio: Studio) -> None:
    desk = open_desk(studio, "strange")
    path = f"/api/projects/{desk.projects['review']}/import"
    desk.call("POST", path, json=[{"data": {"video": "/mine.mp4"}}])
    pushed = desk.push(some_items(1))
    assert (pushed.pushed, pushed.strange) == (1, 1)
    assert [task["data"]["video"] for task in desk.tasks()] == ["/mine.mp4", f"/clips/{key(0)}.mp4"]


def test_the_answer_of_an_account_that_is_gone_stays_here(studio: Studio) -> None:
    desk = open_desk(studio, "gone-account")
    desk.push(some_items(1))
    desk.answer("A5", key(0))
    desk.pull()
    desk.call("DELETE", f"/api/tasks/{desk.task_of(key(0))}/")
    people = studio.root / "review-server" / "people.json"
    kept = people.read_text()
    try:
        people.write_text(kept.replace(f'"user": {studio.person("A5").user}', '"user": 99999'))
        pushed = desk.push(some_items(1))
    finally:
        people.write_text(kept)
    assert (pushed.restored, pushed.unrestored) == ((key(0),), 1)
    assert len(desk.answers()) == 1
