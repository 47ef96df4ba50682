"""What people decided, in the words in which models are asked: the truth against which these are measured."""

from __future__ import annotations

from collections.abc import Iterable

from annotation.decide.count import moment
from tasks.workspace.stage import Row

MISMATCH = {"other_sound": "obvious", "in_time": "none", "out_of_time": "none", "unclear": "unclear"}
"""Models are not asked about timing: to them only another sound is a mismatch."""

SAME_WORDS = ("source", "audio", "scenario")


def as_reviews(decided: Iterable[Row]) -> list[Row]:
    """Rows of schemas.tables.REVIEWS: each question that was decided on, of clips with all their judgements.

    A clip that was cut anew and judged again counts as it was decided last. Where a lead decided, the answer rests on
    her and on the annotators.
    """
    latest: dict[str, Row] = {}
    for row in sorted(
        (row for row in decided if row["decided_at"]), key=lambda row: moment(row["decided_at"])
    ):
        latest[row["clip_id"]] = row
    return [review for clip in sorted(latest) for review in _of_clip(latest[clip])]


def _of_clip(decided: Row) -> list[Row]:
    people = decided["counted"] + (decided["adjudicator"] is not None)
    answers = {finding["question"]: finding["answer"] for finding in decided["findings"]}
    said = {question: answers.get(question) for question in SAME_WORDS}
    said["mismatch"] = MISMATCH.get(answers.get("aligned") or "")
    return [
        {"clip_id": decided["clip_id"], "question": question, "answer": answer, "annotators": people}
        for question, answer in sorted(said.items())
        if answer is not None
    ]
