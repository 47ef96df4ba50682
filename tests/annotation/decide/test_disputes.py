"""Disputes: which clips go to the lead, what she is shown, and that nothing of it can run."""

from __future__ import annotations

from html.parser import HTMLParser

import pyarrow as pa

from annotation.decide.disputes import dispute_items, disputes, settled_by_annotators
from annotation.decide.rules import decide
from schemas.judging import Review
from schemas.review import ITEMS
from tests.annotation.decide.simulated import answer, item, review_of

FIT = {"source": "visible", "aligned": "in_time", "audio": "good", "scenario": "singing", "speech": "neither"}
SECRET = "ab" * 32


class Cells(HTMLParser):
    """The texts of the cells of a table, row by row, and every tag and attribute in it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.rows[-1][-1] += data


def cells_of(html: str) -> Cells:
    cells = Cells()
    cells.feed(html)
    return cells


def disputed(**more) -> tuple[list, list]:
    answers = [
        answer("k", "A2", FIT, 0, keep_start_ms=0, keep_end_ms=8000),
        answer("k", "A1", FIT | {"aligned": "unclear", "speech": "voice_over"}, 1, **more),
        answer("k", "A5", FIT | {"aligned": "out_of_time", "speech": "talking_head"}, 2),
    ]
    return [item("k", shown={"event": "Dog"})], answers


def test_the_lead_is_shown_every_answer_by_pseudonym():
    items, answers = disputed(comment="lips lag, I think")
    (dispute,) = disputes(decide(items, answers, Review()), items, answers)
    assert dispute.questions == ("aligned", "speech")
    assert dispute.shown["event"] == "Dog"
    assert cells_of(dispute.shown["answers"]).rows == [
        ["", "A2", "A1", "A5"],
        ["source", "visible", "visible", "visible"],
        ["aligned", "in time", "unclear", "out of time"],
        ["audio", "good", "good", "good"],
        ["scenario", "singing", "singing", "singing"],
        ["speech", "neither", "voice over", "talking head"],
        ["keep", "0.00–8.00 s", "–", "–"],
        ["comment", "", "lips lag, I think", ""],
    ]


def test_comments_cannot_run_anything():
    comment = '<img src=x onerror="alert(1)"></td><script>alert(2)</script>&lt;'
    items, answers = disputed(comment=comment)
    (dispute,) = disputes(decide(items, answers, Review()), items, answers)
    cells = cells_of(dispute.shown["answers"])
    assert cells.rows[-1][2] == comment
    assert (cells.tags, cells.attributes) == ({"table", "tr", "th", "td"}, {"style"})


def test_without_the_answers_the_table_has_no_comments():
    items, answers = disputed(comment="x")
    (dispute,) = disputes(decide(items, answers, Review()), items)
    assert [row[0] for row in cells_of(dispute.shown["answers"]).rows][-1] == "speech"


def test_only_disputed_clips_go_to_the_lead_and_each_once():
    made = review_of(80)
    decided = decide(made.items, made.answers, Review())
    waiting = {row["clip_id"] for row in decided if row["outcome"] == "disputed"}
    found = disputes(decided, made.items, made.answers)
    assert waiting and [each.item["clip_id"] for each in found] == sorted(waiting)
    rows = dispute_items(found, made.items, "av-syncbench", SECRET)
    assert {row["kind"] for row in rows} == {"dispute"} and {row["project"] for row in rows} == {
        "adjudication"
    }
    assert len({row["item_key"] for row in rows}) == len(waiting)
    assert not {row["item_key"] for row in rows} & {row["item_key"] for row in made.items}
    assert pa.Table.from_pylist(rows, schema=ITEMS).num_rows == len(waiting)
    assert dispute_items(found, [*made.items, *rows], "av-syncbench", SECRET) == []


def test_a_leads_answer_to_the_item_settles_the_dispute():
    items, answers = disputed()
    (row,) = dispute_items(disputes(decide(items, answers, Review()), items), items, "r", SECRET)
    answers.append(answer(row["item_key"], "L1", FIT, 50))
    (decided,) = decide([*items, row], answers, Review())
    assert (decided["outcome"], decided["adjudicator"]) == ("accepted", "L1")
    assert disputes([decided], items) == []


def test_an_open_dispute_shows_what_annotators_have_changed_since():
    items, answers = disputed()
    (first,) = dispute_items(disputes(decide(items, answers, Review()), items, answers), items, "r", SECRET)
    known = [*items, first | {"task": 7, "pushed_at": "2026-11-02T11:00:00+00:00"}]

    def renewed() -> list:
        return dispute_items(disputes(decide(known, answers, Review()), known, answers), known, "r", SECRET)

    assert renewed() == []
    answers.append(
        answer(
            "k",
            "A1",
            FIT | {"aligned": "unclear", "source": "off_screen"},
            30,
            version=2,
            comment="I see now",
        )
    )
    (row,) = renewed()
    assert {name: row[name] for name in row if name != "shown"} == {
        name: known[-1][name] for name in row if name != "shown"
    }
    cells = cells_of(row["shown"]["answers"]).rows
    assert cells[1] == ["source", "visible", "off screen", "visible"]
    assert cells[-1] == ["comment", "", "I see now", ""]

    known[-1] = row
    answers.append(answer(row["item_key"], "L1", FIT, 50))
    answers.append(answer("k", "A1", FIT | {"aligned": "unclear"}, 55, version=3))
    assert renewed() == [], "what a lead has decided stays as she saw it"


def test_what_annotators_have_settled_themselves_needs_no_lead():
    items, answers = disputed()
    (row,) = dispute_items(disputes(decide(items, answers, Review()), items), items, "r", SECRET)
    known = [*items, row]

    def settled() -> set:
        return settled_by_annotators(decide(known, answers, Review()), known)

    assert settled() == set()
    answers.append(answer("k", "A1", FIT, 30, version=2))
    assert settled() == {row["item_key"]}
    answers.append(answer("k", "A1", FIT | {"aligned": "unclear"}, 40, version=3))
    assert settled() == set()
    answers.append(answer(row["item_key"], "L1", FIT, 50))
    assert settled() == set(), "a lead's decision stands, and her task with it"
