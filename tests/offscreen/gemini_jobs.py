"""Batch jobs of the local Gemini server: made of requests, looked at, and answered all at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.offscreen.gemini_script import GONE, Hang, Raw, Refuse, Reset, without_bytes

if TYPE_CHECKING:
    from tests.offscreen.gemini_server import GeminiServer


def state_at(states: Sequence[str], looks: int) -> str:
    return states[min(looks, len(states) - 1)]


def made_job(gemini: GeminiServer, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The job of a request to make one."""
    source = batch.get("inputConfig") or batch["input_config"]
    with gemini.lock:
        name = f"batches/made-up-{len(gemini.batches) + 1}"
        gemini.batches[name] = {
            "name": name,
            "display_name": batch.get("displayName") or batch.get("display_name"),
            "entries": _entries(gemini, source),
            "by_file": "fileName" in source or "file_name" in source,
            "made": len(gemini.batches),
            "looks": 0,
            "output": None,
        }
        return gemini.batches[name]


def _entries(gemini: GeminiServer, source: Mapping[str, Any]) -> list[tuple[str, Any]]:
    named = source.get("fileName") or source.get("file_name")
    if named:
        lines = map(json.loads, gemini.files[named]["bytes"].splitlines())
        return [(line["key"], without_bytes(line["request"])) for line in lines]
    return [(one["metadata"]["key"], one["request"]) for one in source["requests"]["requests"]]


def shown_job(gemini: GeminiServer, job: dict[str, Any], look: bool = True) -> dict[str, Any]:
    """As the service shows a job; each look brings it nearer to its last state, and the first look at a job that
    has succeeded makes its answers."""
    with gemini.lock:
        looks, job["looks"] = job["looks"], job["looks"] + look
        state = state_at(gemini.batch_states, looks)
        if state == "SUCCEEDED" and job["output"] is None:
            job["output"] = _output(gemini, job)
    told = {
        "displayName": job["display_name"],
        "state": f"BATCH_STATE_{state}",
        "createTime": f"2026-01-01T00:00:{job['made'] % 60:02d}Z",
        "model": "models/made-up",
    }
    output = {"output": job["output"]} if state == "SUCCEEDED" else {}
    return {"name": job["name"], "metadata": told | output}


def _output(gemini: GeminiServer, job: dict[str, Any]) -> dict[str, Any]:
    rows = [_entry(gemini, key, request) for key, request in job["entries"]]
    if not job["by_file"]:
        inlined = [
            row | {"metadata": {"key": key}} for (key, _), row in zip(job["entries"], rows, strict=True)
        ]
        return {"inlinedResponses": {"inlinedResponses": inlined}}
    lines = [json.dumps({"key": key} | row) for (key, _), row in zip(job["entries"], rows, strict=True)]
    name = f"files/answers-{job['name'].rpartition('-')[2]}"
    data = "\n".join(lines).encode()
    gemini.files[name] = {
        "name": name, "display_name": "answers", "kind": "application/jsonl", "size": len(data), "looks": 0,
        "bytes": data, "sha256": "",
    }  # fmt: skip
    return {"responsesFile": name}


def _entry(gemini: GeminiServer, key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        clip = gemini.clip_of(body["contents"])
    except LookupError:
        return {"error": {"code": 7, "message": GONE.message}}
    request = gemini.noted("batch_entry", clip, key, method="", path="", headers={}, body=body)
    behaviour = gemini.script(request)
    if isinstance(behaviour, Refuse):
        code = {429: 8, 400: 3, 403: 7, 404: 5, 503: 14}.get(behaviour.code, 13)
        return {"error": {"code": code, "message": behaviour.message, "details": list(behaviour.details)}}
    if isinstance(behaviour, (Raw, Hang, Reset)):
        return {"error": {"code": 13, "message": "made to fail"}}
    return {"response": gemini.answer(request, behaviour)[0]}
