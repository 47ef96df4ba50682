"""Items as tasks of Label Studio: what a page may show, and nothing that tells more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from label_studio_sdk import LabelStudio

from annotation.configs.pages import KEEP, TRIM, TRIM_MODEL, VIDEO
from annotation.private import read_people
from schemas.forms import FORMS
from schemas.judging import Review
from schemas.units import FRAME_MS
from tasks.workspace.stage import Row

CLOSED = "closed"
"""In a task's meta: it is offered to nobody."""


def data_of(item: Row) -> dict[str, Any]:
    """What the page shows of an item. The video's address is signed by the gateway when somebody asks for it."""
    return {
        "key": item["item_key"],
        "video": f"/clips/{item['item_key']}.mp4",
        "title": f"{item['duration_ms'] / 1000:.1f} s",
        "fps": 1000 // FRAME_MS,
        "frames": item["duration_ms"] // FRAME_MS,
        **item["shown"],
    }


def meta_of(item: Row, closed: bool = False) -> dict[str, Any]:
    """What the server keeps beside it and no annotator is shown."""
    return {"machine": dict(item["machine"])} | ({CLOSED: True} if closed else {})


def task_of(
    item: Row, review: Review, answers: Sequence[Row] = (), users: Mapping[str, int] | None = None
) -> tuple[dict[str, Any], int]:
    """A task to import, and how many answers cannot go with it.

    A dispute comes without a proposal of what to keep: one that a lead left as it is would overrule the annotators.

    Args:
        answers: rows of ANSWERS that go there with it, each as its annotator's.
        users: number of each account on the server by pseudonym.
    """
    users = users or {}
    task: dict[str, Any] = {"data": data_of(item), "meta": meta_of(item)}
    if FORMS[review.form].trims and item["kind"] != "dispute":
        task["predictions"] = [_whole_clip(item)]
    possible = [answer for answer in answers if answer["annotator"] in users]
    if possible:
        task["annotations"] = [_restored(answer, users[answer["annotator"]]) for answer in possible]
    return task, len(answers) - len(possible)


def accounts(client: LabelStudio, root: Path) -> dict[str, int]:
    """Number of each person's account by pseudonym, of those whom the server still knows.

    An import with an answer of anybody else is refused by the server, with all that goes with it.
    """
    there = {user.id for user in client.users.list()}
    return {person.pseudonym: person.user for person in read_people(root) if person.user in there}


def _whole_clip(item: Row) -> dict[str, Any]:
    """What the page offers as the part to keep, to be shortened; nothing else is filled in for the annotator."""
    frames = item["duration_ms"] // FRAME_MS
    region = {
        "id": TRIM,
        "from_name": TRIM,
        "to_name": VIDEO,
        "type": "timelinelabels",
        "value": {"ranges": [{"start": 1, "end": frames}], "timelinelabels": [KEEP]},
    }
    return {"model_version": TRIM_MODEL, "result": [region]}


def _restored(answer: Row, user: int) -> dict[str, Any]:
    """An answer as it was given; the server keeps the number that it had as `import_id`."""
    given = json.loads(answer["raw"])
    return {
        "id": answer["annotation"],
        "completed_by": user,
        "result": given.get("result") or [],
        "was_cancelled": answer["skipped"],
        "lead_time": given.get("lead_time"),
        "ground_truth": False,
    }
