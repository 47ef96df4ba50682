"""Gemini's batch jobs: many clips asked about at half the price, answered within a day.

A job is found again by its display name, so that one whose creation was cut off is neither lost nor paid twice:

    job = find_batch(gemini, display_name) or submit(gemini, display_name, clips, prompt).job
    replies = poll(gemini, job)          # None while the job is under way
    clear(gemini, display_name)          # once the replies are kept
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tasks.offscreen.gemini.client import CLIP_TYPE, Gemini, Sent, contents_of, goes_inline, reply_of
from tasks.offscreen.gemini.faults import Fault, fault_of_status, retried
from tasks.offscreen.reply import Reply

if TYPE_CHECKING:
    from google.genai import types

INLINE_LIMIT_BYTES = 18 * 1024**2
"""Requests that are larger together go into a file: the service takes 20 MB at a time."""

REFERENCE_BYTES = 512
"""What a reference to an upload and the key add to a request, at most."""

REQUESTS_TYPE = "application/jsonl"

PAGE_ROWS = 100

ANSWERED = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED"})
WITHOUT_ANSWERS = frozenset({"FAILED", "CANCELLED", "EXPIRED"})
"""States of a job; in any other it is under way."""


@dataclass(frozen=True)
class Submitted:
    """What became of the clips of a batch.

    Attributes:
        job: the service's name of the job; None where no clip could be handed over.
        faults: of the clips that are not in the job, by their keys.
    """

    job: str | None
    faults: Mapping[str, Fault]


def submit(gemini: Gemini, display_name: str, clips: Sequence[tuple[str, Path]], prompt: str) -> Submitted:
    """Hand over clips by key as one job. `display_name` is unique to it and tells nothing of the clips.

    Creating the job is tried once: after a fault that `may_be_charged`, ask `find_batch` before trying again.

    Raises:
        Fault: the job could not be created, or something that every clip would meet.
    """
    try:
        parts, faults = _handed_over(gemini, display_name, clips)
        return Submitted(_created(gemini, display_name, parts, prompt) if parts else None, faults)
    except Fault as fault:
        if not fault.may_be_charged:
            clear(gemini, display_name)
        raise


def find_batch(gemini: Gemini, display_name: str) -> str | None:
    """The newest job of that display name, one that did not fail before those that did; None if there is none."""
    found, token = [], ""
    while True:
        page = _read(gemini, f"batches?{urlencode({'pageSize': PAGE_ROWS, 'pageToken': token})}")
        jobs = [(job.get("name"), job.get("metadata") or {}) for job in page.get("operations") or ()]
        found += [(name, told) for name, told in jobs if told.get("displayName") == display_name]
        token = page.get("nextPageToken")
        if not token:
            break
    found.sort(key=lambda job: (_state(job[1]) not in WITHOUT_ANSWERS, str(job[1].get("createTime") or "")))
    return found[-1][0] if found else None


def poll(gemini: Gemini, job: str) -> Mapping[str, Reply | Fault] | None:
    """Answers by key, None while the job is under way. A key of which the job says nothing is absent.

    Polling again gives the same, as long as the service keeps it (some days).

    Raises:
        Fault: `batch_ended` for a job that failed, expired, was cancelled or is gone; or what a request may meet.
    """
    found = _read(gemini, job)
    told = found.get("metadata") or {}
    state = _state(told)
    if state in WITHOUT_ANSWERS:
        raise Fault("batch_ended", f"the job has ended as {state.lower()}")
    if state not in ANSWERED:
        return None
    output = told.get("output") or found.get("response") or {}
    if file := output.get("responsesFile"):
        data = gemini.call(lambda: gemini.client.files.download(file=file), about="file")
        return dict(_answers(_lines(data), gemini.key))
    rows = (output.get("inlinedResponses") or {}).get("inlinedResponses") or ()
    named = ({**row, "key": (row.get("metadata") or {}).get("key")} for row in rows)
    return dict(_answers(named, gemini.key))


def clear(gemini: Gemini, display_name: str) -> int:
    """Delete what was uploaded for a job, as far as that is possible now; the number of files deleted."""
    with suppress(Fault):
        files = gemini.call(
            lambda: [
                file
                for file in gemini.client.files.list()
                if (file.display_name or "").rpartition("/")[0] == display_name
            ],
            about="file",
        )
        for file in files:
            gemini.delete(file.name)
        return len(files)
    return 0


def _read(gemini: Gemini, path: str) -> Mapping[str, Any]:
    """The service's own JSON about jobs: the client's model of a job refuses one with the details of a failure."""

    def asked() -> Mapping[str, Any]:
        return dict(json.loads(gemini.client._api_client.request("get", path, {}).body))

    return gemini.call(asked, about="batch")


def _state(told: Mapping[str, Any]) -> str:
    return str(told.get("state") or "").removeprefix("BATCH_STATE_").removeprefix("JOB_STATE_")


def _handed_over(
    gemini: Gemini, display_name: str, clips: Sequence[tuple[str, Path]]
) -> tuple[Mapping[str, Sent], Mapping[str, Fault]]:
    """Each clip as part of a request: inline where all of them fit, else uploaded one after the other and then
    waited for, since the service takes them in side by side."""
    sizes = [clip.stat().st_size for _, clip in clips]
    fits = gemini.section.send == "inline" or sum(sizes) * 4 // 3 <= INLINE_LIMIT_BYTES
    if fits and all(goes_inline(gemini.section, size) for size in sizes):
        return {key: gemini.inline(clip) for key, clip in clips}, {}
    uploads: dict[str, types.File] = {}
    parts: dict[str, Sent] = {}
    faults: dict[str, Fault] = {}
    for key, clip in clips:
        with _told_of_one_clip(key, faults):
            uploads[key] = retried(
                lambda clip=clip: _uploaded(gemini, display_name, clip), gemini.section, sleep=gemini.sleep
            )
    for key, upload in uploads.items():
        with _told_of_one_clip(key, faults):
            parts[key] = gemini.ready(upload)
    return parts, faults


@contextmanager
def _told_of_one_clip(key: str, faults: dict[str, Fault]) -> Iterator[None]:
    try:
        yield
    except Fault as fault:
        if fault.ends_run:
            raise
        faults[key] = fault


def _uploaded(gemini: Gemini, display_name: str, clip: Path) -> types.File:
    with clip.open("rb") as opened:
        name = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
        return gemini.upload(opened, f"{display_name}/{name}", CLIP_TYPE)


def _created(gemini: Gemini, display_name: str, parts: Mapping[str, Sent], prompt: str) -> str:
    """The name of a new job of these requests, which go along with it or in a file before it."""
    from google.genai import types

    settings, model = gemini.settings(), gemini.section.service_model
    clips_bytes = sum(
        len(one.part.inline_data.data) * 4 // 3 for one in parts.values() if one.part.inline_data
    )
    words_bytes = len(json.dumps(_request(prompt, settings))) + REFERENCE_BYTES
    if clips_bytes + words_bytes * len(parts) > INLINE_LIMIT_BYTES:
        source: Any = _in_a_file(gemini, display_name, parts, prompt)
    else:
        source = [
            types.InlinedRequest(contents=contents_of(sent, prompt), metadata={"key": key}, config=settings)
            for key, sent in parts.items()
        ]
    job = gemini.call(
        lambda: gemini.client.batches.create(model=model, src=source, config={"display_name": display_name}),
        about="model",
    )
    if not job.name:
        raise Fault("unreadable", "the service made a job and did not name it", may_be_charged=True)
    return job.name


def _in_a_file(gemini: Gemini, display_name: str, parts: Mapping[str, Sent], prompt: str) -> str:
    """The name of an upload with one request a line; memory holds one line at a time."""
    settings = gemini.settings()
    with TemporaryFile() as opened:
        for key, sent in parts.items():
            line = {"key": key, "request": _request(prompt, settings, sent)}
            opened.write(json.dumps(line).encode() + b"\n")
        upload = retried(
            lambda: gemini.upload(opened, f"{display_name}/requests", REQUESTS_TYPE),
            gemini.section,
            sleep=gemini.sleep,
        )
    return gemini.active(upload).name


def _request(prompt: str, settings: types.GenerateContentConfig, sent: Sent | None = None) -> dict[str, Any]:
    """One request in the service's own JSON. The client's own switches are no part of it."""
    from google.genai import types

    contents = contents_of(sent or Sent(types.Part()), prompt)
    ours = {"automatic_function_calling", "automatic_continuation"}
    return {
        "contents": [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in contents],
        "generationConfig": settings.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=ours),
    }


def _lines(data: bytes) -> Iterator[Mapping[str, Any]]:
    """The rows of a file of answers; a line that cannot be read says nothing of any clip."""
    for line in data.splitlines():
        with suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                yield row


def _answers(rows: Iterable[Mapping[str, Any]], key: str) -> Iterator[tuple[str, Reply | Fault]]:
    """A row has a `key` and a `response` or an `error`."""
    for row in rows:
        response, error = row.get("response"), row.get("error")
        if not row.get("key"):
            continue
        if isinstance(response, Mapping):
            yield row["key"], reply_of(response)
        elif isinstance(error, Mapping):
            yield row["key"], fault_of_status(int(error.get("code") or 0), error, "file", key)
