"""What people decided of a clip becomes its outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annotation.stage import STAGE
from schemas.errors import Deferred, Dropped, Withheld
from schemas.recipe import Recipe
from schemas.review import REVIEWED
from tasks.workspace.stage import Context, Item, Produced, Row
from tests.annotation.rows import GOOD, decision


def judged(decided: Row | None, verdict: str = "keep", **review: Any) -> Produced:
    recipe = Recipe(name="test", title="Test", review=review.get("review", review))
    worker = STAGE.open(Context(recipe, Path(), Path))
    item = Item("a", "v", {"duration_ms": 8000, "decided": decided}, {"offscreen": [{"verdict": verdict}]})
    return worker(item)


def test_an_accepted_clip_has_its_votes_one_by_one() -> None:
    finding = {"question": "source", "answer": "visible", "votes": 3, "of": 3, "rule": "majority"}
    findings = [{**finding, "adjudicated": False}]
    (row,) = judged(decision("a", "accepted", findings=findings)).rows
    assert set(row) == set(REVIEWED.names)
    assert (row["clip_id"], row["video_id"], row["counted"], row["agreement"]) == ("a", "v", 3, 1.0)
    assert row["findings"] == findings
    assert [vote["annotator"] for vote in row["votes"]] == [f"A{n}" for n in (1, 2, 3) for _ in GOOD]
    assert {vote["question"]: vote["answer"] for vote in row["votes"]} == GOOD


@pytest.mark.parametrize(
    ("decided", "kind", "told"),
    [
        (None, Deferred, "review_pending: 0 of 3 judgements"),
        (decision("a", "pending", counted=2), Deferred, "review_pending: 2 of 3 judgements"),
        (decision("a", "disputed", question="audio"), Deferred, "review_disputed: audio: good 3"),
        (decision("a", "rejected", question="source"), Dropped, "rejected_source: source: visible 3"),
        (
            decision("a", "rejected", question="source", adjudicator="L1"),
            Dropped,
            "rejected_source: source: visible 3; L1 decided",
        ),
    ],
)
def test_what_is_not_accepted_is_left_out_or_waits_with_its_numbers(
    decided: Row | None, kind: type[Withheld], told: str
) -> None:
    with pytest.raises(kind) as caught:
        judged(decided)
    assert str(caught.value) == told


def test_people_are_asked_of_doubtful_clips_alone_if_the_recipe_says_so() -> None:
    assert judged(None, "keep", of="doubtful").rows == []
    with pytest.raises(Deferred, match="review_pending"):
        judged(None, "people", of="doubtful")


@pytest.mark.parametrize("review", [None, {"form": "label-check"}, {"form": "in-sync"}])
def test_a_form_that_only_measures_holds_nothing_back(review: Any) -> None:
    assert judged(None, "keep", review=review).rows == []
    with pytest.raises(Deferred, match="for_people"):
        judged(None, "people", review=review)


def test_what_decides_the_outcome_is_in_the_settings() -> None:
    def settings(**review: Any) -> Any:
        return STAGE.settings(Recipe(name="test", title="Test", review=review.get("review", review)))

    assert settings(review=None) == settings(form="in-sync") == {}
    assert settings(of="all") != settings(of="doubtful")
    assert settings(per_clip=3) != settings(per_clip=5)
    assert settings(gold=0.1, bootstrap=200) == settings()
