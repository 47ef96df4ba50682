"""The stage `review`: applies what people decided of each clip, and holds back what they have yet to judge."""

from __future__ import annotations

from schemas.errors import Deferred, Dropped
from schemas.review import DECIDED, REVIEWED
from tasks.workspace.stage import Context, Item, Produced, Row, Stage, Worker

FOR_PEOPLE, PENDING, DISPUTED = "for_people", "review_pending", "review_disputed"
"""Why a clip waits: the recipe asks nobody, annotators have yet to judge it, or a lead has."""

REJECTED = "rejected_"
"""What the reason of a clip that people left out begins with; the question follows."""


def open_worker(context: Context) -> Worker:
    """A worker that applies the decision which comes with each clip, as `decided` of its row.

    It raises Dropped (`rejected_source`, `rejected_aligned` …) and Deferred (`review_pending` …).
    """
    review = context.recipe.review
    asked = review is not None and review.decides

    def work(item: Item) -> Produced:
        doubtful = any(row["verdict"] == "people" for row in item.records["offscreen"])
        if not doubtful and (not asked or review.of == "doubtful"):
            return Produced([])
        if not asked:
            raise Deferred(FOR_PEOPLE, "the off-screen filter leaves it to people, and the recipe asks none")
        return _applied(item, item.row["decided"], review.per_clip)

    return work


def _applied(item: Item, decided: Row | None, per_clip: int) -> Produced:
    if decided is None:
        raise Deferred(PENDING, f"0 of {per_clip} judgements")
    if decided["outcome"] == "rejected":
        raise Dropped(f"{REJECTED}{decided['question']}", _told(decided))
    if decided["outcome"] == "disputed":
        raise Deferred(DISPUTED, _told(decided))
    if decided["outcome"] == "pending":
        raise Deferred(PENDING, f"{decided['counted']} of {decided['needed']} judgements")
    kept = {name: decided[name] for name in DECIDED.names if name in REVIEWED.names}
    votes = [
        {"annotator": vote["annotator"], "question": question, "answer": answer}
        for vote in decided["votes"]
        for question, answer in vote["answers"].items()
    ]
    return Produced([{**kept, "clip_id": item.id, "video_id": item.video_id, "votes": votes}])


def _told(decided: Row) -> str:
    """How the votes on the question that matters are spread: `source: off_screen 2, visible 1`."""
    question = decided["question"]
    given = [vote["answers"].get(question) for vote in decided["votes"]]
    counts = sorted(
        {answer: given.count(answer) for answer in given if answer}.items(), key=lambda one: -one[1]
    )
    spread = ", ".join(f"{answer} {count}" for answer, count in counts)
    lead = f"; {decided['adjudicator']} decided" if decided["adjudicator"] else ""
    return f"{question}: {spread}{lead}"


STAGE = Stage(
    name="review",
    version=1,
    works_on="clip",
    inputs=("conditions", "duplicates", "offscreen"),
    schema=REVIEWED,
    settings=lambda recipe: (
        {}
        if recipe.review is None or not recipe.review.decides
        else {"of": recipe.review.of, "per_clip": recipe.review.per_clip}
    ),
    models=lambda recipe: (),
    open=open_worker,
    told=True,
)
