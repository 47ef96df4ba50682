"""What can go wrong between us and a model's service, each with its outcome; and words that tell no secret.

A `Fault` says what happened in one of a few kinds, from which follows what to do: try again at once, later, or not
at all, for this clip or for every clip. Its text has passed through `redacted`: no key, no query of an address
(where signatures stand) and no path of a file ever leaves this module.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeVar

from schemas.judging import Offscreen

Kind = Literal[
    "rate_limited",  # too many requests or tokens in a minute
    "quota_exhausted",  # the day's allowance is used up, or there is none
    "overloaded",  # the service could not just now
    "timed_out",
    "unreachable",  # no connection, or it broke
    "unreadable",  # something answered, and not as the service does
    "upload_stuck",  # sent, and not ready for use in time
    "upload_failed",  # the service could not take the file in, or no longer has it
    "batch_ended",  # a job that failed, expired, was cancelled or is gone
    "refused_request",
    "key_refused",
    "unknown_model",
]
Subject = Literal["model", "file", "batch"]
"""What a request was about: decides what "not found" and "not allowed" mean."""

AT_ONCE = frozenset({"rate_limited", "overloaded", "timed_out", "unreachable", "unreadable"})
LATER = AT_ONCE | {"quota_exhausted", "upload_stuck", "upload_failed", "batch_ended"}
OF_EVERY_CLIP = frozenset({"quota_exhausted", "key_refused", "unknown_model"})

LONGEST_WAIT_S = 600.0
"""A service that asks for a longer wait is asked again by a later run instead."""

FIRST_WAIT_S, MOST_BACKOFF_S = 1.0, 60.0

DETAIL_CHARACTERS = 300

KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

LOGGERS = ("httpx", "httpx2", "httpcore", "httpcore2", "google_genai", "google.genai")
"""Of the client and of what it sends with: they log addresses and headers."""

_SECRETS = (
    re.compile(r"AIza[\w-]{10,}"),
    re.compile(r"\bAQ\.[\w-]{10,}"),
    re.compile(r"\bya29\.[\w-]{10,}"),
    re.compile(r"(?i)\bbearer\s+\S+"),
)
_NAMED_SECRET = re.compile(
    r"(?i)(?P<name>[\w-]*(?:key|token|secret|signature|credential|authorization|upload_id)[\w-]*)"
    r"(?P<sign>[\"']?\s*[=:]\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'&,;)}\]]+)"
)
_ADDRESS = re.compile(r"(?i)\b(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[^\s\"'<>]*)")
_QUOTED_PATH = re.compile(r"([\"'])(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/])[^\"']*\1")
_PATH = re.compile(r"(?<![\w:/.…])(?:~|\.{1,2})?/[^\s\"'<>,;()]+|\b[A-Za-z]:\\[^\s\"'<>,;()]+")
_MEDIA_FILE = re.compile(
    r"[^\s\"'<>,;:()]+\.(?:mp4|mkv|webm|mov|avi|wav|m4a|jsonl|json|parquet)\b", re.IGNORECASE
)

Result = TypeVar("Result")


@dataclass(eq=False)
class Fault(Exception):
    """One request that gave no answer.

    Attributes:
        kind: what happened.
        detail: in words, redacted.
        retry_after_s: what the service asks to wait, in seconds; None if it said nothing.
        may_be_charged: the request had been sent whole, so that the service may have answered it and charge for it.
    """

    kind: Kind
    detail: str = ""
    retry_after_s: float | None = None
    may_be_charged: bool = False

    def __post_init__(self) -> None:
        super().__init__(f"{self.kind}: {self.detail}" if self.detail else self.kind)

    def __reduce__(self):
        return type(self), (self.kind, self.detail, self.retry_after_s, self.may_be_charged)

    @property
    def worth_retrying(self) -> bool:
        """The same request may succeed within minutes."""
        return self.kind in AT_ONCE and (self.retry_after_s or 0.0) <= LONGEST_WAIT_S

    @property
    def worth_a_later_run(self) -> bool:
        """Nothing is wrong with the clip or the request."""
        return self.kind in LATER

    @property
    def ends_run(self) -> bool:
        """Every other clip would meet the same."""
        return self.kind in OF_EVERY_CLIP


def redacted(text: str, key: str = "") -> str:
    """`text` on one line without API keys, queries and paths of addresses, and names of files; at most
    DETAIL_CHARACTERS. `key` is taken out wherever it stands, as are those in the environment."""
    for secret in {key, *(os.environ.get(name, "").strip() for name in KEY_VARIABLES)} - {""}:
        text = text.replace(secret, "[key]")
    text = _ADDRESS.sub(_host_only, text)
    for pattern in _SECRETS:
        text = pattern.sub("[key]", text)
    text = _NAMED_SECRET.sub(r"\g<name>\g<sign>[hidden]", text)
    # A file that is named goes whole, before a part of its path is taken for one.
    for pattern in (_QUOTED_PATH, _MEDIA_FILE, _PATH):
        text = pattern.sub("[path]", text)
    text = " ".join(text.split())
    return text if len(text) <= DETAIL_CHARACTERS else text[: DETAIL_CHARACTERS - 1] + "…"


def _host_only(address: re.Match[str]) -> str:
    host = re.split(r"[/?#]", address["rest"], maxsplit=1)[0].rpartition("@")[2]
    return f"{address['scheme']}: [address at {host}]" if address["scheme"] != "file" else "[path]"


def quiet_loggers() -> None:
    """Keep the client's libraries from logging addresses and headers, whatever level a run logs at."""
    children = (
        name for name in logging.root.manager.loggerDict if name.startswith(tuple(f"{n}." for n in LOGGERS))
    )
    for name in (*LOGGERS, *children):
        logging.getLogger(name).setLevel(logging.WARNING)


def fault_of(error: Exception, about: Subject = "model", key: str = "") -> Fault:
    """The fault that an exception of the client or of its transport stands for.

    Raises:
        Exception: `error` itself where it is neither, and so a mistake of ours.
    """
    from google.genai.errors import APIError, UnknownApiResponseError
    from pydantic import ValidationError

    if isinstance(error, Fault):
        return error
    if isinstance(error, APIError):
        headers = getattr(error.response, "headers", None) or {}
        return fault_of_status(error.code or 0, error.details, about, key, headers.get("retry-after"))
    if isinstance(
        error, (UnknownApiResponseError, ValidationError, json.JSONDecodeError, UnicodeDecodeError)
    ):
        # Both quote the answer, which may be anything.
        return Fault("unreadable", "the answer is not what the service sends", may_be_charged=True)
    fault = _fault_of_transport(error, key)
    if fault is None:
        raise error
    return fault


def _fault_of_transport(error: Exception, key: str) -> Fault | None:
    for transport in filter(None, map(sys.modules.get, ("httpx2", "httpx"))):
        detail = redacted(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, key)
        if isinstance(error, transport.TimeoutException):
            return Fault("timed_out", detail, may_be_charged=isinstance(error, transport.ReadTimeout))
        if isinstance(error, (transport.ReadError, transport.RemoteProtocolError)):
            return Fault("unreachable", detail, may_be_charged=True)
        if isinstance(error, (transport.NetworkError, transport.ProxyError)):
            return Fault("unreachable", detail)
        if isinstance(error, (transport.DecodingError, transport.TooManyRedirects)):
            return Fault("unreadable", detail, may_be_charged=True)
    return None


GRPC_TO_HTTP: Mapping[int, int] = {
    1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501, 13: 500, 14: 503,
    15: 500, 16: 401,
}  # fmt: skip
"""Requests within a batch fail with codes of gRPC (google.rpc.Code)."""


def fault_of_status(
    code: int, body: Any, about: Subject = "model", key: str = "", retry_after: str | None = None
) -> Fault:
    """The fault that a status of the service stands for.

    Args:
        code: of HTTP, or of gRPC where it is below 100.
        body: the answer's JSON, with or without its outer `error`; anything else says nothing.
        retry_after: the header of that name, seconds or a date of HTTP.
    """
    code = GRPC_TO_HTTP.get(code, 500) if code < 100 else code
    error = body.get("error", body) if isinstance(body, Mapping) else {}
    error = error if isinstance(error, Mapping) else {}
    message, status = str(error.get("message") or ""), str(error.get("status") or "")
    details = [one for one in error.get("details") or () if isinstance(one, Mapping)]
    detail = redacted(f"{code} {status}: {message}" if status else f"{code}: {message}", key)
    waits = [
        wait for wait in (_seconds_of_header(retry_after), _seconds_of_details(details)) if wait is not None
    ]
    kind = _kind_of(code, message, details, about)
    # What is not JSON of the service comes from something between us and it.
    return Fault(kind, detail, max(waits, default=None), may_be_charged=kind == "unreadable")


def _kind_of(code: int, message: str, details: list[Mapping[str, Any]], about: Subject) -> Kind:
    if code == 429:
        return "quota_exhausted" if _is_for_the_day(message, details) else "rate_limited"
    if code in (400, 403) and re.search(r"\bFile\b", message):
        return "upload_failed"  # one that is not ready yet, or that the service no longer has
    if code == 400:
        # A key that is wrong or too old comes as a bad request, as does a country or an account that is not served.
        reasons = {one.get("reason") for one in details}
        refused = re.search(r"API key (not valid|expired)|location is not supported|billing", message)
        return "key_refused" if refused or "API_KEY_INVALID" in reasons else "refused_request"
    if code == 403 and about == "file":
        return "upload_failed"
    if code in (401, 403):
        return "key_refused"
    if code == 404:
        gone: dict[Subject, Kind] = {
            "file": "upload_failed",
            "batch": "batch_ended",
            "model": "unknown_model",
        }
        return "upload_failed" if re.search(r"\bfiles?[/ ]", message, re.IGNORECASE) else gone[about]
    if code in (408, 504):
        return "timed_out"
    if code in (409, 425, 499) or (code >= 500 and code != 501):
        return "overloaded"
    return "refused_request" if code >= 400 else "unreadable"


def _is_for_the_day(message: str, details: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the limit that was met is one of a day, or an allowance of nothing at all."""
    violations = [
        one for detail in details for one in detail.get("violations") or () if isinstance(one, Mapping)
    ]
    return any("PerDay" in str(one.get("quotaId")) for one in violations) or bool(
        re.search(r"limit: 0\b", message)
    )


def _seconds_of_details(details: Iterable[Mapping[str, Any]]) -> float | None:
    """google.rpc.RetryInfo's `retryDelay`, such as 37s or 0.5s."""
    told = [
        re.fullmatch(r"(\d+(?:\.\d+)?)s", str(one["retryDelay"])) for one in details if "retryDelay" in one
    ]
    return max((float(match[1]) for match in told if match), default=None)


def _seconds_of_header(retry_after: str | None) -> float | None:
    if not retry_after:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", retry_after):
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def retried(
    call: Callable[[], Result],
    section: Offscreen,
    on_fault: Callable[[Fault], object] = lambda fault: None,
    sleep: Callable[[float], object] = time.sleep,
    chance: random.Random | None = None,
) -> Result:
    """What `call` returns, tried up to `section.tries` times while its faults are worth that.

    Between tries it waits from 1 s on, doubled each time up to 60 s, each wait shortened by chance by up to a half so
    that many do not come back at once; never less than the service asks for, and up to a tenth more.

    Args:
        on_fault: told of each fault, the last one included, before the wait that follows it.

    Raises:
        Fault: the last one.
    """
    from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

    chance = chance or random.Random()

    def wait_s(state: RetryCallState) -> float:
        fault = state.outcome.exception()
        backoff_s = min(MOST_BACKOFF_S, FIRST_WAIT_S * 2 ** (state.attempt_number - 1)) * chance.uniform(
            0.5, 1.0
        )
        return max(backoff_s, (fault.retry_after_s or 0.0) * chance.uniform(1.0, 1.1))

    def told() -> Result:
        try:
            return call()
        except Fault as fault:
            on_fault(fault)
            raise

    return Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, Fault) and error.worth_retrying),
        stop=stop_after_attempt(section.tries),
        wait=wait_s,
        sleep=sleep,
        reraise=True,
    )(told)
