"""What an annotator can do on a real Label Studio, through the gateway: her part, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.annotation.gateway.reviewing import Review, answer, reviewing
from tests.annotation.gateway.serving import CLIP_BYTES
from tests.annotation.studio import Studio

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def review(studio: Studio) -> Iterator[Review]:
    """Seven clips; A2 has answered the first, and begun the second."""
    with reviewing(studio, clips=7) as running:
        with running.caller("A2") as ben:
            kept = ben.post(f"/api/tasks/{running.tasks[0]}/annotations", json=answer("yes"))
            begun = ben.post(f"/api/tasks/{running.tasks[1]}/drafts", json=answer("no"))
            assert (kept.status_code, begun.status_code) == (201, 201)
        yield running


@pytest.fixture(params=["token", "session"])
def annotator(request: pytest.FixtureRequest, review: Review) -> Iterator[httpx.Client]:
    with review.caller("A1") if request.param == "token" else review.browser("A1") as client:
        yield client


VOLATILE = {"last_activity", "created_ago", "queue_total", "queue_done"}


def state(review: Review) -> str:
    """Everything on the server that somebody could have changed, as the administrator reads it."""
    with review.admin as admin:
        addresses = ["/api/projects/", "/api/users/", "/api/webhooks/", "/api/jwt/settings", "/api/invite",
                     "/api/dm/views/", "/api/organizations/1/memberships"]  # fmt: skip
        addresses += [f"/api/storages/?project={project}" for project in review.projects.values()]
        addresses += [f"/api/ml/?project={project}" for project in review.projects.values()]
        addresses += [f"/api/tasks/{task}/" for task in review.tasks]
        addresses += [f"/api/tasks/{task}/drafts" for task in review.tasks]
        return json.dumps(
            [steady(admin.get(each).raise_for_status().json()) for each in addresses], sort_keys=True
        )


def steady(value):
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in VOLATILE}
    return [steady(each) for each in value] if isinstance(value, list) else value


def attempts(review: Review) -> list[tuple[str, str, object]]:
    """Calls with which somebody could look at others, change what is theirs, or take the server over."""
    project, task = review.projects["review"], review.tasks[0]
    with review.admin as admin:
        other = admin.get(f"/api/tasks/{task}/").json()["annotations"][0]["id"]
        draft = admin.get(f"/api/tasks/{review.tasks[1]}/drafts").json()[0]["id"]
    user = review.studio.person("A2").user
    all_of_them = {"selectedItems": {"all": True, "excluded": []}}
    hook = {"url": "http://127.0.0.1:9/", "project": project}
    return [
        ("GET", f"/api/annotations/{other}/", None), ("PATCH", f"/api/annotations/{other}/", answer("no")),
        ("PUT", f"/api/annotations/{other}/", answer("no")), ("DELETE", f"/api/annotations/{other}/", None),
        ("POST", f"/api/annotations/{other}/convert-to-draft", {}), ("PATCH", f"/api/drafts/{draft}/", answer("yes")),
        ("DELETE", f"/api/drafts/{draft}/", None), ("GET", f"/api/drafts/{draft}/", None),
        ("POST", f"/api/tasks/{task}/annotations/{other}/drafts", answer("no")),
        ("PATCH", f"/api/tasks/{task}/", {"data": {}}), ("DELETE", f"/api/tasks/{task}/", None),
        ("POST", "/api/tasks/", {"project": project, "data": {}}), ("GET", "/api/predictions/", None),
        ("POST", "/api/predictions/", {"task": task, "result": []}), ("GET", f"/api/projects/{project}/tasks/", None),
        ("PATCH", f"/api/projects/{project}/", {"title": "mine"}), ("DELETE", f"/api/projects/{project}/", None),
        ("POST", "/api/projects/", {"title": "mine"}), ("POST", f"/api/projects/{project}/import", [{"data": {}}]),
        ("GET", f"/api/projects/{project}/export?exportType=JSON", None),
        ("POST", f"/api/projects/{project}/exports/", {}), ("GET", f"/api/projects/{project}/summary/", None),
        ("DELETE", f"/api/projects/{project}/tasks/", None), ("GET", f"/api/projects/{project}/annotators/", None),
        ("POST", f"/api/dm/actions?id=delete_tasks&project={project}", all_of_them),
        ("POST", f"/api/dm/actions/?id=delete_tasks_annotations&project={project}", all_of_them),
        ("POST", "/api/dm/views/", {"project": project}), ("DELETE", "/api/dm/views/reset/", {"project": project}),
        ("GET", f"/api/users/{user}/", None), ("PATCH", f"/api/users/{user}/", {"first_name": "mine"}),
        ("DELETE", f"/api/users/{user}/", None), ("POST", "/api/users/", {"email": "new@example.com"}),
        ("GET", "/api/invite", None), ("POST", "/api/invite/reset-token", {}),
        ("GET", "/api/current-user/token", None), ("POST", "/api/current-user/reset-token", {}),
        ("GET", "/api/token/", None), ("POST", "/api/token/", {}), ("POST", "/api/token/refresh/", {}),
        ("POST", "/api/jwt/settings", {"api_tokens_enabled": False}), ("GET", "/api/webhooks/", None),
        ("POST", "/api/webhooks/", hook), ("GET", "/api/storages/", None), ("GET", "/api/storages/localfiles/", None),
        ("POST", "/api/storages/localfiles/", {"project": project, "path": "/"}), ("POST", "/api/ml/", hook),
        ("GET", "/api/organizations/", None), ("GET", "/api/organizations/1/memberships", None),
        ("DELETE", f"/api/organizations/1/memberships/{user}/", None), ("GET", "/user/signup/", None),
        ("GET", "/user/account/", None), ("GET", f"/projects/{project}/settings/", None), ("GET", "/people/", None),
        ("GET", "/admin/", None), ("GET", "/django-rq/", None), ("GET", "/data/local-files/?d=x", None),
        ("GET", f"/api/projects/{review.projects['adjudication']}/", None), ("GET", "/metrics/", None),
        ("GET", f"/api/tasks/{review.tasks[-1]}/", None), ("GET", f"/tasks/{task}/resolve/?fileuri=eA==", None),
        ("POST", f"/api/tasks/{review.tasks[-1]}/annotations/", answer("yes")),
        ("GET", "/docs/api/schema/json/", None),
    ]  # fmt: skip


def test_everything_but_labelling_is_refused_and_changes_nothing(review: Review, annotator: httpx.Client):
    before, calls = state(review), attempts(review)
    for method, path, body in calls:
        refused = annotator.request(method, path, json=body)
        assert refused.status_code == 403, (method, path, refused.status_code)
        assert refused.json()["detail"], (method, path)
    assert len(calls) > 50
    assert state(review) == before


def test_the_server_itself_would_have_let_her(review: Review):
    """What the refusals are worth: without the gateway the same annotator reads, and could change, all of it."""
    with httpx.Client(base_url=review.studio.url, headers=review.studio.headers("A1")) as direct:
        seen = direct.get(f"/api/tasks/{review.tasks[0]}/").json()
    assert seen["annotations"] and "machine-says-no" in json.dumps(seen)


def test_what_she_sees_tells_nothing_of_others(review: Review, annotator: httpx.Client):
    project, ben = review.projects["review"], review.studio.person("A2")
    addresses = [
        "/api/projects", f"/api/projects/{project}", f"/api/dm/project?project={project}", "/api/current-user/whoami",
        f"/api/dm/columns?project={project}", f"/api/dm/views?project={project}", f"/api/users?project={project}",
        f"/api/tasks?project={project}&page=1&page_size=30", f"/api/projects/{project}/label-stream-history",
        f"/api/projects/{project}/next", f"/api/tasks/{review.tasks[0]}", f"/api/tasks/{review.tasks[1]}",
        f"/api/tasks/{review.tasks[0]}/annotations", f"/api/tasks/{review.tasks[1]}/drafts",
        "/api/label_links", "/api/ml", "/api/version", "/api/jwt/settings", "/api/current-user/hotkeys",
    ]  # fmt: skip
    for address in addresses:
        seen = annotator.get(address)
        assert seen.status_code == 200, (address, seen.text)
        for hidden in (
            ben.email,
            "machine-says-no",
            review.studio.admin.email,
            '"completed_by":' + str(ben.user),
        ):
            assert hidden not in seen.text, (address, hidden)
    task = annotator.get(f"/api/tasks/{review.tasks[0]}").json()
    assert task["annotations"] == task["drafts"] == []
    assert [each["model_version"] for each in task["predictions"]] == ["trim"]


def test_a_clip_plays_from_its_signed_address(review: Review, annotator: httpx.Client):
    task = annotator.get(f"/api/projects/{review.projects['review']}/next").json()
    part = annotator.get(task["data"]["video"], headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, CLIP_BYTES[10:20])


def test_an_answer_is_hers_whatever_she_says(review: Review):
    task, own = review.tasks[2], review.studio.person("A1").user
    body = answer("yes", completed_by=review.studio.person("A3").user, ground_truth=True, parent_annotation=1)
    with review.caller("A1") as ann, review.admin as admin:
        given = ann.post(f"/api/tasks/{task}/annotations", json=body)
        again = ann.post(f"/api/tasks/{task}/annotations", json=answer("no"))
        skip = ann.post(f"/api/tasks/{task}/annotations", json=answer("no", was_cancelled=True))
        assert (given.status_code, again.status_code, skip.status_code) == (201, 409, 409)
        number = given.json()["id"]
        changed = ann.patch(
            f"/api/annotations/{number}", json=answer("no", completed_by=3, ground_truth=True)
        )
        assert changed.status_code == 200
        assert ann.delete(f"/api/annotations/{number}").status_code == 403
        (stored,) = admin.get(f"/api/tasks/{task}/").json()["annotations"]
    author = stored["completed_by"]
    assert (author["id"] if isinstance(author, dict) else author) == own
    assert stored["ground_truth"] is False and stored["parent_annotation"] is None
    assert stored["result"][1]["value"] == {"choices": ["no"]}


def test_a_fourth_answer_is_kept(review: Review):
    task = review.tasks[3]
    for pseudonym in ("A1", "A2", "A3", "A4"):
        with review.caller(pseudonym) as client:
            assert client.post(f"/api/tasks/{task}/annotations", json=answer("yes")).status_code == 201
    with review.admin as admin:
        assert len(admin.get(f"/api/tasks/{task}/").json()["annotations"]) == 4


def test_a_skip_can_be_taken_back_and_answered(review: Review):
    task = review.tasks[4]
    with review.caller("A1") as ann:
        skipped = ann.post(f"/api/tasks/{task}/annotations", json=answer("yes", was_cancelled=True))
        assert skipped.status_code == 201
        draft = ann.post(f"/api/tasks/{task}/drafts", json=answer("yes")).json()["id"]
        assert ann.patch(f"/api/drafts/{draft}", json=answer("no")).status_code == 200
        assert ann.delete(f"/api/annotations/{skipped.json()['id']}").status_code == 204
        assert [each["id"] for each in ann.get(f"/api/tasks/{task}").json()["drafts"]] == [draft]
        given = ann.post(f"/api/tasks/{task}/annotations", json=answer("yes", draft_id=draft))
        assert given.status_code == 201
        assert ann.get(f"/api/tasks/{task}/drafts").json() == []


def test_a_click_that_is_sent_ten_times_is_one_answer(review: Review):
    task = review.tasks[5]

    def click(_: int) -> int:
        with review.caller("A1") as ann:
            return ann.post(f"/api/tasks/{task}/annotations", json=answer("yes")).status_code

    with ThreadPoolExecutor(10) as clicks:
        assert sorted(clicks.map(click, range(10))) == [201] + [409] * 9
    with review.admin as admin:
        assert len(admin.get(f"/api/tasks/{task}/").json()["annotations"]) == 1


def test_a_lead_looks_at_all_and_decides_disputes(review: Review):
    project, dispute = review.projects["review"], review.tasks[-1]
    with review.browser("L1") as lead:
        listed = lead.get(f"/api/tasks?project={project}&page=1&page_size=30").json()
        assert listed["total"] == 7
        assert (
            listed["tasks"][0]["data"]["video"].startswith("/clips/")
            and "until=" in listed["tasks"][0]["data"]["video"]
        )
        assert lead.get(f"/api/tasks/{review.tasks[0]}").json()["annotations"]
        assert lead.get(f"/api/projects/{project}/next").status_code == 403
        assert lead.post(f"/api/tasks/{review.tasks[0]}/annotations", json=answer("yes")).status_code == 403
        before = state(review)
        for method, path, body in attempts(review):
            # What a lead may read beyond an annotator: both projects and their clips.
            if method != "GET" and f"/api/tasks/{dispute}/" not in path:
                assert lead.request(method, path, json=body).status_code == 403, (method, path)
        assert state(review) == before
        assert lead.post(f"/api/tasks/{dispute}/annotations", json=answer("yes")).status_code == 201


def test_keys_are_each_person_s_own(review: Review):
    keys = {"video:media:playpause": {"key": "p", "active": True}}
    with review.caller("A1") as ann, review.caller("A2") as ben:
        assert ann.patch("/api/current-user/hotkeys/", json={"custom_hotkeys": keys}).status_code == 200
        assert ann.get("/api/current-user/hotkeys").json() == {"custom_hotkeys": keys}
        assert ben.get("/api/current-user/hotkeys").json() == {"custom_hotkeys": {}}


def test_log_out(review: Review):
    with review.browser("A3") as client:
        assert client.get("/api/current-user/whoami").status_code == 200
        assert client.get("/logout").status_code == 302
        assert client.get("/api/current-user/whoami").status_code == 401
