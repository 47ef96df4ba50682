"""What an annotator sees of the server's answers, and what of her requests reaches the server."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.gateway.blind import (
    answer_to_submit,
    blind_account,
    blind_fault,
    blind_project,
    blind_task,
    draft_to_keep,
)

SECRET = "hidden-from-annotators"

TRIM = {
    "from_name": "trim",
    "to_name": "clip",
    "type": "timelinelabels",
    "value": {"ranges": [{"start": 1, "end": 9}]},
}


def task(**changes):
    return {
        "id": 5,
        "data": {"video": "/clips/x.mp4"},
        "meta": {"machine": {"aligned": SECRET}},
        "predictions": [
            {"id": 1, "model_version": "trim", "score": SECRET, "result": [TRIM, {"from_name": "aligned"}]},
            {"id": 2, "model_version": SECRET, "result": [TRIM]},
        ],
        "annotations": [
            {"id": 10, "completed_by": 2, "result": ["mine"]},
            {"id": 11, "completed_by": 3, "result": [SECRET]},
            {"id": 12, "completed_by": {"id": 2, "email": "ann@example.com"}, "result": ["mine too"]},
            {"id": 13, "completed_by": {"id": 3}, "result": [SECRET]},
            {"id": 14, "completed_by": None, "result": [SECRET]},
        ],
        "drafts": [{"id": 20, "user": "Ann@example.com"}, {"id": 21, "user": "ben@example.com", "result": [SECRET]}],
        "annotators": [SECRET],
        "total_annotations": SECRET,
        "updated_by": SECRET,
        "a_field_of_a_later_version": SECRET,
        "project": 3,
        **changes,
    }  # fmt: skip


def test_a_task_shows_own_answers_and_the_trim_region_alone():
    seen = blind_task(task(), 2, "ann@example.com")
    assert SECRET not in json.dumps(seen)
    assert [each["id"] for each in seen["annotations"]] == [10, 12]
    assert [each["id"] for each in seen["drafts"]] == [20]
    assert [each["result"] for each in seen["predictions"]] == [[TRIM]]
    assert seen["meta"] == {}


def test_drafts_of_nobody_are_not_those_of_an_account_without_address():
    assert blind_task(task(drafts=[{"id": 1, "user": ""}]), 2, "")["drafts"] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["id", "annotations", "drafts", "predictions", "data", "meta", "completed_by", "user", "result", "email"]
)


@given(
    st.dictionaries(NAMES, st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=4) | JSON, max_size=8)
)
def test_no_task_shows_an_answer_of_somebody_else(any_task):
    seen = blind_task(any_task, 2, "ann@example.com")
    for each in seen["annotations"]:
        author = each["completed_by"]
        assert (author.get("id") if isinstance(author, dict) else author) == 2
    assert all(each["user"].lower() == "ann@example.com" for each in seen["drafts"])
    assert all(each["model_version"] == "trim" for each in seen["predictions"])


def test_a_project_tells_no_counts_of_others():
    seen = blind_project(
        {"id": 3, "title": "t", "label_config": "<View/>", "created_by": {"email": SECRET}, "queue_done": 4,
         "total_annotations_number": 7, "finished_task_number": 2, "num_tasks_with_annotations": 3,
         "skipped_annotations_number": 1, "task_data_password": SECRET, "model_version": SECRET}
    )  # fmt: skip
    assert seen == {
        "id": 3,
        "title": "t",
        "label_config": "<View/>",
        "created_by": {},
        "queue_done": 4,
        "model_version": "trim",
    }


def test_an_account_has_the_permissions_that_hold_here():
    seen = blind_account(
        {
            "id": 2,
            "email": "a@b.c",
            "permissions": ["projects.delete"],
            "active_organization_meta": {"email": SECRET},
        }
    )
    assert SECRET not in json.dumps(seen)
    assert "projects.delete" not in seen["permissions"]
    assert "annotations.create" in seen["permissions"]


def test_a_fault_keeps_its_words_and_nothing_of_the_inside():
    assert blind_fault({"detail": "no", "exc_info": SECRET}) == {"detail": "no"}
    assert blind_fault(["no"]) == {}


BODY = {"result": [TRIM], "lead_time": 4.5}


@pytest.mark.parametrize(
    "name",
    ["completed_by", "updated_by", "parent_prediction", "parent_annotation", "ground_truth", "task", "project",
     "user", "bulk_created", "import_id", "last_action", "last_created_by", "id", "created_at", "annotation"],
)  # fmt: skip
def test_whose_an_answer_is_cannot_be_said_in_it(name):
    for read in (answer_to_submit, draft_to_keep):
        assert read({**BODY, name: 3}) == BODY


def test_an_answer_keeps_what_counts():
    more = {
        "was_cancelled": True, "draft_id": 7, "unique_id": "ef7f198a-49d1-4307-9f32-514579aedeea",
        "started_at": "2026-11-21T13:00:46.232Z",
    }  # fmt: skip
    assert answer_to_submit({**BODY, **more}) == {**BODY, **more}
    assert (
        answer_to_submit({**BODY, "draft_id": 0, "was_cancelled": "yes", "unique_id": "x", "started_at": 4})
        == BODY
    )


@pytest.mark.parametrize(
    "body",
    [{}, {"result": None}, {"result": {}}, {"result": "x"}, {"result": [1]}, {"result": [[]]},
     {"result": [], "lead_time": "4"}, {"result": [], "lead_time": True}, {"result": [{}] * 500}],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(body):
    with pytest.raises(ValueError, match="`result`|`lead_time`"):
        answer_to_submit(body)


@given(st.dictionaries(st.sampled_from([*BODY, "was_cancelled", "draft_id", "unique_id", "user"]), JSON))
def test_any_body_gives_an_answer_or_a_reason(body):
    try:
        wanted = answer_to_submit(body)
    except ValueError:
        return
    assert set(wanted) <= {*BODY, "was_cancelled", "draft_id", "unique_id", "started_at"}
