"""What a project on the server holds: every task with its answers, as they are at one moment.

Of the server's ways to tell, its snapshot is the fastest: one file that it writes and we read as a stream. A list of
tasks without their answers takes longer there, so pushing and pulling both look at this one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ijson
from label_studio_sdk import LabelStudio

from annotation.exchange.client import tries
from schemas.errors import ServiceError
from tasks.workspace.layout import TEMPORARY

TITLE = "clapper"
"""Of our snapshots on the server; what a killed process has left there is known by it."""

PATIENCE_S = 1_800.0
"""How long a server that makes snapshots in the background may take for one."""

CHUNK_BYTES = 1 << 18

_ONLY_NUMBERS = {
    "drafts": {"only_id": True},
    "predictions": {"only_id": True},
    "annotations__completed_by": {"only_id": True},
    "include_annotation_history": False,
    "interpolate_key_frames": False,
}

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how much of it is done, and of how much (None: nobody knows)."""


@dataclass(frozen=True)
class Seen:
    """A task on the server.

    Attributes:
        task: its number.
        key: of the item that it says it shows; None where it says nothing.
        answers: how many it has, without those that were passed on.
        passed_on: by how many people.
    """

    task: int
    key: str | None
    data: Mapping[str, Any]
    meta: Mapping[str, Any]
    answers: int
    passed_on: int = 0


def seen_of(task: Mapping[str, Any]) -> Seen:
    """A task of a snapshot, without its answers."""
    data, meta = task["data"], task["meta"] if isinstance(task.get("meta"), dict) else {}
    key = data.get("key")
    passed_on = sum(1 for each in task["annotations"] if each.get("was_cancelled"))
    answers = len(task["annotations"]) - passed_on
    return Seen(task["id"], key if isinstance(key, str) else None, data, meta, answers, passed_on)


def survey(client: LabelStudio, project: int, folder: Path) -> Iterator[Mapping[str, Any]]:
    """Each task of a project with its answers, one at a time; their number and size take no memory.

    Nothing is yielded before the whole snapshot has come, and one that ends too early raises: it is never taken for a
    short project.

    Args:
        folder: where the snapshot is kept meanwhile, in a file of its own that is gone at the end.

    Raises:
        ServiceError: of the kind `gone` when there is no such project, and those of the client.
        OSError: the folder has no room for it.
    """
    with _snapshot(client, project) as number, _scratch(folder) as file:
        for attempt in tries():
            with attempt:
                _download(client, project, number, file)
        yield from _tasks(file, project)


@contextmanager
def _snapshot(client: LabelStudio, project: int) -> Iterator[int]:
    """A finished snapshot, removed from the server at the end together with those that killed processes left."""
    # A time-out is not tried again here: the server may still be at work on the first, and each takes minutes.
    for attempt in tries(kinds=("unreachable", "cut", "server_error", "busy")):
        with attempt:
            exports = client.projects.exports
            for left in exports.list(project):
                if left.title == TITLE:
                    exports.delete(project, left.id)
            made = exports.create(project, title=TITLE, serialization_options=_ONLY_NUMBERS)
    state, until = made.status, time.monotonic() + PATIENCE_S
    while state in ("created", "in_progress") and time.monotonic() < until:
        time.sleep(1.0)
        state = exports.get(project, made.id).status
    if state != "completed":
        action = "see the server's log; the next run asks again"
        raise ServiceError(f"project {project}", f"a snapshot of it is {state}", action, "server_error")
    try:
        yield made.id
    finally:
        _forget(client, project, made.id)


def _forget(client: LabelStudio, project: int, number: int) -> None:
    try:
        client.projects.exports.delete(project, number)
    except ServiceError:
        return  # the next survey removes it


@contextmanager
def _scratch(folder: Path) -> Iterator[BinaryIO]:
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{TEMPORARY}snapshot-*"):
        left.unlink(missing_ok=True)
    path = folder / f"{TEMPORARY}snapshot-{os.getpid()}.json"
    try:
        with path.open("w+b") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def _download(client: LabelStudio, project: int, number: int, file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()
    options = {"chunk_size": CHUNK_BYTES}
    for chunk in client.projects.exports.download(
        project, number, export_type="JSON", request_options=options
    ):
        file.write(chunk)
    file.flush()


def _tasks(file: BinaryIO, project: int) -> Iterator[Mapping[str, Any]]:
    file.seek(0)
    try:
        for task in ijson.items(file, "item", use_float=True):
            if not _is_task(task):
                raise _not_understood(project, "something in it is no task")
            yield task
    except ijson.JSONError as error:
        raise _not_understood(project, f"it is no whole JSON ({type(error).__name__})") from None


def _is_task(task: Any) -> bool:
    return (
        _is_numbered(task) and isinstance(task.get("data"), dict) and _are_numbered(task.get("annotations"))
    )


def _are_numbered(values: Any) -> bool:
    return isinstance(values, list) and all(_is_numbered(value) for value in values)


def _is_numbered(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), int)


def _not_understood(project: int, what: str) -> ServiceError:
    action = "is the server a Label Studio, and is nothing in front of it that alters its answers?"
    return ServiceError(
        f"project {project}", f"its snapshot cannot be read: {what}", action, "not_understood"
    )
