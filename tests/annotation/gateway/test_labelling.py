"""Answers, drafts and their owners, before a stand-in for Label Studio that would let anybody do anything."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.responses import Response


async def keep_slowly(stored: list[dict], body: bytes) -> Response:
    await asyncio.sleep(0.1)
    stored.append({"id": len(stored) + 1, "completed_by": 2, "was_cancelled": False, **json.loads(body)})
    return Response(json.dumps(stored[-1]), 201, media_type="application/json")


@pytest.mark.parametrize("also_skips", [False, True])
def test_of_quick_clicks_one_answer_is_kept(front, also_skips):
    stored: list[dict] = []
    front.studio.answers = {
        ("GET", "/api/tasks/5/"): {"id": 5, "project": 3, "annotations": stored},
        ("POST", "/api/tasks/5/annotations/"): lambda body: keep_slowly(stored, body),
    }

    def click(number: int) -> httpx.Response:
        skip = {"was_cancelled": True} if also_skips and number % 2 else {}
        with front.client("A1") as ann:
            return ann.post("/api/tasks/5/annotations", json={"result": [], "lead_time": number, **skip})

    with ThreadPoolExecutor(6) as clicks:
        answers = list(clicks.map(click, range(6)))
    kept = [each for each in answers if each.status_code == 201]
    refused = [each for each in answers if each.status_code == 409]
    real = [each for each in stored if not each.get("was_cancelled")]
    assert len(kept) + len(refused) == 6
    assert len(real) <= 1 and len(stored) - len(real) <= 1 and len(stored) == len(kept) >= 1
    assert all("already" in each.json()["detail"] for each in refused)


def test_answers_of_different_people_do_not_wait_for_a_refusal(front):
    stored: list[dict] = [{"id": 9, "completed_by": 3, "was_cancelled": False}]
    front.studio.answers = {
        ("GET", "/api/tasks/5/"): {"id": 5, "project": 3, "annotations": stored},
        ("POST", "/api/tasks/5/annotations/"): lambda body: keep_slowly(stored, body),
    }
    with front.client("A1") as ann:
        answer = ann.post(
            "/api/tasks/5/annotations", json={"result": [], "completed_by": 3, "ground_truth": True}
        )
    assert answer.status_code == 201
    sent = json.loads(next(each.body for each in front.studio.asked if each.method == "POST"))
    assert sent == {"result": [], "lead_time": None}


def test_a_lead_answers_disputes_and_no_clips(front):
    front.studio.answers = {
        ("GET", "/api/tasks/5/"): {"id": 5, "project": 3, "annotations": []},
        ("GET", "/api/tasks/6/"): {"id": 6, "project": 4, "annotations": []},
        ("POST", "/api/tasks/6/annotations/"): {"id": 1, "completed_by": 4},
    }
    with front.client("L1") as lead:
        refused = lead.post("/api/tasks/5/annotations", json={"result": []})
        assert refused.status_code == 403 and "disputes" in refused.json()["detail"]
        assert lead.post("/api/tasks/6/annotations", json={"result": []}).status_code == 200
        assert lead.get("/api/projects/3/next").status_code == 403
    with front.client("A1") as ann:
        assert ann.post("/api/tasks/6/annotations", json={"result": []}).status_code == 403
    assert front.studio.paths("POST") == ["/api/tasks/6/annotations/"]


OTHERS = {
    ("GET", "/api/annotations/7/"): {
        "id": 7,
        "task": 5,
        "project": 3,
        "completed_by": 3,
        "was_cancelled": True,
    },
    ("GET", "/api/annotations/8/"): {
        "id": 8,
        "task": 5,
        "project": 3,
        "completed_by": 2,
        "was_cancelled": False,
    },
    ("GET", "/api/drafts/7/"): {"id": 7, "task": 5, "user": "ben@example.com", "result": ["secret"]},
    ("GET", "/api/tasks/5/"): {"id": 5, "project": 3, "annotations": []},
    ("GET", "/api/tasks/6/"): {"id": 6, "project": 3, "annotations": []},
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/annotations/7", 403), ("PATCH", "/api/annotations/7", 403), ("DELETE", "/api/annotations/7", 403),
     ("DELETE", "/api/annotations/8", 403), ("PATCH", "/api/drafts/7", 403), ("DELETE", "/api/drafts/7", 403),
     ("POST", "/api/tasks/5/annotations/7/drafts", 403), ("POST", "/api/tasks/6/annotations/8/drafts", 404),
     ("PATCH", "/api/annotations/77", 403), ("DELETE", "/api/drafts/77", 403)],
)  # fmt: skip
def test_what_is_another_s_stays_as_it_is(front, method, path, status):
    front.studio.answers = dict(OTHERS)
    with front.client("A1") as ann:
        answer = ann.request(method, path, json={"result": []})
    assert answer.status_code == status
    assert {each.method for each in front.studio.asked} <= {"GET"}


def test_an_answer_cannot_be_turned_into_a_skip(front):
    front.studio.answers = dict(OTHERS)
    with front.client("A1") as ann:
        answer = ann.patch("/api/annotations/8", json={"result": [], "was_cancelled": True})
    assert answer.status_code == 403
    assert front.studio.paths("PATCH") == []
