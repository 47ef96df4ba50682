"""Decisions: majority and unanimity, what rejects, what is disputed, what a lead settles, which part is kept."""

from __future__ import annotations

import io
import random
from itertools import product

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.decide.reviews import as_reviews
from annotation.decide.rules import decide, reason_of
from schemas.forms import FORMS
from schemas.judging import Review
from schemas.review import DECIDED
from schemas.tables import REVIEWS
from tests.annotation.decide.simulated import answer, item, review_of

FIT = {"source": "visible", "aligned": "in_time", "audio": "good", "scenario": "singing", "speech": "neither"}
DISPUTE = item("d", kind="dispute", project="adjudication", clip_id="clip-k", clip_sha256=f"{'k':0>64}")


def judged(*changes: dict, **recipe) -> dict:
    """The decision on one clip that as many people judged fit, but for these changes."""
    answers = [answer("k", f"A{number}", FIT | change, number) for number, change in enumerate(changes, 1)]
    (row,) = decide([item("k")], answers, Review(**recipe))
    return row


def said(row: dict) -> dict[str, str | None]:
    return {finding["question"]: finding["answer"] for finding in row["findings"]}


OFF, POOR = {"source": "off_screen"}, {"audio": "poor"}


@pytest.mark.parametrize(
    ("changes", "recipe", "outcome", "question", "reason"),
    [
        (({}, {}, {}), {}, "accepted", None, None),
        (({}, {}), {}, "pending", None, None),
        ((OFF, OFF), {}, "pending", None, None),  # its fate is certain, and it still waits for the third
        ((OFF, {}, {}), {}, "accepted", None, None),
        ((OFF, OFF, {}), {}, "rejected", "source", "source:off_screen"),
        ((OFF | POOR, OFF | POOR, {}), {}, "rejected", "source", "source:off_screen"),
        ((OFF, {"source": "unclear"}, {}), {}, "disputed", "source", None),
        ((OFF, {"source": "unclear"}, {}), {"adjudicate": False}, "rejected", "source", "source:disputed"),
        ((OFF | POOR, {"source": "unclear"} | POOR, {}), {}, "rejected", "audio", "audio:poor"),
        (({"source": "unclear"},) * 3, {}, "rejected", "source", "source:unclear"),
        (({"scenario": "dialogue"}, {"scenario": "action"}, {}), {}, "disputed", "scenario", None),
        (({"scenario": "unclear"}, {"scenario": "unclear"}, {}), {}, "rejected", "scenario", "scenario:unclear"),
        (({"speech": "unclear"}, {"speech": "voice_over"}, {}), {}, "accepted", None, None),
        ((OFF, {}, {}), {"rule": "unanimity"}, "disputed", "source", None),
        ((POOR, {}, {}), {"rules": {"source": "unanimity"}}, "accepted", None, None),
        ((POOR, {}, {}), {"rules": {"audio": "unanimity"}}, "disputed", "audio", None),
        ((OFF, {}), {"per_clip": 2}, "disputed", "source", None),  # a half is no majority
        ((OFF, OFF, {}, {}), {"per_clip": 4}, "disputed", "source", None),
        ((OFF, OFF, OFF, {}), {"per_clip": 4}, "rejected", "source", "source:off_screen"),
        ((OFF,), {"per_clip": 1}, "rejected", "source", "source:off_screen"),
    ],
)  # fmt: skip
def test_outcomes(changes, recipe, outcome, question, reason):
    row = judged(*changes, **recipe)
    assert (row["outcome"], row["question"], reason_of(row)) == (outcome, question, reason)


def test_a_finding_for_every_question_with_its_votes():
    row = judged(OFF, OFF, {"speech": "voice_over", "aligned": "unclear"})
    found = {
        each["question"]: (each["answer"], each["votes"], each["of"], each["rule"])
        for each in row["findings"]
    }
    assert found == {
        "source": ("off_screen", 2, 3, "majority"),
        "aligned": ("in_time", 2, 3, "majority"),
        "audio": ("good", 3, 3, "majority"),
        "scenario": ("singing", 3, 3, "majority"),
        "speech": ("neither", 2, 3, "majority"),
    }
    # Of the four deciding questions, source and aligned have one agreeing pair of three, the others all three.
    assert row["agreement"] == pytest.approx((1 + 1 + 3 + 3) / 12)
    assert [vote["annotator"] for vote in row["votes"]] == ["A1", "A2", "A3"]
    assert row["adjudicator"] is None


def test_while_pending_nothing_is_decided():
    row = judged({}, {})
    assert set(said(row).values()) == {None}
    assert (row["counted"], row["needed"], row["decided_at"], row["keep_start_ms"]) == (2, 3, None, None)
    assert judged({})["agreement"] is None


def adjudicated(lead: dict, *changes: dict, later: list | None = None, **more) -> dict:
    answers = [answer("k", f"A{number}", FIT | change, number) for number, change in enumerate(changes, 1)]
    answers += [answer("d", "L1", FIT | lead, 100, **more), *(later or [])]
    (row,) = decide([item("k"), DISPUTE], answers, Review())
    return row


def test_a_lead_decides_all_questions():
    row = adjudicated({"speech": "voice_over"}, OFF, {"source": "unclear"}, {})
    assert (row["outcome"], row["adjudicator"]) == ("accepted", "L1")
    assert all(finding["adjudicated"] for finding in row["findings"])
    assert said(row)["speech"] == "voice_over"
    votes = {finding["question"]: finding["votes"] for finding in row["findings"]}
    assert (votes["source"], votes["speech"]) == (1, 0)
    assert row["decided_at"].startswith("2026-09-07T09:40")
    assert adjudicated(OFF, OFF, {"source": "unclear"}, {})["question"] == "source"


def test_a_leads_decision_stands_when_annotators_change_their_answers():
    change = answer("k", "A1", FIT, 1, version=2, changed_at="2026-10-01T00:00:00+00:00")
    taken_back = answer("k", "A2", {}, 2, version=2, skipped=True, changed_at="2026-10-02T00:00:00+00:00")
    row = adjudicated(POOR, OFF, {"source": "unclear"}, {}, later=[change, taken_back])
    assert (row["outcome"], row["question"], row["adjudicator"], row["counted"]) == (
        "rejected",
        "audio",
        "L1",
        2,
    )


def test_a_leads_skip_leaves_the_dispute_open_and_her_last_word_is_final():
    assert adjudicated({}, OFF, {"source": "unclear"}, {}, skipped=True)["outcome"] == "disputed"
    word = answer("d", "L1", FIT | OFF, 100, version=2, changed_at="2026-10-01T00:00:00+00:00")
    assert adjudicated({}, OFF, {"source": "unclear"}, {}, later=[word])["outcome"] == "rejected"


def test_a_clip_that_was_cut_anew_is_judged_anew():
    anew = item("n", clip_id="clip-k", clip_sha256="f" * 64)
    answers = [answer("k", f"A{number}", FIT, number) for number in (1, 2, 3)]
    rows = decide([item("k"), anew, DISPUTE], [*answers, answer("d", "L1", FIT | OFF, 9)], Review())
    assert [(row["clip_sha256"][:1], row["outcome"]) for row in rows] == [("0", "rejected"), ("f", "pending")]


def test_gold_and_items_of_studies_are_no_clips():
    kinds = ("gold_shifted", "gold_swapped", "offset", "excerpt", "dispute")
    assert decide([item(kind, kind=kind) for kind in kinds], [], Review()) == []


@pytest.mark.parametrize(
    ("marks", "kept"),
    [
        ([(0, 8000), (400, 7600), (40, 4000)], (40, 7600)),
        ([(0, 8000), (400, 7600), None], (200, 7800)),
        (
            [(0, 8000), (40, 7960), None],
            (0, 7960),
        ),  # the mean of frames 0 and 1 is no frame: both are rounded down
        ([(0, 8000), None, None], (None, None)),
        ([(0, 40), (4000, 4040), (80, 120)], (80, 120)),
    ],
)
def test_the_part_to_keep(marks, kept):
    answers = [
        answer("k", f"A{number}", FIT, keep_start_ms=mark and mark[0], keep_end_ms=mark and mark[1])
        for number, mark in enumerate(marks)
    ]
    (row,) = decide([item("k")], answers, Review())
    assert (row["keep_start_ms"], row["keep_end_ms"]) == kept


def test_a_lead_who_marks_a_part_decides_that_too():
    changes = OFF, {"source": "unclear"}, {}
    assert adjudicated({}, *changes, keep_start_ms=80, keep_end_ms=4000)["keep_end_ms"] == 4000
    assert adjudicated({}, *changes)["keep_end_ms"] is None


frames = st.integers(0, 300).flatmap(lambda first: st.tuples(st.just(first), st.integers(first + 1, 325)))


@given(marks=st.lists(frames, min_size=1, max_size=6))
def test_the_part_to_keep_is_whole_frames_and_never_empty(marks):
    answers = [
        answer("k", f"A{number}", FIT, number, keep_start_ms=40 * first, keep_end_ms=40 * last)
        for number, (first, last) in enumerate(marks)
    ]
    (row,) = decide([item("k")], answers, Review(per_clip=len(marks)))
    start, end = row["keep_start_ms"], row["keep_end_ms"]
    assert start % 40 == end % 40 == 0
    assert 40 * min(first for first, _ in marks) <= start < end <= 40 * max(last for _, last in marks)


@pytest.mark.parametrize("rule", ["majority", "unanimity"])
def test_every_vote_of_three_by_hand(rule):
    """All 27 votes on one question, against the rule said in other words."""
    question = FORMS["clip-review"].questions[0]
    for votes in product(question.answers, repeat=3):
        row = judged(*({"source": vote} for vote in votes), rule=rule)
        most = max(set(votes), key=votes.count)
        agreed = votes.count(most) >= (3 if rule == "unanimity" else 2)
        expected = "disputed" if not agreed else "accepted" if most == "visible" else "rejected"
        assert (row["outcome"], said(row)["source"]) == (expected, most if agreed else None)


def as_bytes(rows: list[dict]) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=DECIDED), written)
    return written.getvalue()


def test_the_same_rows_in_any_order_give_the_same_bytes():
    made = review_of(60)
    one = as_bytes(decide(made.items, made.answers, Review()))
    draw = random.Random(3)
    draw.shuffle(made.items)
    draw.shuffle(made.answers)
    assert as_bytes(decide(made.items, made.answers, Review())) == one


def test_decisions_as_the_truth_for_models():
    decided = [
        judged(OFF, OFF, {"aligned": "other_sound", "scenario": "action"}),
        judged({"aligned": "other_sound"}, {"aligned": "other_sound"}, {}) | {"clip_id": "swapped"},
        judged({"aligned": "out_of_time"}, {"aligned": "out_of_time"}, {}) | {"clip_id": "shifted"},
        judged({"aligned": "unclear"}, {"aligned": "in_time"}, {"aligned": "other_sound"})
        | {"clip_id": "open"},
        judged({}, {}) | {"clip_id": "pending"},
        adjudicated({"aligned": "unclear"}, OFF, {"source": "unclear"}, {}) | {"clip_id": "led"},
    ]
    rows = as_reviews(decided)
    assert pa.Table.from_pylist(rows, schema=REVIEWS).num_rows == len(rows)
    found = {(row["clip_id"], row["question"]): (row["answer"], row["annotators"]) for row in rows}
    assert found["clip-k", "source"] == ("off_screen", 3)
    assert found["clip-k", "mismatch"] == ("none", 3)
    assert found["swapped", "mismatch"] == ("obvious", 3)
    assert found["shifted", "mismatch"] == ("none", 3)
    assert ("open", "mismatch") not in found and found["open", "source"] == ("visible", 3)
    assert found["led", "mismatch"] == ("unclear", 4)
    assert not any(clip == "pending" for clip, _ in found)


def test_of_a_clip_that_was_judged_twice_the_later_decision_is_told():
    first, later = judged(OFF, OFF, OFF), judged({}, {}, {})
    later |= {"clip_sha256": "a" * 64, "decided_at": "2026-12-01T00:00:00Z"}
    for decided in ([first, later], [later, first]):
        (source,) = [row for row in as_reviews(decided) if row["question"] == "source"]
        assert source["answer"] == "visible"
