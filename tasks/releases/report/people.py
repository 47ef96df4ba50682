"""What people said of the released clips, in numbers."""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from schemas.forms import FORMS
from tasks.releases.report.records import Reviewed, Vote

_ORDER = {
    (question.name, answer): place
    for form in reversed(FORMS.values())
    for place, (question, answer) in enumerate(
        (question, answer) for question in form.questions for answer in question.answers
    )
}


def what_people_said(database: DuckDBPyConnection) -> Reviewed | None:
    """None where no person has judged a clip."""
    clips, judgements, agreed, alike, adjudicated = database.execute(
        "SELECT count(*), sum(reviewers)::BIGINT, count(review_agreement), "
        "sum(round(review_agreement * 1000000)::BIGINT), count(adjudicator) FROM clips WHERE reviewers > 0"
    ).fetchone()
    if not clips:
        return None
    (people,) = database.execute(
        "SELECT count(DISTINCT vote.annotator) FROM (SELECT unnest(review_votes) AS vote FROM clips)"
    ).fetchone()
    given = _answers(database, "review_votes")
    decided = _answers(database, "review_findings")
    votes = [
        Vote(question, given.get(question, {}), decided.get(question, {})) for question in given | decided
    ]
    agreement = int(alike) / agreed / 1_000_000 if agreed else None
    return Reviewed(clips, people, judgements, agreement, adjudicated, votes)


def _answers(database: DuckDBPyConnection, column: str) -> dict[str, dict[str, int]]:
    """Question to answer to how often; both in the order of the page that asks."""
    rows = database.execute(
        f"SELECT said.question, said.answer, count(*) FROM (SELECT unnest({column}) AS said FROM clips) "
        "WHERE said.answer IS NOT NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    rows.sort(key=lambda row: (_ORDER.get(row[:2], len(_ORDER)), *row))
    answers: dict[str, dict[str, int]] = {}
    for question, answer, number in rows:
        answers.setdefault(question, {})[answer] = number
    return answers
