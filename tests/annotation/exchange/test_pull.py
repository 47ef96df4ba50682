"""Each answer is taken in once, checked, and kept; what cannot count is put aside with the reason."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from annotation.exchange.turn import turn
from annotation.private import Person
from annotation.store import review_folder
from schemas.errors import WorkspaceError
from tests.annotation.exchange.desk import PROCESSES, Desk, dispute, key, open_desk, result_of, some_items
from tests.annotation.rows import GOOD
from tests.annotation.studio import Studio

pytestmark = pytest.mark.slow


def files_of(desk: Desk) -> dict[str, bytes]:
    folder = review_folder(desk.root, desk.recipe)
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_answers_are_taken_in_once(studio: Studio) -> None:
    desk = open_desk(studio, "taken")
    desk.push(some_items(3))
    region = {
        "id": "part",
        "from_name": "trim",
        "to_name": "clip",
        "type": "timelinelabels",
        "value": {"ranges": [{"start": 26, "end": 100}], "timelinelabels": ["keep"]},
    }
    comment = {
        "id": "said",
        "from_name": "comment",
        "to_name": "clip",
        "type": "textarea",
        "value": {"text": ["the mouth — ‘late’?"]},
    }
    desk.answer("A1", key(0), result=[*result_of(audio="poor"), region, comment])
    desk.answer("A2", key(0), was_cancelled=True, lead_time=None)
    before = datetime.now(UTC)
    pulled = desk.pull()
    assert (pulled.new, pulled.changed, pulled.unchanged, pulled.refused) == (2, 0, 0, {})
    first, second = desk.answers()
    assert (first["annotator"], first["answers"]) == ("A1", GOOD | {"audio": "poor"})
    assert (first["keep_start_ms"], first["keep_end_ms"]) == (1000, 4000)
    assert (first["comment"], first["lead_time_ms"], first["refused"]) == (
        "the mouth — ‘late’?",
        12_500,
        None,
    )
    assert first["task"] == desk.task_of(key(0))
    assert first["form"].startswith("clip-review@")
    assert (second["annotator"], second["skipped"], second["answers"]) == ("A2", True, {})
    assert second["lead_time_ms"] is None
    for row in (first, second):
        made, changed, taken = (
            datetime.fromisoformat(row[name]) for name in ("made_at", "changed_at", "pulled_at")
        )
        assert made <= changed <= before <= taken
        assert made.utcoffset() == changed.utcoffset() == taken.utcoffset() == before.utcoffset()

    files = files_of(desk)
    again = desk.pull()
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    assert files_of(desk) == files, "a pull that finds nothing new writes nothing"


def test_a_changed_answer_is_a_further_row(studio: Studio) -> None:
    desk = open_desk(studio, "changed")
    desk.push(some_items(1))
    number = desk.answer("A1", key(0))
    desk.pull()
    desk.call("PATCH", f"/api/annotations/{number}/", "A1", json={"result": result_of(aligned="out_of_time")})
    assert desk.pull().changed == 1
    desk.call(
        "PATCH", f"/api/annotations/{number}/", "A1", json={"result": result_of(), "was_cancelled": True}
    )
    assert desk.pull().changed == 1
    rows = desk.answers()
    assert [row["version"] for row in rows] == [1, 2, 3]
    assert [row["answers"].get("aligned") for row in rows] == ["in_time", "out_of_time", None]
    assert [row["skipped"] for row in rows] == [False, False, True]
    assert len({row["made_at"] for row in rows}) == 1


def test_a_second_answer_of_one_person_stays_in_its_order(studio: Studio) -> None:
    desk = open_desk(studio, "twice")
    desk.push(some_items(1))
    desk.answer("A1", key(0), result=result_of(audio="poor"))
    desk.answer("A1", key(0), result=result_of(audio="good"))
    desk.pull()
    assert [(row["version"], row["answers"]["audio"]) for row in desk.answers()] == [(1, "poor"), (2, "good")]
    assert desk.pull().unchanged == 2
    assert len(desk.answers()) == 2


ASIDE = (
    ("A1", {"result": []}, "empty"),
    ("A1", {"result": result_of()[1:]}, "missing_question"),
    ("A1", {"result": result_of(source="perhaps")}, "unknown_answer"),
    ("A1", {"result": [*result_of(), {"from_name": "mood", "to_name": "clip"}]}, "unknown_control"),
    ("A1", {"lead_time": -3}, "bad_lead_time"),
    ("L1", {}, "not_an_annotator"),
    ("admin", {}, "not_an_annotator"),
)
"""Who answers, what is wrong with it, and why it does not count."""


def test_what_cannot_count_is_put_aside(studio: Studio) -> None:
    desk = open_desk(studio, "aside")
    desk.push(some_items(len(ASIDE)))
    for number, (by, change, _) in enumerate(ASIDE):
        desk.answer(by, key(number), **change)
    pulled = desk.pull()
    assert (pulled.new, pulled.refused) == (0, Counter(reason for _, _, reason in ASIDE))
    rows = {row["item_key"]: row for row in desk.answers()}
    for number, (by, _, reason) in enumerate(ASIDE):
        row = rows[key(number)]
        assert (row["refused"], row["answers"], row["annotator"]) == (reason, {}, by)
        assert row["detail"] and row["raw"]
    assert desk.pull().unchanged == len(ASIDE)
    assert len(desk.answers()) == len(ASIDE)


def test_disputes_are_decided_by_leads(studio: Studio) -> None:
    desk = open_desk(studio, "leads", adjudicate=True)
    item = dispute(1)
    desk.push([item])
    desk.answer("L1", item["item_key"])
    desk.answer("A1", item["item_key"])
    assert desk.pull().refused == {"not_a_lead": 1}
    assert {row["annotator"]: row["refused"] for row in desk.answers()} == {"L1": None, "A1": "not_a_lead"}


def test_somebody_who_comes_onto_the_list_later_is_heard(studio: Studio) -> None:
    desk = open_desk(studio, "later")
    desk.push(some_items(1))
    desk.answer("A1", key(0))
    desk.answer("A2", key(0), result=[])
    known = [person for person in studio.people if person.pseudonym != "A1"]

    def pull(people: list[Person]):
        from annotation.exchange.pull import pull

        return pull(desk.client, desk.root, desk.recipe, desk.review, desk.projects, people)

    assert pull(known).refused == {"not_an_annotator": 1, "empty": 1}
    assert desk.answers()[0]["annotator"] is None
    assert pull(list(studio.people)).new == 1
    assert [(row["annotator"], row["refused"]) for row in desk.answers()] == [
        (None, "not_an_annotator"),
        ("A2", "empty"),
        ("A1", None),
    ]


def test_answers_to_strange_tasks_are_put_aside(studio: Studio) -> None:
    desk = open_desk(studio, "stranger")
    desk.push(some_items(1))
    path = f"/api/projects/{desk.projects['review']}/import?return_task_ids=true"
    task = desk.call("POST", path, json=[{"data": {"video": "/x.mp4"}}])["task_ids"][0]
    desk.call("POST", f"/api/tasks/{task}/annotations/", "A1", json={"result": result_of()})
    assert desk.pull().refused == {"unknown_task": 1}
    assert desk.answers()[0]["item_key"] is None


def test_an_altered_key_does_not_lose_the_answer(studio: Studio) -> None:
    desk = open_desk(studio, "rekeyed")
    desk.push(some_items(1))
    desk.answer("A1", key(0))
    desk.call("PATCH", f"/api/tasks/{desk.task_of(key(0))}/", json={"data": {"key": "no key", "video": "/"}})
    assert desk.pull().new == 1
    assert desk.answers()[0]["item_key"] == key(0)


def test_drafts_are_no_answers(studio: Studio) -> None:
    desk = open_desk(studio, "drafts")
    desk.push(some_items(1))
    draft = {"result": result_of(), "lead_time": 3}
    desk.call("POST", f"/api/tasks/{desk.task_of(key(0))}/drafts", "A1", json=draft)
    assert desk.pull().new == 0


def test_an_answer_that_is_deleted_stays_and_is_told_once(studio: Studio) -> None:
    desk = open_desk(studio, "deleted")
    desk.push(some_items(1))
    number = desk.answer("A1", key(0))
    desk.pull()
    desk.call("DELETE", f"/api/annotations/{number}/")
    assert [desk.pull().missing, desk.pull().missing] == [((key(0), "A1"),), ()]
    assert len(desk.answers()) == 1
    desk.answer("A1", key(0), result=result_of(audio="poor"))
    assert desk.pull().changed == 1
    assert [row["version"] for row in desk.answers()] == [1, 2]


def test_many_answers_come_in_several_files(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotation.exchange.pull.ROWS_PER_FILE", 2)
    desk = open_desk(studio, "several")
    desk.push(some_items(5))
    for number in range(5):
        desk.answer("A1", key(number))
    assert desk.pull().new == 5
    folder = review_folder(desk.root, desk.recipe) / "answers"
    assert len(list(folder.glob("*.parquet"))) == 3
    assert desk.pull().unchanged == 5


def _hold(root, recipe: str, held, release) -> None:
    with turn(root, recipe, 0):
        held.set()
        release.wait(60)


def test_pulls_take_turns(studio: Studio) -> None:
    desk = open_desk(studio, "turns")
    desk.push(some_items(1))
    desk.answer("A1", key(0))
    held, release = PROCESSES.Event(), PROCESSES.Event()
    other = PROCESSES.Process(target=_hold, args=(desk.root, desk.recipe, held, release))
    other.start()
    try:
        assert held.wait(60)
        with pytest.raises(WorkspaceError, match="another process"):
            desk.pull(wait_s=0)
        release.set()
        assert desk.pull(wait_s=60).new == 1
    finally:
        release.set()
        other.join()
