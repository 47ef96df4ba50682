"""Batch jobs through the real client: handed over, found again, read to the last answer, and cleared away."""

from __future__ import annotations

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from schemas.judgement import Judgement
from schemas.judging import Offscreen
from tasks.offscreen.gemini import batches
from tasks.offscreen.gemini.batches import clear, find_batch, poll, submit
from tasks.offscreen.gemini.client import open_gemini
from tasks.offscreen.gemini.faults import Fault
from tasks.offscreen.reply import NoJudgement, Usage, judgement_of
from tests.offscreen.gemini_script import (
    Answer,
    Hang,
    Lost,
    Refuse,
    Reset,
    judgement_for,
    limit_met,
    usage_for,
)
from tests.offscreen.gemini_server import GeminiServer

KEY = "AIzaSyA-this-key-is-made-up-0123456789a"
PROMPT = "What is heard, and is it seen?"
NAME = "run-7/batch-1"


@pytest.fixture
def clips(tmp_path) -> list[tuple[str, Path]]:
    made = [(f"clip-{number}", tmp_path / f"telling-{number}.mp4") for number in range(4)]
    for number, (_, path) in enumerate(made):
        path.write_bytes(random.Random(number).randbytes(3000))
    return made


@pytest.fixture
def start(monkeypatch):
    running = []

    def opened(script=lambda request: None, *, server=None, **section):
        running.append(GeminiServer(script, **(server or {})).__enter__())
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", running[-1].url)
        settings = Offscreen(**{"model": "gemini", "timeout": "5 s", "tries": 3} | section)
        return running[-1], open_gemini(settings, KEY, sleep=lambda seconds: None)

    yield opened
    for one in running:
        one.__exit__()


def digest_of(clip: Path) -> str:
    return hashlib.sha256(clip.read_bytes()).hexdigest()


def answers_of(gemini, job):
    for _ in range(5):
        if (answers := poll(gemini, job)) is not None:
            return answers
    raise AssertionError("the job never ends")


def is_right(answers, clips) -> bool:
    return {key: judgement_of(reply) for key, reply in answers.items()} == {
        key: Judgement(**judgement_for(digest_of(clip))) for key, clip in clips
    }


@pytest.mark.parametrize(
    ("send", "limit_bytes", "uploads", "by_file"),
    [
        ("inline", 18 * 1024**2, 0, False),
        ("auto", 18 * 1024**2, 0, False),
        ("upload", 18 * 1024**2, 4, False),
        ("inline", 10_000, 1, True),
        ("auto", 10_000, 5, True),
        ("auto", 15_500, 4, False),
        ("upload", 1_000, 5, True),
    ],
)
def test_every_way_of_handing_over_gives_every_answer(
    start, clips, monkeypatch, send, limit_bytes, uploads, by_file
):
    monkeypatch.setattr(batches, "INLINE_LIMIT_BYTES", limit_bytes)
    server, gemini = start(send=send)
    submitted = submit(gemini, NAME, clips, PROMPT)
    assert submitted.faults == {}
    assert server.kinds()["upload_start"] == uploads
    assert [job["by_file"] for job in server.batches.values()] == [by_file]
    assert poll(gemini, submitted.job) is None
    answers = answers_of(gemini, submitted.job)
    assert is_right(answers, clips)
    assert list(answers) == [key for key, _ in clips]
    assert poll(gemini, submitted.job) == answers
    assert sorted((one.key, one.clip) for one in server.paid) == sorted(
        (key, digest_of(clip)) for key, clip in clips
    )
    told = usage_for(digest_of(clips[0][1]))
    written = told["candidatesTokenCount"] + told["thoughtsTokenCount"]
    audio = told["promptTokensDetails"][0]["tokenCount"]
    assert answers["clip-0"].usage == Usage(told["promptTokenCount"], audio, written)
    assert clear(gemini, NAME) == uploads
    assert [name for name in server.files if "answers" not in name] == []
    assert "telling" not in json.dumps([[one.path, one.headers, one.body] for one in server.requests])


def _words(value):
    """JSON with the names of the client's fields and of the service's made one."""
    if isinstance(value, dict):
        return {name.replace("_", "").lower(): _words(one) for name, one in value.items()}
    return [_words(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("send", ["inline", "upload"])
def test_a_request_is_the_same_in_a_file_in_a_job_and_by_itself(start, clips, monkeypatch, send):
    server, gemini = start(send=send, resolution="low", send_from="1 s", send_until="2 s")
    with gemini.sent(clips[0][1]) as sent:
        gemini.ask(sent, PROMPT)
    for limit_bytes in (batches.INLINE_LIMIT_BYTES, 100):
        monkeypatch.setattr(batches, "INLINE_LIMIT_BYTES", limit_bytes)
        gemini_job = submit(gemini, f"job-{limit_bytes}", clips[:1], PROMPT).job
        answers_of(gemini, gemini_job)
    bodies = [_words(one.body) for one in server.requests if one.kind in ("ask", "batch_entry")]
    assert len(bodies) == 3
    for body in bodies:
        body.pop("model", None)
        body["contents"][0]["parts"][0].get("filedata", {}).pop("fileuri", None)
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize("limit_bytes", [18 * 1024**2, 100])
def test_requests_fail_one_by_one(start, clips, monkeypatch, limit_bytes):
    monkeypatch.setattr(batches, "INLINE_LIMIT_BYTES", limit_bytes)
    troubles = {
        "clip-0": limit_met("37s"),
        "clip-1": Refuse(400, "INVALID_ARGUMENT", f"corrupt, {KEY}"),
        "clip-2": Answer(None, finish=None, blocked="SAFETY"),
    }
    server, gemini = start(lambda request: troubles.get(request.key), send="inline")
    answers = answers_of(gemini, submit(gemini, NAME, clips, PROMPT).job)
    assert answers["clip-0"].kind == "rate_limited"
    assert answers["clip-1"].kind == "refused_request"
    assert KEY not in answers["clip-1"].detail
    with pytest.raises(NoJudgement, match="blocked"):
        judgement_of(answers["clip-2"])
    assert judgement_of(answers["clip-3"])
    assert {one.key for one in server.paid} == {"clip-2", "clip-3"}


def test_a_clip_that_cannot_be_uploaded_does_not_stop_the_others(start, clips):
    bad = digest_of(clips[1][1])[:16]

    def script(request):
        named = request.kind == "upload_start" and request.body["file"]["display_name"]
        return Refuse(400, "INVALID_ARGUMENT", "no video") if named and named.endswith(bad) else None

    server, gemini = start(script, send="upload")
    submitted = submit(gemini, NAME, clips, PROMPT)
    assert {key: fault.kind for key, fault in submitted.faults.items()} == {"clip-1": "refused_request"}
    assert is_right(answers_of(gemini, submitted.job), [clips[0], *clips[2:]])
    assert len(server.paid) == 3


def test_no_job_of_no_clips(start, clips):
    server, gemini = start(send="upload", server={"file_states": ("FAILED",)})
    submitted = submit(gemini, NAME, clips, PROMPT)
    assert submitted.job is None
    assert {fault.kind for fault in submitted.faults.values()} == {"upload_failed"}
    assert server.batches == {}


def test_uploads_are_tried_again_and_the_creation_is_not(start, clips):
    def script(request):
        return (
            Refuse(503) if request.attempt == 1 and request.kind in ("upload_start", "batch_create") else None
        )

    server, gemini = start(script, send="upload")
    with pytest.raises(Fault, match="overloaded"):
        submit(gemini, NAME, clips, PROMPT)
    assert server.kinds()["upload_start"] == 5
    assert server.kinds()["batch_create"] == 1
    assert server.files == {}
    assert find_batch(gemini, NAME) is None
    assert is_right(answers_of(gemini, submit(gemini, NAME, clips, PROMPT).job), clips)


def test_a_file_of_requests_is_sent_whole_at_the_second_try(start, clips, monkeypatch):
    monkeypatch.setattr(batches, "INLINE_LIMIT_BYTES", 100)

    def script(request):
        return Reset() if request.kind == "upload_piece" and request.attempt == 1 else None

    server, gemini = start(script, send="inline")
    assert is_right(answers_of(gemini, submit(gemini, NAME, clips, PROMPT).job), clips)
    assert server.kinds()["upload_piece"] == 2


@pytest.mark.parametrize("trouble", [Hang(0.7), Lost()])
def test_a_job_whose_creation_was_cut_off_is_found_and_paid_once(start, clips, trouble):
    """The service makes the job, and its answer to that never arrives."""
    server, gemini = start(
        lambda request: trouble if request.kind == "batch_create" else None, send="upload", timeout="300 ms"
    )
    with pytest.raises(Fault) as raised:
        submit(gemini, NAME, clips, PROMPT)
    assert raised.value.may_be_charged
    assert len(server.files) == len(clips)
    deadline_s = time.monotonic() + 5
    while not (job := find_batch(gemini, NAME)) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert len(server.batches) == 1
    assert is_right(answers_of(gemini, job), clips)
    assert len(server.paid) == len(clips)
    assert find_batch(gemini, "run-7/batch") is None


def test_a_job_is_found_among_many(start, clips):
    _, gemini = start(send="inline", server={"page": 2})
    for number in range(5):
        submit(gemini, f"other-{number}", clips[:1], PROMPT)
    first = submit(gemini, NAME, clips[:1], PROMPT).job
    assert find_batch(gemini, NAME) == first
    assert find_batch(gemini, "other-0") == "batches/made-up-1"
    later = submit(gemini, NAME, clips[:1], PROMPT).job
    assert find_batch(gemini, NAME) == later


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_job_that_ended_without_answers_is_a_fault(start, clips, state):
    _, gemini = start(send="inline", server={"batch_states": ("RUNNING", state)})
    job = submit(gemini, NAME, clips, PROMPT).job
    with pytest.raises(Fault) as raised:
        poll(gemini, job)
    assert (raised.value.kind, raised.value.detail) == (
        "batch_ended",
        f"the job has ended as {state.lower()}",
    )
    assert raised.value.worth_a_later_run
    assert not raised.value.ends_run


def test_a_job_that_is_gone_is_a_fault_of_that_job(start):
    _, gemini = start()
    with pytest.raises(Fault) as raised:
        poll(gemini, "batches/nowhere")
    assert raised.value.kind == "batch_ended"


@pytest.mark.parametrize(("trouble", "kind"), [(Refuse(503), "overloaded"), (Reset(), "unreachable")])
def test_looking_after_a_job_can_fail_and_be_done_again(start, clips, trouble, kind):
    failed = []

    def script(request):
        if request.kind in ("batch_get", "download") and request.kind not in failed:
            failed.append(request.kind)
            return trouble
        return None

    _, gemini = start(script, send="inline", server={"batch_states": ("SUCCEEDED",)})
    job = submit(gemini, NAME, clips, PROMPT).job
    with pytest.raises(Fault, match=kind):
        poll(gemini, job)
    assert is_right(poll(gemini, job), clips)


def test_a_line_that_cannot_be_read_costs_one_answer(start, clips, monkeypatch):
    monkeypatch.setattr(batches, "INLINE_LIMIT_BYTES", 100)
    server, gemini = start(send="inline", server={"batch_states": ("PENDING", "SUCCEEDED")})
    job = submit(gemini, NAME, clips, PROMPT).job
    poll(gemini, job)
    [name] = [name for name in server.files if "answers" in name]
    lines = server.files[name]["bytes"].splitlines()
    server.files[name]["bytes"] = b"\n".join([lines[0], b"{half", b"[]", b"", lines[3]])
    assert is_right(poll(gemini, job), [clips[0], clips[3]])


def test_only_a_jobs_own_uploads_are_cleared(start, clips):
    server, gemini = start(send="upload", server={"page": 1})
    submit(gemini, NAME, clips[:2], PROMPT)
    submit(gemini, f"{NAME}/more", clips[2:3], PROMPT)
    assert clear(gemini, NAME) == 2
    assert [file["display_name"].rpartition("/")[0] for file in server.files.values()] == [f"{NAME}/more"]
