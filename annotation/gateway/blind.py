"""What an annotator may see of Label Studio's answers, and what of a request is passed on to it.

Named is what stays, so that a field that a later version adds is left out until somebody has looked at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.forms import FORMS

Json = dict[str, Any]

TRIM = "trim"
"""The only prediction that is shown: the region from the first frame to the last, which says nothing of the clip."""

_TASK = ("id", "data", "project", "created_at", "updated_at", "unique_lock_id", "queue", "allow_skip")
_ANSWER = (
    "id", "result", "created_ago", "was_cancelled", "created_at", "updated_at", "draft_created_at",
    "lead_time", "task", "project", "completed_by", "created_username",
)  # fmt: skip
_DRAFT = (
    "id", "user", "result", "lead_time", "was_postponed", "created_at", "updated_at", "created_ago",
    "task", "annotation", "created_username",
)  # fmt: skip
_PROJECT = (
    "id", "title", "description", "label_config", "parsed_label_config", "control_weights", "expert_instruction",
    "show_instruction", "show_skip_button", "enable_empty_annotation", "show_annotation_history", "color",
    "is_draft", "is_published", "show_collab_predictions", "sampling", "skip_queue", "created_at",
    "config_has_control_tags", "config_suitable_for_bulk_annotation", "reveal_preannotations_interactively",
    "evaluate_predictions_automatically", "organization",
)  # fmt: skip
_PROGRESS = ("queue_total", "queue_done", "queue_left", "task_count")
_PERSON = (
    "id", "first_name", "last_name", "username", "email", "initials", "avatar", "custom_hotkeys",
    "active_organization", "last_activity", "date_joined", "allow_newsletters", "phone",
)  # fmt: skip
_LABELLING = (
    "projects.view", "tasks.view", "annotations.create", "annotations.view", "annotations.change",
    "actions.perform", "labels.view", "views.view",
)  # fmt: skip
_COLUMN = ("id", "title", "type", "target", "parent", "visibility_defaults", "project_defined")
_FAULT = ("detail", "status_code", "validation_errors", "id")

_LOCK = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"[0-9T:.Z+-]{10,40}")
LONGEST_LEAD_TIME_SECONDS = 7 * 86_400


def blind_task(task: Mapping[str, Any], user: int, email: str) -> Json:
    """A task as it is for one annotator: her own answers and drafts, no other's, nothing of a machine.

    Args:
        user: her number on the server.
        email: of her account; drafts are told by it.
    """
    return kept(task, _TASK) | {
        "predictions": [shown for each in rows(task, "predictions") if (shown := _trim_only(each))],
        "annotations": [kept(each, _ANSWER) for each in rows(task, "annotations") if author_of(each) == user],
        "drafts": [kept(each, _DRAFT) for each in rows(task, "drafts") if is_of(each, email)],
        "meta": {},
        "is_labeled": False,
    }


def blind_answer(answer: Mapping[str, Any]) -> Json:
    """An annotator's own answer."""
    return kept(answer, _ANSWER)


def blind_draft(draft: Mapping[str, Any]) -> Json:
    """An annotator's own draft."""
    return kept(draft, _DRAFT)


def blind_project(project: Mapping[str, Any]) -> Json:
    """A project without what tells how others fare; the counts of one's own queue stay."""
    return kept(project, _PROJECT) | kept(project, _PROGRESS) | {"created_by": {}, "model_version": TRIM}


def blind_columns(listed: Mapping[str, Any]) -> Json:
    """The columns that come from the clips themselves; those of predictions and answers name models and people."""
    columns = [kept(each, _COLUMN) for each in rows(listed, "columns") if each.get("parent") == "data"]
    return {"columns": [*columns, {"id": "data", "title": "data", "type": "List", "target": "tasks",
                                   "children": [each["id"] for each in columns if "id" in each]}]}  # fmt: skip


def blind_account(account: Mapping[str, Any]) -> Json:
    """The account of the person herself, with the permissions that she has here, not those that the server thinks."""
    return kept(account, _PERSON) | {"permissions": list(_LABELLING)}


def blind_fault(fault: Any) -> Json:
    """What an error of the server says in words."""
    return kept(fault, _FAULT) if isinstance(fault, Mapping) else {}


def history_of_own(history: Any) -> list[Json]:
    """The clips that the asker has had: the server gives each person her own."""
    return [kept(each, ("taskId", "annotationId")) for each in history] if isinstance(history, list) else []


def answer_to_submit(body: Mapping[str, Any]) -> Json:
    """Of a submitted answer what counts. Whose it is, says the log-in; what it comes from, nobody asked for.

    Raises:
        ValueError: something in it is not what it should be.
    """
    lead_time = body.get("lead_time")
    wanted = {"result": _result(body), "lead_time": None if lead_time is None else _seconds(lead_time)}
    if body.get("was_cancelled") is True:
        wanted["was_cancelled"] = True
    if isinstance(body.get("draft_id"), int) and body["draft_id"] > 0:
        wanted["draft_id"] = body["draft_id"]
    wanted |= _matching(body, "unique_id", _LOCK)
    return wanted | _matching(body, "started_at", _MOMENT)


def draft_to_keep(body: Mapping[str, Any]) -> Json:
    """Of a draft what counts.

    Raises:
        ValueError: something in it is not what it should be.
    """
    lead_time = body.get("lead_time")
    kept_draft = {"result": _result(body), "lead_time": None if lead_time is None else _seconds(lead_time)}
    return kept_draft | _matching(body, "started_at", _MOMENT)


def author_of(answer: Mapping[str, Any]) -> int | None:
    """Number of the person who gave it; the server names her by number, or with her whole account."""
    author = answer.get("completed_by")
    return author.get("id") if isinstance(author, Mapping) else author


def is_of(draft: Mapping[str, Any], email: str) -> bool:
    """Whether a draft is a person's own."""
    return isinstance(draft.get("user"), str) and draft["user"].lower() == email.lower() != ""


def rows(value: Mapping[str, Any], name: str) -> list[Json]:
    found = value.get(name)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def kept(value: Mapping[str, Any], names: Iterable[str]) -> Json:
    return {name: value[name] for name in names if name in value}


def _trim_only(prediction: Mapping[str, Any]) -> Json | None:
    regions = [
        row
        for row in rows(prediction, "result")
        if row.get("from_name") == TRIM and row.get("type") == "timelinelabels"
    ]
    if prediction.get("model_version") != TRIM or not regions:
        return None
    return kept(prediction, ("id", "task", "project", "model_version", "created_ago")) | {
        "result": [kept(row, ("id", "from_name", "to_name", "type", "value")) for row in regions]
    }


def _result(body: Mapping[str, Any]) -> list[Json]:
    result = body.get("result")
    if not isinstance(result, list) or not all(isinstance(row, Mapping) for row in result):
        raise ValueError("`result` should be a list of what was answered")
    if len(result) > 20 + 2 * max(len(form.questions) for form in FORMS.values()):
        raise ValueError(f"`result` has {len(result)} entries, more than any page has controls")
    return [dict(row) for row in result]


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("`lead_time` should be a number of seconds")
    return min(max(float(value), 0.0), LONGEST_LEAD_TIME_SECONDS)


def _matching(body: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> Json:
    value = body.get(name)
    return {name: value} if isinstance(value, str) and pattern.fullmatch(value) else {}
