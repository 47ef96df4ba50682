"""Who comes in, what of a request goes on, and how the gateway behaves when things go wrong."""

from __future__ import annotations

import http.client
import time
from contextlib import nullcontext, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.responses import Response

from annotation.gateway.app import gateway_app
from annotation.gateway.hooks import HEADER
from annotation.private import open_secrets, write_people
from annotation.server.processes import free_port
from tests.annotation.gateway.serving import PEOPLE, StandIn, make_workspace, serving, write_projects

PAGE = {"accept": "text/html"}


def test_nobody_gets_the_log_in_page_and_its_files_only(front):
    front.studio.answers = {
        ("GET", "/user/login/"): Response("<form>", media_type="text/html"),
        ("GET", "/static/a.css"): Response("body{}", media_type="text/css"),
        ("GET", "/api/projects/3/"): {"id": 3},
    }
    with front.client() as client:
        assert client.get("/user/login/", headers=PAGE).text == "<form>"
        assert client.get("/static/a.css").text == "body{}"
        assert client.get("/", headers=PAGE).headers["location"] == "/user/login/"
        assert client.get("/api/projects/3/").status_code == 401
        assert client.post("/api/tasks/1/annotations/", json={}).status_code == 401
    assert "/api/projects/3/" not in front.studio.paths("GET")


def test_one_person_s_log_in_is_never_another_s(front):
    form = {"content-type": "application/x-www-form-urlencoded"}
    with front.client() as ann, front.client() as ben, front.client() as nobody:
        ann.post("/user/login/", content="password=A1", headers=form)
        ben.post("/user/login/", content="password=A2", headers=form)
        for client, number in ((ann, 2), (ben, 3), (ann, 2)):
            assert client.get("/api/current-user/whoami").json()["id"] == number
        assert nobody.get("/api/current-user/whoami").status_code == 401
        nobody.get("/user/login/")
    assert not any("cookie" in each.headers for each in front.studio.asked if each.path == "/user/login/")


def test_cookies_of_a_log_in(front):
    form = {"content-type": "application/x-www-form-urlencoded"}
    with front.client() as client:
        plain = client.post("/user/login/", content="password=A1", headers=form)
        safe = client.post(
            "/user/login/", content="password=A1", headers={**form, "x-forwarded-proto": "https"}
        )
    assert [each.split("=")[0] for each in plain.headers.get_list("set-cookie")] == ["sessionid"]
    assert "HttpOnly" in plain.headers["set-cookie"] and "Secure" not in plain.headers["set-cookie"]
    assert "Secure" in safe.headers["set-cookie"]


@pytest.mark.parametrize("body", ["next=https://evil", "email=a&is_staff=1", "x" * 9000])
def test_the_log_in_form_takes_its_own_fields(front, body):
    with front.client() as client:
        answer = client.post(
            "/user/login/", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
        )
    assert answer.status_code in (400, 413)
    assert front.studio.paths("POST") == []


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:evil"],
)
def test_no_redirect_leads_off_this_site(front, target):
    front.studio.answers = {("GET", "/user/login/"): Response(status_code=302, headers={"location": target})}
    with front.client() as client:
        assert client.get("/user/login/").headers.get("location", "/") == "/"


def test_a_stranger_and_the_administrator_are_told_so(front):
    with httpx.Client(base_url=front.url, headers={**PAGE, "authorization": "Token " + "e" * 40}) as stranger:
        answer = stranger.get("/")
        assert answer.status_code == 403 and "not on the list" in answer.text
    with front.client("admin") as admin:
        assert "administrator" in admin.get("/api/projects/3/").json()["detail"]
    assert set(front.studio.paths("GET")) <= {"/api/current-user/whoami"}


@pytest.mark.parametrize("pseudonym", ["A1", "L1"])
def test_who_has_left_is_told_so_though_the_server_lets_her_in(front, pseudonym):
    gone = [replace(each, active=each.pseudonym != pseudonym) for each in PEOPLE]
    with front.client(pseudonym) as left, front.client("A2") as ben:
        assert left.get("/", headers=PAGE).status_code in (200, 303)
        write_people(front.root, gone)
        try:
            page, call = left.get("/", headers=PAGE), left.get("/api/projects/3/next/")
            answer = left.post("/api/tasks/1/annotations/", json={"result": []})
            stays = ben.get("/", headers=PAGE)
        finally:
            write_people(front.root, PEOPLE)
        assert left.get("/", headers=PAGE).status_code in (200, 303)
    assert (page.status_code, call.status_code, answer.status_code, stays.status_code) == (403, 403, 403, 303)
    assert "<h1>" in page.text and "no longer take part" in page.text and "/logout" in page.text
    assert "no longer take part" in call.json()["detail"] and "stays and counts" in answer.json()["detail"]
    assert set(front.studio.paths("GET")) <= {"/api/current-user/whoami"} and not front.studio.paths("POST")


def test_the_start_page_leads_to_the_clips(front):
    with front.client("A1") as ann, front.client("L1") as lead:
        answer = ann.get("/", headers=PAGE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/projects/3/data?labeling=1")
        choice = lead.get("/", headers=PAGE).text
    assert "/projects/4/data?labeling=1" in choice and "/projects/3/data" in choice
    assert "/projects/3/data?labeling" not in choice


def test_projects_are_read_anew_when_they_change(front):
    with front.client("A1") as ann:
        write_projects(front.root, {"review": 31, "adjudication": 4})
        try:
            assert ann.get("/", headers=PAGE).headers["location"] == "/projects/31/data?labeling=1"
            assert ann.get("/api/projects/3").status_code == 403
        finally:
            write_projects(front.root, {"review": 3, "adjudication": 4})


@pytest.mark.parametrize("number", [4, 5, 0])
def test_other_projects_are_closed(front, number):
    front.studio.answers = {("GET", f"/api/projects/{number}/"): {"id": number}}
    with front.client("A1") as ann:
        for answer in (
            ann.get(f"/api/projects/{number}"),
            ann.get(f"/api/projects/{number}/next/"),
            ann.get(f"/projects/{number}/data?labeling=1"),
            ann.post(f"/api/dm/actions?id=next_task&project={number}", json={}),
            ann.get(f"/api/dm/project?project={number}"),
            ann.get(f"/api/tasks?project={number}"),
        ):
            assert answer.status_code == 403
    assert set(front.studio.paths("GET")) <= {"/api/current-user/whoami"}


def test_headers_that_are_not_named_stay_here(front):
    strange = {
        "x-http-method-override": "DELETE", "x-api-key": "a" * 40, "x-original-url": "/api/users", "x-custom": "1",
        "x-forwarded-for": "1.2.3.4", "x-forwarded-host": "evil", "forwarded": "host=evil", "origin": front.url,
        "transfer-user": "1", "accept": "text/html", "cookie": "other=1; sessionid=session-A1",
    }  # fmt: skip
    front.studio.answers = {("GET", "/api/projects/3/"): {"id": 3}}
    with front.client("A1") as ann:
        assert ann.get("/api/projects/3/?format=api&_method=DELETE", headers=strange).status_code == 200
    asked = front.studio.asked[-1]
    assert (asked.method, asked.path, asked.query) == ("GET", "/api/projects/3/", "")
    assert not set(asked.headers) & (set(strange) - {"origin", "cookie", "accept"})
    assert asked.headers["cookie"] == "sessionid=session-A1"
    assert asked.headers["accept"] == "application/json"
    assert asked.headers["origin"] == "http://" + asked.headers["host"] != front.url


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"},
     {"sec-fetch-site": "same-site"}],
)  # fmt: skip
def test_another_site_s_page_cannot_act_for_a_person(front, headers):
    with front.client("A1") as ann:
        assert ann.post("/api/tasks/1/annotations", json={"result": []}, headers=headers).status_code == 403
    assert front.studio.asked == []


@pytest.mark.parametrize(
    "raw",
    ["/api/%70rojects/3", "//api/projects/3", "/api/projects/3/../4", "/api/projects/3%2f", "/api/projects/3;a",
     "/API/projects/3", "/static/%2e%2e/api/projects/3", "/static/../api/projects/3", "/api/tasks/%31/annotations",
     "/react-app/..%2fapi/projects/3", "http://127.0.0.1/api/projects/3", "/api/projects/3%00", "/clips/..%2f..%2fx"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PROPFIND"])
def test_no_spelling_gets_round_the_table(front, method, raw):
    connection = http.client.HTTPConnection(urlsplit(front.url).netloc, timeout=20)
    connection.request(method, raw, headers={"authorization": "Token " + "b" * 40})
    answer = connection.getresponse()
    assert answer.status in (403, 404, 405)
    answer.read()
    connection.close()
    assert {each.path for each in front.studio.asked} <= {"/api/current-user/whoami"}


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b"[]", 400), (b"1", 400), (b'{"result": NaN}', 400), (b"[" * 100_000, 400),
     (b'{"result": "x"}', 400), (b"x" * (1024 * 1024 + 1), 413)],
)  # fmt: skip
def test_bodies_that_are_no_answer(front, content, status):
    with front.client("A1") as ann:
        answer = ann.post("/api/tasks/1/annotations", content=content)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert front.studio.paths("POST") == []


def test_a_body_without_end_is_cut_off(front):
    def without_end():
        for _ in range(200):
            yield b"x" * 65536

    # The gateway may close the connection while more is still coming.
    with front.client("A1") as ann, suppress(httpx.WriteError, httpx.ReadError):
        assert ann.post("/api/tasks/1/annotations", content=without_end()).status_code == 413
    assert front.studio.paths("POST") == []


def test_faults_of_the_server_tell_nothing_of_its_inside(front):
    front.studio.answers = {
        ("GET", "/api/tasks/5/"): Response('{"detail": "trace", "exc_info": "secret"}', 500),
        ("GET", "/api/tasks/6/"): Response('{"detail": "Not here.", "exc_info": "secret"}', 404),
    }
    with front.client("A1") as ann:
        worse, bad = ann.get("/api/tasks/5"), ann.get("/api/tasks/6")
    assert worse.status_code == 502 and "trace" not in worse.text and "secret" not in worse.text
    assert bad.status_code == 404 and bad.json()["detail"] == "Not here." and "secret" not in bad.text


def test_the_hook_answers_at_once_and_passes_the_word_on(front):
    secret = open_secrets(front.root).hooks
    with front.client() as client:
        answer = client.post("/hooks/answers", json={"project": {"id": 3}}, headers={HEADER: secret})
        other = client.post("/hooks/answers", json={"project": {"id": 77}}, headers={HEADER: secret})
    assert (answer.status_code, other.status_code) == (204, 204)
    deadline = time.monotonic() + 5
    while not front.told and time.monotonic() < deadline:
        time.sleep(0.01)
    assert front.told == [3]


@pytest.mark.parametrize("secret", [None, "", "0" * 64, "\u00e9"])
def test_the_hook_is_the_server_s_alone(front, secret):
    headers = {} if secret is None else {HEADER: secret.encode("latin-1")}
    with front.client("L1") as client:
        assert client.post("/hooks/answers", json={"project": 3}, headers=headers).status_code == 403
    assert front.told == []


@pytest.mark.parametrize("content", [b"", b"{}", b'{"project": null}', b'{"project": {"id": "x"}}', b"[1]"])
def test_a_word_without_a_project(front, content):
    headers = {HEADER: open_secrets(front.root).hooks}
    with front.client() as client:
        assert client.post("/hooks/answers", content=content, headers=headers).status_code == 400


def test_a_slow_or_failing_follower_delays_nobody(tmp_path):
    def follow(number: int) -> None:
        time.sleep(1.5)
        raise RuntimeError("no")

    root = make_workspace(tmp_path)
    with serving(gateway_app(root, "http://127.0.0.1:9", follow)) as url:
        began = time.monotonic()
        answer = httpx.post(
            url + "/hooks/answers", json={"project": 3}, headers={HEADER: open_secrets(root).hooks}
        )
        assert answer.status_code == 204
        assert time.monotonic() - began < 1.0
        assert httpx.get(url + "/gateway/health").text == "well"


def test_a_server_that_is_not_there(tmp_path):
    root = make_workspace(tmp_path)
    with serving(gateway_app(root, "http://127.0.0.1:9")) as url:
        token = {"authorization": "Token " + "b" * 40}
        page = httpx.get(url + "/", headers={**token, **PAGE})
        call = httpx.get(url + "/api/projects/3", headers=token)
        still = httpx.get(url + "/user/login/", headers=PAGE)
    assert page.status_code == call.status_code == still.status_code == 502
    assert "not running" in page.text and "kept" in page.text and "127.0.0.1:9" not in page.text
    assert "kept" in call.json()["detail"]


def test_a_server_that_comes_back_is_found_again(tmp_path):
    root, port = make_workspace(tmp_path), free_port()
    studio = StandIn({("GET", "/api/projects/3/"): {"id": 3}})
    with serving(gateway_app(root, f"http://127.0.0.1:{port}")) as url:
        for running in (True, False, True):
            with serving(studio.app(), port) if running else nullcontext():
                answer = httpx.get(url + "/api/projects/3", headers={"authorization": "Token " + "b" * 40})
                assert answer.status_code == (200 if running else 502)


def test_who_somebody_is_is_asked_once_for_a_page(front):
    front.studio.answers = {("GET", "/api/dm/project"): {"id": 3}}
    with front.client("A2") as ben:
        time.sleep(5.1)
        for _ in range(5):
            assert ben.get("/api/dm/project?project=3").status_code == 200
    assert front.studio.paths("GET").count("/api/current-user/whoami") == 1


def test_the_page_steps_by_single_frames_and_hides_what_is_closed(front):
    front.studio.answers = {
        ("GET", "/projects/3/data"): Response("<html><head></head><body>", media_type="text/html")
    }
    with front.client("A1") as ann:
        answer = ann.get("/projects/3/data?labeling=1&tab=5&task=9", headers=PAGE)
    assert answer.status_code == 200
    assert "videoHopSize" in answer.text
    assert front.studio.asked[-1].query == "labeling=1"
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_token_that_must_be_exchanged_is_exchanged_once(front, monkeypatch):
    monkeypatch.setenv("CLAPPER_REVIEW_TOKEN", "head.body.signature")
    front.studio.answers = {
        ("POST", "/api/token/refresh/"): {"access": "short.lived.token"},
        ("GET", "/api/tasks/5/"): {"id": 5, "project": 3, "annotations": []},
    }
    with front.client("A1") as ann:
        assert [ann.get("/api/tasks/5/annotations").status_code for _ in range(2)] == [200, 200]
    assert front.studio.paths("POST") == ["/api/token/refresh/"]
    assert front.studio.asked[-1].headers["authorization"] == "Bearer short.lived.token"


def test_a_token_that_is_not_taken_is_said_to_be(front, monkeypatch):
    monkeypatch.setenv("CLAPPER_REVIEW_TOKEN", "0" * 40)
    front.studio.answers = {("GET", "/api/tasks/5/"): Response("{}", 401)}
    with front.client("A1") as ann:
        answer = ann.post("/api/tasks/5/annotations", json={"result": []})
    assert answer.status_code == 502
    assert "0" * 40 not in answer.text
    assert front.studio.paths("POST") == []


def test_a_spoilt_file_of_the_workspace_stops_nobody_for_good(front):
    path = front.root / "reviews" / "demo" / "projects.json"
    path.write_text("{")
    try:
        with front.client("A1") as ann:
            answer = ann.get("/", headers=PAGE)
    finally:
        write_projects(front.root, {"review": 3, "adjudication": 4})
    assert answer.status_code == 500 and "kept" in answer.text and "Traceback" not in answer.text
    with front.client("A1") as ann:
        assert ann.get("/", headers=PAGE).status_code == 303
