"""What the local Gemini server is asked, what it answers, and what it can be told to do instead."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.scenarios import DOMAIN_OF


@dataclass(frozen=True)
class Request:
    """One request as the server understood it.

    Attributes:
        number: from 1, of all requests.
        attempt: from 1, of those with this kind and this clip.
        kind: ask, count, upload_start, upload_piece, file_get, file_delete, file_list, download, batch_create,
            batch_get, batch_list, or batch_entry for each request inside a job.
        clip: SHA-256 of the clip it is about, where it is about one.
        body: its JSON, with the bytes of clips replaced by their digests; of a piece, its length in bytes.
    """

    number: int
    attempt: int
    kind: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    clip: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Refuse:
    """An error of the service. `details` as google.rpc has them."""

    code: int
    status: str = "UNAVAILABLE"
    message: str = "made to fail"
    details: tuple[Mapping[str, Any], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Raw:
    """These bytes, whatever they are."""

    body: bytes
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """Nothing for so long, and then the usual, which nobody may be waiting for any more."""

    seconds: float


@dataclass(frozen=True)
class Reset:
    """The connection ends without an answer."""


@dataclass(frozen=True)
class Lost:
    """The usual is done, and charged for, and the connection ends before the answer."""


@dataclass(frozen=True)
class Answer:
    """An answer that is charged for as usual and says something else; `text` None leaves its content out."""

    text: str | None
    finish: str | None = "STOP"
    blocked: str | None = None


Behaviour = Refuse | Raw | Hang | Reset | Lost | Answer | None
Script = Callable[[Request], Behaviour]


@dataclass(frozen=True)
class Paid:
    """One answer that was charged for. `delivered`: it was handed to the connection without an error."""

    clip: str
    usage: Mapping[str, Any]
    key: str | None = None
    delivered: bool = True


def tokens_for(clip: str) -> int:
    """What countTokens says, and what an answer is charged for as input."""
    return 600 + int(clip[:4], 16) % 900


def usage_for(clip: str) -> dict[str, Any]:
    prompt, audio = tokens_for(clip), 100 + int(clip[4:6], 16)
    written, thought = 80 + int(clip[6:8], 16), int(clip[8:10], 16)
    return {
        "promptTokenCount": prompt,
        "candidatesTokenCount": written,
        "thoughtsTokenCount": thought,
        "totalTokenCount": prompt + written + thought,
        "promptTokensDetails": [
            {"modality": "AUDIO", "tokenCount": audio},
            {"modality": "VIDEO", "tokenCount": prompt - audio - 50},
            {"modality": "TEXT", "tokenCount": 50},
        ],
    }


def judgement_for(clip: str) -> dict[str, Any]:
    """A judgement of the schema that differs from clip to clip."""
    scenario = list(DOMAIN_OF)[int(clip[10:12], 16) % len(DOMAIN_OF)]
    return {
        "source_name": "a thing that sounds",
        "source": ("visible", "visible", "off_screen", "unclear")[int(clip[12], 16) % 4],
        "source_confidence": int(clip[13:15], 16) / 255,
        "mismatch": ("none", "none", "none", "obvious")[int(clip[15], 16) % 4],
        "mismatch_confidence": int(clip[16:18], 16) / 255,
        "audio": ("good", "good", "good", "poor")[int(clip[18], 16) % 4],
        "audio_confidence": int(clip[19:21], 16) / 255,
        "scenario": scenario,
        "domain": DOMAIN_OF[scenario],
        "scenario_confidence": int(clip[21:23], 16) / 255,
        "evidence": "it is seen to sound at 1.5 s",
        "evidence_seconds": 1.5,
    }


PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"


def limit_met(
    retry_delay: str | None = None, quota: str = "GenerateRequestsPerMinutePerProject", **headers
) -> Refuse:
    """The 429 of the real service."""
    details: list[Mapping[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}
    ]
    if retry_delay:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refuse(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", tuple(details), named)


PASSING: Sequence[Behaviour] = (
    limit_met(Retry_After="1"),
    limit_met("1s"),
    Refuse(503),
    Refuse(500, "INTERNAL"),
    Reset(),
)
LASTING: Sequence[Behaviour] = (
    Answer('{"source_name": "half an ans'),
    Answer('{"source": "loud"}'),
    Answer(None, finish=None, blocked="PROHIBITED_CONTENT"),
    Answer(None),
    Answer('{"source_name": "x', finish="MAX_TOKENS"),
    Refuse(400, "INVALID_ARGUMENT", "The video is corrupt."),
)


def faults_for(share: float, seed: int = 0, hang_seconds: float = 0.0) -> Script:
    """Something goes wrong with this share of the clips, always the same ones: with half of them at the first try
    only, with the others each time. `hang_seconds` above 0 lets some of them hang at the first try."""

    def script(request: Request) -> Behaviour:
        if request.kind not in ("ask", "batch_entry") or not request.clip:
            return None
        chance = hashlib.sha256(f"{seed} {request.clip}".encode()).digest()
        if int.from_bytes(chance[:4]) >= share * 2**32:
            return None
        if chance[4] % 2:
            return LASTING[chance[5] % len(LASTING)]
        passing = [*PASSING, Hang(hang_seconds)] if hang_seconds else PASSING
        return passing[chance[5] % len(passing)] if request.attempt == 1 else None

    return script


GONE = Refuse(
    403, "PERMISSION_DENIED", "You do not have permission to access the File x or it may not exist."
)
BAD_KEY = Refuse(
    400,
    "INVALID_ARGUMENT",
    "API key not valid. Please pass a valid API key.",
    ({"reason": "API_KEY_INVALID"},),
)


def without_bytes(value: Any) -> Any:
    """JSON with the bytes of clips replaced by `sha256:` and their digest."""
    if isinstance(value, list):
        return [without_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("data"), str) and ("mimeType" in value or "mime_type" in value):
        data = base64.b64decode(value["data"].replace("-", "+").replace("_", "/"))
        return value | {"data": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    return {name: without_bytes(one) for name, one in value.items()}
