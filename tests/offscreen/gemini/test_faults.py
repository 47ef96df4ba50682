"""Each thing that goes wrong has one kind, is retried as that deserves, and tells no secret."""

from __future__ import annotations

import pickle
import random
import string
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import get_args

import httpx2
import pytest
from google.genai.errors import APIError, ClientError, ServerError
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.judging import Offscreen
from tasks.offscreen.gemini.faults import (
    DETAIL_CHARACTERS,
    LATER,
    Fault,
    Kind,
    fault_of,
    fault_of_status,
    redacted,
    retried,
)
from tests.offscreen.gemini_script import PER_DAY, PER_MINUTE

KEY = "AIzaSyA-this-key-is-made-up-0123456789a"


def _body(message: str = "", status: str = "", *details: dict) -> dict:
    return {"error": {"message": message, "status": status, "details": list(details)}}


def _quota(*names: str) -> dict:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": n} for n in names],
    }


@pytest.mark.parametrize(
    ("code", "body", "about", "kind"),
    [
        (429, _body("slow down", "RESOURCE_EXHAUSTED"), "model", "rate_limited"),
        (429, _body("", "", _quota(PER_MINUTE)), "model", "rate_limited"),
        (429, _body("", "", _quota(PER_DAY)), "model", "quota_exhausted"),
        (429, _body("", "", _quota(PER_MINUTE, PER_DAY)), "model", "quota_exhausted"),
        (429, _body("Quota exceeded, limit: 0, model: gemini-3-flash"), "model", "quota_exhausted"),
        (429, _body("Quota exceeded, limit: 05"), "model", "rate_limited"),
        (429, "Too many", "model", "rate_limited"),
        (500, _body(), "model", "overloaded"),
        (502, "<html>", "model", "overloaded"),
        (503, _body("overloaded", "UNAVAILABLE"), "model", "overloaded"),
        (499, _body(), "model", "overloaded"),
        (504, _body("", "DEADLINE_EXCEEDED"), "model", "timed_out"),
        (408, _body(), "file", "timed_out"),
        (400, _body("corrupt video", "INVALID_ARGUMENT"), "model", "refused_request"),
        (413, _body(), "model", "refused_request"),
        (501, _body(), "model", "refused_request"),
        (400, _body("bad", "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "model", "key_refused"),
        (400, _body("The File x is not in an ACTIVE state", "FAILED_PRECONDITION"), "model", "upload_failed"),
        (400, _body("enable billing on the project", "FAILED_PRECONDITION"), "model", "key_refused"),
        (400, _body("no such feature", "FAILED_PRECONDITION"), "model", "refused_request"),
        (400, _body("API key expired. Please renew the API key."), "model", "key_refused"),
        (400, _body("User location is not supported", "FAILED_PRECONDITION"), "model", "key_refused"),
        (401, _body(), "model", "key_refused"),
        (403, _body("denied", "PERMISSION_DENIED"), "model", "key_refused"),
        (403, _body("You do not have permission to access the File x"), "model", "upload_failed"),
        (403, _body(), "file", "upload_failed"),
        (404, _body("models/gemini-9 is not found"), "model", "unknown_model"),
        (404, _body("File files/x is gone"), "model", "upload_failed"),
        (404, _body(), "file", "upload_failed"),
        (404, _body(), "batch", "batch_ended"),
        (302, "", "model", "unreadable"),
        (8, {"message": "quota"}, "file", "rate_limited"),
        (13, {"message": "internal"}, "file", "overloaded"),
        (14, {}, "file", "overloaded"),
        (4, {}, "file", "timed_out"),
        (3, {}, "file", "refused_request"),
        (9, {"message": "The File x is not in an ACTIVE state"}, "file", "upload_failed"),
        (7, {}, "file", "upload_failed"),
        (0, None, "file", "overloaded"),
    ],
)
def test_each_status_has_its_kind(code, body, about, kind):
    assert fault_of_status(code, body, about).kind == kind


def test_kinds_say_what_to_do():
    verdicts = {kind: Fault(kind) for kind in get_args(Kind)}
    at_once = {kind for kind, fault in verdicts.items() if fault.worth_retrying}
    assert at_once == {"rate_limited", "overloaded", "timed_out", "unreachable", "unreadable"}
    assert {kind for kind, fault in verdicts.items() if fault.ends_run} == {
        "quota_exhausted", "key_refused", "unknown_model",
    }  # fmt: skip
    assert {kind for kind, fault in verdicts.items() if fault.worth_a_later_run} == LATER
    assert not verdicts["refused_request"].worth_a_later_run
    assert not Fault("rate_limited", retry_after_s=600.1).worth_retrying
    assert Fault("rate_limited", retry_after_s=600.0).worth_retrying


@pytest.mark.parametrize(
    ("header", "delay", "seconds"),
    [
        (None, None, None),
        ("7", None, 7.0),
        ("1.5", None, 1.5),
        (None, "37s", 37.0),
        (None, "0.25s", 0.25),
        ("7", "37s", 37.0),
        ("90", "37s", 90.0),
        ("soon", None, None),
        (None, "1m", None),
        ("-3", None, None),
    ],
)
def test_the_longest_wait_that_is_asked_for_counts(header, delay, seconds):
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}] if delay else []
    assert fault_of_status(429, _body("", "", *details), retry_after=header).retry_after_s == seconds


def test_a_wait_may_be_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    assert 37 < fault_of_status(503, {}, retry_after=later).retry_after_s <= 40
    earlier = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    assert fault_of_status(503, {}, retry_after=earlier).retry_after_s == 0


@pytest.mark.parametrize(
    ("error", "kind", "may_be_charged"),
    [
        (httpx2.ReadTimeout("x"), "timed_out", True),
        (httpx2.ConnectTimeout("x"), "timed_out", False),
        (httpx2.PoolTimeout("x"), "timed_out", False),
        (httpx2.WriteTimeout("x"), "timed_out", False),
        (httpx2.ConnectError("x"), "unreachable", False),
        (httpx2.ReadError("x"), "unreachable", True),
        (httpx2.WriteError("x"), "unreachable", False),
        (httpx2.RemoteProtocolError("x"), "unreachable", True),
        (httpx2.ProxyError("x"), "unreachable", False),
        (httpx2.DecodingError("x"), "unreadable", True),
        (ServerError(503, _body()), "overloaded", False),
        (ClientError(404, _body()), "unknown_model", False),
        (APIError(302, {"message": "moved"}), "unreadable", True),
    ],
)
def test_each_exception_of_the_client_has_its_kind(error, kind, may_be_charged):
    fault = fault_of(error)
    assert (fault.kind, fault.may_be_charged) == (kind, may_be_charged)


@pytest.mark.parametrize(
    "error", [RuntimeError("ours"), KeyError("ours"), OSError("disk"), httpx2.InvalidURL("x")]
)
def test_what_is_no_fault_of_the_service_is_raised_as_it_is(error):
    with pytest.raises(type(error)) as raised:
        fault_of(error)
    assert raised.value is error


def test_a_fault_crosses_a_process_border():
    fault = Fault("rate_limited", "429", 3.5, may_be_charged=True)
    again = pickle.loads(pickle.dumps(fault))
    assert (again.kind, again.detail, again.retry_after_s, again.may_be_charged) == (
        "rate_limited",
        "429",
        3.5,
        True,
    )
    assert str(again) == "rate_limited: 429"


@pytest.mark.parametrize(
    ("text", "gone", "stays"),
    [
        (f"no such key {KEY} here", [KEY], ["no such key", "here"]),
        (
            "https://h.example/v1/files?upload_id=abc&sig=zzz failed",
            ["abc", "zzz", "upload_id"],
            ["h.example"],
        ),
        ("http://me:pass@h.example:8080/x", ["me:pass", "/x"], ["h.example:8080"]),
        ("?key=s3cr3t&alt=media", ["s3cr3t"], ["alt=media"]),
        ("x-goog-api-key: s3cr3t\nnext", ["s3cr3t"], ["next"]),
        ('{"api_key": "s3cr3t value", "code": 4}', ["s3cr3t", "value"], ["code"]),
        ("Authorization: Bearer ya29.abcdefghijklm", ["ya29", "abcdefghijklm"], []),
        ("AQ.Ab8RN6KabcdefGHIJ is refused", ["Ab8RN6K"], ["is refused"]),
        ("cannot open /srv/clips/a/b.mp4: gone", ["/srv", "b.mp4"], ["cannot open", "gone"]),
        ("cannot open '/srv/my clips/a b.mp4'", ["my clips", "b.mp4"], ["cannot open"]),
        ("clips/one/two.mp4 is bad", ["one", "two"], ["is bad"]),
        ("~/data/two and ../up/three", ["data", "three"], ["and"]),
        (r"C:\clips\two.mp4 is bad", ["clips", "two"], ["is bad"]),
        ("file:///work/x", ["work"], []),
        ("503 UNAVAILABLE: The model is overloaded.", [], ["503 UNAVAILABLE: The model is overloaded."]),
        (
            "models/gemini-3-flash is not found for v1beta",
            [],
            ["models/gemini-3-flash is not found for v1beta"],
        ),
    ],
)
def test_secrets_and_paths_are_taken_out(text, gone, stays):
    told = redacted(text)
    assert [word for word in gone if word in told] == []
    assert [word for word in stays if word not in told] == []


WORDS = st.text(string.ascii_letters + string.digits + " :;,.'\"(){}[]=&?/\\\n<>", max_size=60)


@given(WORDS, WORDS, st.text(string.ascii_letters + string.digits + "-_", min_size=8, max_size=60))
def test_no_key_survives_whatever_stands_around_it(before, after, key):
    key = f"Kq{key}"
    told = redacted(f"{before}{key}{after}", key)
    assert key not in told
    assert len(told) <= DETAIL_CHARACTERS
    assert "\n" not in told


NAMES = st.text(string.ascii_letters + string.digits + "_-", min_size=6, max_size=20).map(
    lambda name: f"Zz{name}"
)


@given(st.lists(NAMES, min_size=1, max_size=4), st.sampled_from([" ", "", "'", '"', ": ", "("]), NAMES)
@example(folders=["Zz00000-"], before="", name="Zz000000")
def test_no_absolute_path_of_a_clip_survives(folders, before, name):
    told = redacted(f"failed{before}/{'/'.join(folders)}/{name}.mp4{before} for 3 s")
    assert [part for part in (*folders, name) if part in told] == []


def test_the_key_in_the_environment_is_taken_out_too(monkeypatch):
    monkeypatch.setenv("GOOGLE_API_KEY", "plain-looking-word")
    assert "plain-looking-word" not in redacted("it was plain-looking-word that failed")


def _retried(faults, tries=5, chance=None):
    """What `retried` gives for a call that meets these faults one after the other; its waits and what was told."""
    left, waits, told = list(faults), [], []

    def call():
        if left:
            raise left.pop(0)
        return "answer"

    try:
        result = retried(call, Offscreen(tries=tries), told.append, waits.append, chance or random.Random(1))
    except Fault as fault:
        result = fault
    return result, waits, told


def test_waits_double_and_vary():
    faults = [Fault("overloaded") for _ in range(9)]
    result, waits, told = _retried(faults, 10)
    assert result == "answer"
    assert told == faults
    most = (1, 2, 4, 8, 16, 32, 60, 60, 60)
    assert len(waits) == len(most)
    assert all(0.5 * top <= wait <= top for wait, top in zip(waits, most, strict=True))
    assert _retried(faults, 10, random.Random(2))[1] != waits


@given(st.floats(0, 600), st.integers(0, 2**32))
def test_never_back_before_the_service_asks_for_it(seconds, seed):
    _, waits, _ = _retried([Fault("rate_limited", "", seconds)], chance=random.Random(seed))
    assert len(waits) == 1
    assert seconds <= waits[0] <= max(1.0, seconds * 1.1)


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_the_last_fault_is_raised_and_told(tries):
    faults = [Fault("unreachable", str(number)) for number in range(9)]
    result, waits, told = _retried(faults, tries)
    assert result is faults[tries - 1]
    assert told == faults[:tries]
    assert len(waits) == tries - 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("rate_limited", "", 601.0),
        *map(Fault, ("quota_exhausted", "refused_request", "upload_stuck", "key_refused")),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_waiting_does_not_mend_is_tried_once(fault):
    assert _retried([fault, Fault("overloaded")]) == (fault, [], [fault])


def test_a_mistake_of_ours_is_not_retried():
    waits = []

    def call():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retried(call, Offscreen(), sleep=waits.append)
    assert waits == []
