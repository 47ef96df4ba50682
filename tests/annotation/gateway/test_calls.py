"""The table of allowed calls: what is in it is found, and no other spelling comes to mean the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.gateway.calls import CALLS, FILES, find_call

ALLOWED = [
    ("GET", "/", {}),
    ("GET", "/projects/7/data", {"labeling": "1"}),
    ("POST", "/api/dm/actions", {"id": "next_task"}),
    ("GET", "/api/tasks/12", {}),
    ("GET", "/api/tasks/12/", {}),
    ("POST", "/api/tasks/12/annotations", {}),
    ("PATCH", "/api/annotations/3/", {}),
    ("DELETE", "/api/drafts/3", {}),
    ("PATCH", "/api/current-user/hotkeys/", {}),
]

FORBIDDEN = [
    ("DELETE", "/api/projects/7"), ("PATCH", "/api/projects/7"), ("POST", "/api/projects"),
    ("GET", "/api/projects/7/export"), ("POST", "/api/projects/7/exports"), ("POST", "/api/projects/7/import"),
    ("GET", "/api/projects/7/tasks/"), ("DELETE", "/api/projects/7/tasks/"), ("PUT", "/api/annotations/3"),
    ("DELETE", "/api/tasks/12"), ("PATCH", "/api/tasks/12"), ("POST", "/api/tasks"), ("GET", "/api/predictions/"),
    ("POST", "/api/predictions/"), ("GET", "/api/users/3"), ("PATCH", "/api/users/3"), ("POST", "/api/users"),
    ("DELETE", "/api/users/3"), ("GET", "/api/invite"), ("POST", "/api/invite/reset-token"),
    ("GET", "/api/current-user/token"), ("POST", "/api/current-user/reset-token"), ("GET", "/api/token/"),
    ("POST", "/api/token/"), ("POST", "/api/token/refresh"), ("POST", "/api/jwt/settings"), ("GET", "/api/webhooks"),
    ("POST", "/api/webhooks"), ("GET", "/api/storages"), ("POST", "/api/storages/localfiles"),
    ("GET", "/api/organizations"), ("GET", "/api/organizations/1/memberships"), ("POST", "/api/ml"),
    ("POST", "/api/dm/views"), ("DELETE", "/api/dm/views/reset/"), ("DELETE", "/api/dm/views/1"),
    ("GET", "/data/local-files/"), ("GET", "/data/upload/1/x.mp4"), ("GET", "/admin/"), ("GET", "/metrics/"),
    ("GET", "/django-rq/"), ("GET", "/docs/api/schema/json/"), ("GET", "/user/account"), ("GET", "/user/signup/"),
    ("GET", "/projects/7/settings"), ("GET", "/people/"), ("GET", "/organization/"), ("GET", "/feature-flags/"),
    ("HEAD", "/api/tasks/12"), ("OPTIONS", "/api/tasks/12"), ("TRACE", "/"), ("GET", "/trigger500/"),
    ("GET", "/tasks/12/resolve/"), ("GET", "/api/fsm/entities/task/12/history"), ("GET", "/api/auth/export/"),
]  # fmt: skip

TRICKS = [
    "//api/tasks/12", "/api//tasks/12", "/api/tasks/12//", "/api/./tasks/12", "/api/x/../tasks/12",
    "/api/%74asks/12", "/api%2ftasks/12", "/api/tasks%2f12", "/api/tasks/12%00", "/api/tasks/12;x=1",
    "/api/tasks;/12", "/API/tasks/12", "/api/Tasks/12", "/api/tasks/-1", "/api/tasks/+1", "/api/tasks/1e3",
    "/api/tasks/0x1", "/api/tasks/\u0661", "/api/tasks/1234567890", "/api/tasks/12/..", "/api/tasks/12/../../x",
    "/api/tasks/12/%2e%2e/", "/api/tasks/12?x", "/api/tasks/12#x", "/api/tasks/12 ", "/api/tasks/12\n",
    "\\api\\tasks\\12", "/api\\tasks\\12", "http://other/api/tasks/12", "/api/tasks/12.json", "api/tasks/12", "", "*",
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "query"), ALLOWED)
def test_what_labelling_needs_is_allowed(method, path, query):
    assert find_call(method, path, query) is not None


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
def test_everything_else_is_not(method, path):
    for spelling in (path, path.rstrip("/"), path.rstrip("/") + "/"):
        assert find_call(method, spelling, {}) is None
        assert not FILES.fullmatch(spelling)


@pytest.mark.parametrize("path", TRICKS)
def test_no_other_spelling_of_a_path_is_taken(path):
    assert find_call("GET", path, {}) is None
    assert not FILES.fullmatch(path)


@pytest.mark.parametrize("query", [{}, {"id": "delete_tasks"}, {"id": "NEXT_TASK"}, {"id": "next_task "}])
def test_of_the_actions_only_the_next_clip_is_allowed(query):
    assert find_call("POST", "/api/dm/actions", query) is None


@pytest.mark.parametrize(
    "path",
    ["/static/../api/projects/1", "/static//api", "/static/%2e%2e/api", "/static/..", "/dm/../api/users", "/static/",
     "/staticx/a.js", "/static/a b.js", "/static/a.js;/../x", "/static/.env", "/sw.js/x", "/favicon.ico?"],
)  # fmt: skip
def test_files_of_the_pages_are_named_plainly(path):
    assert not FILES.fullmatch(path)


def test_files_of_the_pages_are_open():
    for path in ("/static/css/main.9be72.css", "/react-app/main.js", "/favicon.ico", "/sw.js"):
        assert FILES.fullmatch(path)


@given(st.sampled_from([call for call in CALLS if "{" in call.path]), st.integers(0, 999_999_999))
def test_numbers_in_a_path_are_read_as_they_stand(call, number):
    path = re.sub(r"\{\w+\}", str(number), call.path)
    found = find_call(call.method, path, dict([call.only] if call.only else []))
    assert found is not None
    assert set(found[1].values()) == {number}


STRANGE = st.sampled_from([".", "..", "%2f", "%2e", ";", "\\", "\t", "%", "//", " ", "?", "%00", "~", "A"])


@given(st.sampled_from(CALLS), st.integers(0, 60), STRANGE)
def test_a_path_with_something_strange_put_in_is_refused(call, place, strange):
    path = re.sub(r"\{\w+\}", "5", call.path)
    spoilt = path[: place % (len(path) + 1)] + strange + path[place % (len(path) + 1) :]
    assert find_call(call.method, spoilt, dict([call.only] if call.only else [])) is None


@given(st.text(max_size=60))
def test_only_paths_of_the_table_are_found(path):
    found = find_call("GET", path, {})
    assert found is None or re.fullmatch(r"[a-z0-9/_-]+", path)
