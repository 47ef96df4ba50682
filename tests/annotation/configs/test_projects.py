"""Projects on a real Label Studio: made once, found again, put right after somebody has changed them by hand."""

from __future__ import annotations

import json

import pytest

from annotation.configs import projects
from annotation.configs.hooks import HEADER, Hooks
from annotation.configs.projects import ensure_projects, read_projects, settings_of, title_of
from annotation.exchange.client import open_client
from annotation.private import Connection
from annotation.store import review_folder, sole_writer
from schemas.errors import ServiceError, WorkspaceError
from schemas.judging import Review

REVIEW = Review()
OTHER_PAGE = """<View><Text name="t" value="$video"/>
<Choices name="c" toName="t"><Choice value="x"/></Choices></View>"""


@pytest.fixture
def client(studio):
    return open_client(studio.connection)


def project(client, number: int) -> dict:
    return client.projects.get(number).model_dump()


@pytest.mark.slow
def test_both_projects_are_made_as_they_should_be_and_only_once(studio, client):
    first = ensure_projects(client, studio.root, "once", REVIEW)
    again = ensure_projects(client, studio.root, "once", REVIEW)
    assert first.repaired == again.repaired == ()
    assert first.numbers == again.numbers == read_projects(studio.root, "once")
    assert list(first.numbers) == ["review", "adjudication"]
    for kind, number in first.numbers.items():
        found = project(client, number)
        wanted = settings_of(studio.root, "once", REVIEW, kind)
        assert {name: found[name] for name in wanted} == wanted
        assert found["maximum_annotations"] == (3 if kind == "review" else 1)
        assert found["title"] == f"once {kind}"
        assert found["show_collab_predictions"] == (kind == "review"), "a lead is proposed nothing"


@pytest.mark.slow
def test_what_somebody_changed_by_hand_is_put_right_and_told(studio, client):
    number = ensure_projects(client, studio.root, "mended", REVIEW).numbers["review"]
    changes = {
        "title": "something else",
        "label_config": OTHER_PAGE,
        "maximum_annotations": 1,
        "skip_queue": "IGNORE_SKIPPED",
        "expert_instruction": "do as you like",
        "sampling": "Uniform sampling",
        "show_collab_predictions": False,
        "enable_empty_annotation": True,
    }
    client.projects.update(number, **changes)
    mended = ensure_projects(client, studio.root, "mended", REVIEW)
    assert mended.numbers["review"] == number
    (told,) = mended.repaired
    for word in ("the title", "the page", "judgements (1, not 3)", "IGNORE_SKIPPED", "the instructions"):
        assert word in told
    wanted, found = settings_of(studio.root, "mended", REVIEW, "review"), project(client, number)
    assert {name: found[name] for name in wanted} == wanted
    assert ensure_projects(client, studio.root, "mended", REVIEW).repaired == ()


@pytest.mark.slow
def test_a_deleted_project_is_made_anew_and_says_so(studio, client):
    before = ensure_projects(client, studio.root, "deleted", REVIEW).numbers
    client.projects.delete(before["review"])
    after = ensure_projects(client, studio.root, "deleted", REVIEW)
    assert "is gone from the server and was made anew" in " ".join(after.repaired)
    assert after.numbers["adjudication"] == before["adjudication"]
    assert read_projects(studio.root, "deleted") == after.numbers
    assert project(client, after.numbers["review"])["title"] == "deleted review"


@pytest.mark.slow
def test_a_project_is_found_without_the_file_and_another_workspaces_is_left_alone(studio, client, tmp_path):
    ours = ensure_projects(client, studio.root, "shared", REVIEW).numbers
    theirs = ensure_projects(client, tmp_path, "shared", REVIEW).numbers
    assert not set(ours.values()) & set(theirs.values())
    (review_folder(studio.root, "shared") / "projects.json").unlink()
    assert ensure_projects(client, studio.root, "shared", REVIEW).numbers == ours
    (review_folder(studio.root, "shared") / "projects.json").write_text(json.dumps(theirs))
    assert ensure_projects(client, studio.root, "shared", REVIEW).numbers == ours


@pytest.mark.slow
def test_many_projects_are_searched_page_by_page(studio, client, monkeypatch):
    ours = ensure_projects(client, studio.root, "first of many", REVIEW).numbers
    ensure_projects(client, studio.root, "one of many", REVIEW)
    for pages_of in (1, 2):
        monkeypatch.setattr(projects, "_PAGE_SIZE", pages_of)
        (review_folder(studio.root, "first of many") / "projects.json").unlink()
        assert ensure_projects(client, studio.root, "first of many", REVIEW).numbers == ours


@pytest.mark.slow
def test_another_form_is_another_project(studio, client):
    clips = ensure_projects(client, studio.root, "turned", REVIEW).numbers
    pairs = ensure_projects(client, studio.root, "turned", Review(form="in-sync"))
    assert list(pairs.numbers) == ["review"]
    assert pairs.numbers["review"] != clips["review"]
    assert not project(client, pairs.numbers["review"])["show_collab_predictions"]


@pytest.mark.slow
def test_the_webhook_is_registered_once_and_put_right(studio, client):
    hooks = Hooks("http://127.0.0.1:9/hooks/answers", "a secret")
    numbers = ensure_projects(client, studio.root, "told", REVIEW, hooks).numbers
    number = numbers["review"]

    def registered() -> list[dict]:
        return [hook.model_dump() for hook in client.webhooks.list(project=str(number))]

    (hook,) = registered()
    assert hook["headers"] == {HEADER: "a secret"} and hook["send_payload"] and hook["is_active"]
    assert sorted(hook["actions"]) == ["ANNOTATION_CREATED", "ANNOTATION_UPDATED"]
    client.webhooks.update(hook["id"], is_active=False, url="http://127.0.0.1:9/elsewhere", actions=[])
    client.webhooks.create(project=number, url="http://127.0.0.1:9/hooks/answers", headers={})
    client.webhooks.create(project=number, url="http://127.0.0.1:9/of/somebody", headers={"X-Own": "1"})
    told = " ".join(ensure_projects(client, studio.root, "told", REVIEW, hooks).repaired)
    assert "1 further webhook" in told and "url" in told and "a secret" not in told
    urls = sorted(each["url"] for each in registered())
    assert urls == ["http://127.0.0.1:9/hooks/answers", "http://127.0.0.1:9/of/somebody"]
    assert ensure_projects(client, studio.root, "told", REVIEW, hooks).repaired == ()
    moved = Hooks("http://127.0.0.1:10/hooks/answers", "another secret")
    assert "url" in " ".join(ensure_projects(client, studio.root, "told", REVIEW, moved).repaired)
    assert moved.url in [each["url"] for each in registered()]


@pytest.mark.slow
def test_the_proposal_of_the_part_to_keep_is_shown_again(studio, client):
    number = ensure_projects(client, studio.root, "proposed", REVIEW).numbers["review"]
    task = {
        "data": {"video": "x", "title": "8.0 s"},
        "predictions": [{"model_version": "trim", "result": []}],
    }
    other = {"data": {"video": "y", "title": "8.0 s"}, "predictions": [{"model_version": "v2", "result": []}]}
    client.projects.import_tasks(number, request=[task, other])
    client.projects.update(number, model_version="v2")
    assert "'v2'" in " ".join(ensure_projects(client, studio.root, "proposed", REVIEW).repaired)
    assert project(client, number)["model_version"] == "trim"
    assert ensure_projects(client, studio.root, "proposed", REVIEW).repaired == ()


def test_without_a_server_nothing_is_written(tmp_path):
    client = open_client(Connection("http://127.0.0.1:9", "0" * 40), timeout=2)
    with pytest.raises(ServiceError, match="cannot be reached"):
        ensure_projects(client, tmp_path, "down", REVIEW)
    assert read_projects(tmp_path, "down") == {}


def test_two_at_once_do_not_make_two(tmp_path, monkeypatch):
    monkeypatch.setattr("annotation.configs.projects.WAIT_S", 0.0)
    client = open_client(Connection("http://127.0.0.1:9", "0" * 40), timeout=2)
    with sole_writer(tmp_path, "busy"), pytest.raises(WorkspaceError, match="another process"):
        ensure_projects(client, tmp_path, "busy", REVIEW)


@pytest.mark.parametrize("content", ["", "[1]", '{"review": "three"}', "\x00"])
def test_a_spoilt_file_is_told(tmp_path, content):
    path = review_folder(tmp_path, "spoilt") / "projects.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(WorkspaceError, match=r"projects\.json"):
        read_projects(tmp_path, "spoilt")


@pytest.mark.parametrize("name", ["a", "realsync", "x" * 36, "x" * 37, "x" * 38, "x" * 200])
@pytest.mark.parametrize("kind", ["review", "adjudication"])
def test_titles_have_a_length_that_the_server_takes(name, kind):
    assert 3 <= len(title_of(name, kind)) <= 50
    assert title_of(name, kind).endswith(kind)
    assert title_of(name + "y", kind) != title_of(name, kind)
