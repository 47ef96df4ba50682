"""The real google-genai client against a local server: what is sent, what comes back, and what goes wrong."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import socket
import subprocess
import sys
import time
import traceback
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.judgement import Judgement
from schemas.judging import Offscreen
from tasks.offscreen.gemini.client import open_gemini
from tasks.offscreen.gemini.faults import Fault, retried
from tasks.offscreen.reply import NoJudgement, Usage, judgement_of
from tests.offscreen.gemini_script import (
    PER_DAY,
    Answer,
    Hang,
    Lost,
    Raw,
    Refuse,
    Reset,
    faults_for,
    judgement_for,
    limit_met,
    tokens_for,
    usage_for,
)
from tests.offscreen.gemini_server import GeminiServer

ROOT = Path(__file__).resolve().parents[3]
KEY = "AIzaSyA-this-key-is-made-up-0123456789a"
PROMPT = "What is heard, and is it seen?"


@pytest.fixture
def clip(tmp_path) -> Path:
    path = tmp_path / "a-telling-folder" / "a-telling-name.mp4"
    path.parent.mkdir()
    path.write_bytes(random.Random(1).randbytes(50_000))
    return path


@pytest.fixture
def start(monkeypatch):
    """Opens a server, and a client that talks to it: `start(script, section settings, server settings)`."""
    running = []

    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)

    def opened(script=lambda request: None, *, server=None, **section):
        running.append(GeminiServer(script, key=KEY, **(server or {})).__enter__())
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", running[-1].url)
        settings = Offscreen(**{"model": "gemini", "send": "inline", "timeout": "5 s"} | section)
        return running[-1], open_gemini(settings, KEY)

    yield opened
    for one in running:
        one.__exit__()


def digest_of(clip: Path) -> str:
    return hashlib.sha256(clip.read_bytes()).hexdigest()


def asked(gemini, clip):
    with gemini.sent(clip) as sent:
        return gemini.ask(sent, PROMPT)


def fault_from(gemini, clip) -> Fault:
    with pytest.raises(Fault) as raised:
        asked(gemini, clip)
    return raised.value


@pytest.mark.parametrize("send", ["inline", "upload"])
def test_a_clip_is_counted_and_judged(start, clip, send):
    server, gemini = start(send=send)
    with gemini.sent(clip) as sent:
        assert gemini.count(sent, PROMPT) == tokens_for(digest_of(clip))
        reply = gemini.ask(sent, PROMPT)
    assert judgement_of(reply) == Judgement(**judgement_for(digest_of(clip)))
    told = usage_for(digest_of(clip))
    written = told["candidatesTokenCount"] + told["thoughtsTokenCount"]
    audio = told["promptTokensDetails"][0]["tokenCount"]
    assert reply.usage == Usage(told["promptTokenCount"], audio, written)
    assert (reply.finish, reply.blocked, reply.model_version) == ("STOP", None, "made-up-001")
    assert [(one.clip, one.delivered) for one in server.paid] == [(digest_of(clip), True)]
    looked = (
        {"upload_start": 1, "upload_piece": 1, "file_get": 1, "file_delete": 1} if send == "upload" else {}
    )
    assert server.kinds() == {"count": 1, "ask": 1} | looked
    assert server.files == {}


def test_the_request_is_what_the_recipe_says(start, clip):
    server, gemini = start(
        service_model="gemini-9-flash", api_version="v1", temperature=0.5, seed=7, thinking="medium",
        resolution="high", frame_rate=1.5, send_from="1 s", send_until="2345 ms", max_output_tokens=777,
    )  # fmt: skip
    asked(gemini, clip)
    [request] = server.requests
    assert request.path == "/v1/models/gemini-9-flash:generateContent"
    assert request.headers["X-Server-Timeout"] == "5"
    [content] = request.body["contents"]
    video, words = content["parts"]
    assert words == {"text": PROMPT}
    assert video["inlineData"] == {"mime_type": "video/mp4", "data": f"sha256:{digest_of(clip)}"}
    assert video["videoMetadata"] == {"fps": 1.5, "start_offset": "1.000s", "end_offset": "2.345s"}
    settings = request.body["generationConfig"]
    assert settings.pop("responseJsonSchema") == Judgement.model_json_schema()
    assert settings == {
        "responseMimeType": "application/json", "temperature": 0.5, "seed": 7, "maxOutputTokens": 777,
        "mediaResolution": "MEDIA_RESOLUTION_HIGH", "thinkingConfig": {"thinking_level": "MEDIUM"},
    }  # fmt: skip
    assert set(request.body) == {"contents", "generationConfig"}


def test_what_the_recipe_leaves_to_the_service_is_not_sent(start, clip):
    server, gemini = start(thinking="default")
    asked(gemini, clip)
    [request] = server.requests
    assert request.path.startswith("/v1beta/")
    assert request.body["contents"][0]["parts"][0]["videoMetadata"] == {"fps": 2.0}
    assert not {"thinkingConfig", "mediaResolution"} & set(request.body["generationConfig"])


@pytest.mark.parametrize(
    ("send", "size", "upload"),
    [("auto", 4096, False), ("auto", 4097, True), ("inline", 9000, False), ("upload", 10, True)],
)
def test_a_clip_over_the_limit_goes_by_upload(start, clip, send, size, upload):
    server, gemini = start(send=send, inline_limit="4 KiB", server={"file_states": ("ACTIVE",)})
    clip.write_bytes(b"x" * size)
    asked(gemini, clip)
    assert (server.kinds()["upload_start"] == 1) == upload
    assert server.paid[0].clip == digest_of(clip)


def test_a_large_upload_arrives_whole_in_pieces(start, clip):
    server, gemini = start(send="upload", timeout="30 s")
    clip.write_bytes(random.Random(2).randbytes(2 * 8 * 1024**2 + 12_345))
    reply = asked(gemini, clip)
    pieces = [request.body for request in server.requests if request.kind == "upload_piece"]
    assert pieces == [8 * 1024**2, 8 * 1024**2, 12_345]
    assert server.paid[0].clip == digest_of(clip)
    assert judgement_of(reply) == Judgement(**judgement_for(digest_of(clip)))


def test_nothing_that_is_sent_names_the_clip(start, clip):
    server, gemini = start(send="upload")
    asked(gemini, clip)
    [first] = [request for request in server.requests if request.kind == "upload_start"]
    assert first.body["file"]["display_name"] == digest_of(clip)[:16]
    sent = json.dumps([[one.path, dict(one.headers), one.body] for one in server.requests])
    assert "telling" not in sent
    assert str(clip.parent) not in sent


def test_an_upload_is_waited_for_until_it_is_active(start, clip):
    server, gemini = start(send="upload", server={"file_states": ("PROCESSING",) * 3 + ("ACTIVE",)})
    asked(gemini, clip)
    assert server.kinds()["file_get"] == 3


def test_looking_after_an_upload_survives_a_busy_service(start, clip):
    def busy(request):
        return Refuse(503) if request.kind == "file_get" and request.attempt == 1 else None

    server, gemini = start(busy, send="upload")
    assert judgement_of(asked(gemini, clip))
    assert server.kinds()["file_get"] == 2


@pytest.mark.parametrize(
    ("states", "kind", "words"),
    [
        (("PROCESSING",), "upload_stuck", "0.5 s"),
        (("PROCESSING", "FAILED"), "upload_failed", "could not read"),
    ],
)
def test_an_upload_that_never_gets_ready_is_a_fault_and_deleted(start, clip, states, kind, words):
    server, gemini = start(send="upload", upload_timeout="500 ms", server={"file_states": states})
    fault = fault_from(gemini, clip)
    assert fault.kind == kind
    assert words in fault.detail
    assert not fault.worth_retrying
    assert server.files == {}
    assert server.paid == []


@pytest.mark.parametrize("broken", [Raw(b"{}"), Raw(b"{}", headers={"X-Goog-Upload-Status": "cancelled"})])
def test_an_upload_that_the_service_breaks_off_is_a_fault(start, clip, monkeypatch, broken):
    monkeypatch.setattr("google.genai._api_client.INITIAL_RETRY_DELAY", 0.01)
    _, gemini = start(lambda request: broken if request.kind == "upload_piece" else None, send="upload")
    assert fault_from(gemini, clip).kind == "upload_failed"
    _, gemini = start(lambda request: Raw(b"{}") if request.kind == "upload_start" else None, send="upload")
    assert fault_from(gemini, clip).kind == "upload_failed"


def test_a_deletion_that_fails_costs_no_answer(start, clip):
    server, gemini = start(
        lambda request: Refuse(500) if request.kind == "file_delete" else None, send="upload"
    )
    assert judgement_of(asked(gemini, clip))
    assert len(server.files) == 1


@pytest.mark.parametrize(
    ("behaviour", "kind", "retry_after_s"),
    [
        (limit_met(Retry_After="7"), "rate_limited", 7.0),
        (limit_met("37s"), "rate_limited", 37.0),
        (limit_met("20s", PER_DAY), "quota_exhausted", 20.0),
        (Refuse(503, headers={"Retry-After": "3"}), "overloaded", 3.0),
        (Refuse(500, "INTERNAL"), "overloaded", None),
        (Refuse(400, "INVALID_ARGUMENT", "The video is corrupt."), "refused_request", None),
        (Refuse(403, "PERMISSION_DENIED", "denied"), "key_refused", None),
        (Refuse(404, "NOT_FOUND", "models/gemini-3 is not found"), "unknown_model", None),
        (Raw(b"<html>Bad gateway</html>", 502), "overloaded", None),
        (Raw(b"{half"), "unreadable", None),
        (Raw(b"\xff\xfe"), "unreadable", None),
        (Raw(b'{"candidates": 3}'), "unreadable", None),
        (Reset(), "unreachable", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_goes_wrong_is_one_fault_after_one_request(start, clip, behaviour, kind, retry_after_s):
    server, gemini = start(lambda request: behaviour)
    fault = fault_from(gemini, clip)
    assert (fault.kind, fault.retry_after_s) == (kind, retry_after_s)
    assert len(server.requests) == 1


def test_a_service_that_hangs_is_not_waited_for_and_may_charge(start, clip):
    server, gemini = start(lambda request: Hang(0.9), timeout="300 ms")
    fault = fault_from(gemini, clip)
    assert (fault.kind, fault.may_be_charged, fault.worth_retrying) == ("timed_out", True, True)
    assert len(server.requests) == 1


@pytest.mark.parametrize("trouble", [Hang(0.6), Lost()])
def test_an_answer_that_never_arrives_is_paid_for(start, clip, trouble):
    server, gemini = start(lambda request: trouble, timeout="300 ms")
    fault = fault_from(gemini, clip)
    assert fault.may_be_charged
    deadline_s = time.monotonic() + 5
    while not server.paid and time.monotonic() < deadline_s:
        time.sleep(0.02)
    server.__exit__()
    assert [(one.clip, one.delivered) for one in server.paid] == [(digest_of(clip), False)]


def test_nobody_there(monkeypatch, clip):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
        fault = fault_from(open_gemini(Offscreen(send="inline"), KEY), clip)
    assert (fault.kind, fault.may_be_charged) == ("unreachable", False)


def test_a_wrong_key_ends_the_run(start, clip):
    _, gemini = start()
    fault = fault_from(open_gemini(gemini.section, "another-key-altogether"), clip)
    assert (fault.kind, fault.ends_run) == ("key_refused", True)


def test_it_is_asked_again_when_the_service_wishes(start, clip):
    troubles = [Refuse(503), limit_met("37s"), Reset()]
    server, gemini = start(lambda request: dict(enumerate(troubles, start=1)).get(request.number))
    waits, told = [], []
    with gemini.sent(clip) as sent:
        reply = retried(lambda: gemini.ask(sent, PROMPT), gemini.section, told.append, waits.append)
    assert judgement_of(reply)
    assert [fault.kind for fault in told] == ["overloaded", "rate_limited", "unreachable"]
    assert waits[1] >= 37
    assert len(server.requests) == 4
    assert len(server.paid) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer('{"source_name": "half'), "malformed"),
        (Answer('{"source": "loud"}'), "malformed"),
        (Answer("I am sorry."), "malformed"),
        (Answer(None, finish=None, blocked="PROHIBITED_CONTENT"), "blocked"),
        (Answer(None, finish="SAFETY"), "blocked"),
        (Answer(None), "empty"),
        (Answer(""), "empty"),
        (Answer('{"source_name": "x', finish="MAX_TOKENS"), "cut_short"),
        (Answer(json.dumps(judgement_for("0" * 64)), finish="MAX_TOKENS"), "cut_short"),
        (Answer(json.dumps(judgement_for("0" * 64)), finish="CONTINUATION"), "malformed"),
    ],
)
def test_an_answer_without_a_judgement_is_paid_for_and_told(start, clip, answer, reason):
    server, gemini = start(lambda request: answer)
    reply = asked(gemini, clip)
    with pytest.raises(NoJudgement) as raised:
        judgement_of(reply)
    assert raised.value.reason == reason
    assert reply.usage.input_tokens == server.paid[0].usage["promptTokenCount"]
    assert len(server.requests) == 1


def test_an_answer_without_a_cost_or_a_candidate_is_read_too(start, clip):
    _, gemini = start(lambda request: Raw(b"{}"))
    reply = asked(gemini, clip)
    assert (reply.text, reply.finish, reply.blocked, reply.usage) == (None, None, None, Usage())


def test_no_secret_and_no_path_in_any_log_or_error(start, clip, caplog, capfd):
    address = "https://storage.example/x?X-Goog-Signature=abc123&upload_id=def456"
    words = f"key {KEY} is bad for {clip}, see {address}"

    def telling(request):
        if request.kind == "ask":
            return Refuse(400, "INVALID_ARGUMENT", words, ({"reason": words},), {"Retry-After": words})
        return None

    _, gemini = start(telling, send="upload")
    with caplog.at_level(logging.DEBUG):
        fault = fault_from(gemini, clip)
        logging.getLogger("test").debug("the logs are read")
    logs = "".join(logging.Formatter().format(record) for record in caplog.records)
    shown = [*traceback.format_exception(fault), repr(fault), str(fault), repr(gemini)]
    told = "".join([*shown, logs, *capfd.readouterr()])
    assert "the logs are read" in logs
    for secret in (KEY, "abc123", "def456", "SIGNED-ADDRESS", "telling", str(clip.parent), "x-goog-api-key"):
        assert secret not in told, secret
    assert fault.__context__ is None
    assert fault.__cause__ is None


def test_a_library_that_is_not_quiet_tells_addresses(start, clip, caplog):
    """What the test before it looks for is there to be found."""
    _, gemini = start(send="upload")
    with caplog.at_level(logging.INFO, logger="httpx2"):
        asked(gemini, clip)
    assert "SIGNED-ADDRESS" in caplog.text


def test_the_client_stays_with_the_service_of_its_key(start, clip, monkeypatch):
    misleading = {"GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_API_KEY": "other"}
    for name, value in misleading.items():
        monkeypatch.setenv(name, value)
    server, gemini = start()
    asked(gemini, clip)
    assert server.requests[0].headers["x-goog-api-key"] == KEY
    assert server.requests[0].path.startswith("/v1beta/models/")


def test_many_threads_share_a_client(start, tmp_path):
    server, gemini = start(faults_for(0.0))
    clips = [tmp_path / f"{number}.mp4" for number in range(60)]
    for number, path in enumerate(clips):
        path.write_bytes(bytes([number]) * 2000)
    with ThreadPoolExecutor(12) as pool:
        replies = list(pool.map(lambda path: asked(gemini, path), clips))
    assert [judgement_of(one) for one in replies] == [
        Judgement(**judgement_for(digest_of(path))) for path in clips
    ]
    assert sorted(one.clip for one in server.paid) == sorted(map(digest_of, clips))


def test_the_server_runs_as_a_process_of_its_own(monkeypatch, clip):
    command = [sys.executable, "-m", "tests.offscreen.gemini_server", "--port", "0", "--key", KEY]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            url = process.stdout.readline().strip()
            monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", url)
            asked(open_gemini(Offscreen(send="inline"), KEY), clip)
            with urllib.request.urlopen(f"{url}/_paid") as answer:
                paid = json.load(answer)
        finally:
            process.terminate()
    assert [one["clip"] for one in paid] == [digest_of(clip)]
    assert paid[0]["usage"] == usage_for(digest_of(clip))
