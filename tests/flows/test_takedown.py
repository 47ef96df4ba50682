"""`clapper takedown`: a video leaves the workspace and every later version; nothing else is lost or done again."""

from __future__ import annotations

import io
import json
import shutil
import stat
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

import flows.takedown as module
from annotation.private import Connection, open_secrets
from annotation.store import (
    add_answers,
    item_key,
    read_answers,
    read_decided,
    read_items,
    write_decided,
    write_items,
)
from flows.cli import app
from flows.keeping_display import plan_json, show_done
from flows.takedown import Plan, carry_out, plan_takedown
from schemas.errors import SourceError, WorkspaceError
from schemas.judgement import schema_digest
from schemas.recipe import Recipe
from schemas.review import ANSWERS, DECIDED, ITEMS
from schemas.tables import CATALOG, CLIPS, DUPLICATES, OFFSCREEN, OUTCOMES, SOURCES
from tasks.offscreen.answers import StoredAnswer, answer_key
from tasks.offscreen.money.accounts import Budgets, open_accounts
from tasks.offscreen.prompts import read_prompt
from tasks.offscreen.reply import Reply, Usage
from tasks.releases.folder import releases
from tasks.workspace.catalog import add_to_catalog, read_catalog
from tasks.workspace.layout import exclusive
from tasks.workspace.ledger import left_out_at_discovery
from tasks.workspace.outputs import Entry, write_output
from tasks.workspace.tombstones import read_tombstones, reasons, tombstones
from tests.flows.fixtures import SMALL, Command
from tests.releases.making import row
from tests.releases.versions import write_version
from tests.workspace.test_erase import traces

DAY = date(2030, 1, 2)
A, B, C = "claptube-a", "claptube-b", "claptube-c"
SECRET = "A very secret title"


def sha(text: str) -> str:
    return text.encode().hex().ljust(64, "0")[:64]


def table(root: Path, stage: str, schema: pa.Schema, items: dict[str, list[dict] | dict]) -> None:
    """A stage's table: of each item its rows, or an outcome that is not `done`."""
    entries = []
    for item, made in items.items():
        known = {"item_id": item, "video_id": _video(item), "key": f"key of {item}", "tries": 1}
        outcome = {"outcome": "done"} if isinstance(made, list) else made
        whole = dict.fromkeys(OUTCOMES.names) | known | {"tried_at": "2030-01-01T00:00:00+00:00"} | outcome
        rows = made if isinstance(made, list) else []
        entries.append(Entry(whole, [dict.fromkeys(schema.names) | each for each in rows]))
    write_output(root / "stages" / stage / "00000" / "0000.0", schema, entries)


def _video(item: str) -> str:
    return item if item in (A, B, C) else item.rsplit("_", 2)[0]


@pytest.fixture
def workspace(whole: Path, tmp_path: Path) -> Path:
    """A copy of the workspace, which a test may change."""
    return shutil.copytree(whole, tmp_path / "workspace")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos with a clip each, of which a and c are one file; everything that is kept of videos is there."""
    root = tmp_path_factory.mktemp("whole") / "workspace"
    listed = [
        dict.fromkeys(CATALOG.names)
        | {
            "video_id": video,
            "kind": "ytdlp",
            "location": f"http://site/{video}",
            "channel": "tv",
            "title": title,
        }
        for video, title in ((A, SECRET), (B, "Another"), (C, f"{SECRET} again"))
    ]
    add_to_catalog(root, listed, shard_ms=10_000_000)
    clips = {video: f"{video}_0_5000" for video in (A, B, C)}
    for video, clip in clips.items():
        for file in (f"raw/{video}.mp4", f"raw/{video}.info.json", f"clips/{video}/{clip}-00000000.mp4",
                     f"previews/{video}/{clip}-0.jpg"):  # fmt: skip
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(SECRET if video != B else "b")
    sources = {
        video: [{"video_id": video, "sha256": sha("x" if video == C else video)}] for video in (A, B, C)
    }
    sources[C][0]["sha256"] = sha(A)
    table(root, "download", SOURCES, sources)
    table(root, "normalize", CLIPS, {
        video: [{"clip_id": clip, "video_id": video, "sha256": sha(clip)}] for video, clip in clips.items()
    })  # fmt: skip
    table(root, "offscreen", OFFSCREEN, {
        clips[A]: [{"clip_id": clips[A], "video_id": A, "answer_key": "key a", "evidence": SECRET}],
        clips[B]: [{"clip_id": clips[B], "video_id": B, "answer_key": "key b", "evidence": "the judge saw it"}],
        clips[C]: {"outcome": "dropped", "reason": "off_screen", "detail": SECRET},
    })  # fmt: skip
    _answers(root, clips[C])
    _review(root, clips)
    (root / "listings" / "x.json").parent.mkdir()
    entries = [{"video_id": each["video_id"], "title": each["title"]} for each in listed]
    (root / "listings" / "x.json").write_text(json.dumps({"entries": entries}))
    alike = dict.fromkeys(DUPLICATES.names) | {"clip_id": clips[B], "duplicate_of": clips[A], "kind": "both"}
    (root / "duplicates").mkdir()
    pq.write_table(pa.Table.from_pylist([alike], schema=DUPLICATES), root / "duplicates" / "x.parquet")
    write_version(root, "1.0.0", [row(root.parent, A), row(root.parent, B)])
    write_version(root, "1.1.0", [row(root.parent, A), row(root.parent, B), row(root.parent, C)])
    return root


def _answers(root: Path, dropped: str) -> None:
    """A model's answers: about a and b under keys that records name, and about c, which was left out for it."""
    section = Recipe.model_validate(
        {"name": "toy", "title": "T", "offscreen": {"temperature": 0.5}}
    ).offscreen
    write_version(root, "1.0.0", [row(root.parent, A)], dataset="judged")
    recipe = {"name": "judged", "title": "T", "offscreen": section.model_dump(mode="json")}
    (root / "releases" / "judged" / "1.0.0" / "recipe.yaml").write_text(json.dumps(recipe))
    key = answer_key(sha(dropped), section, read_prompt("v1"), schema_digest(), "gemini-3")
    for each, text in (("key a", SECRET), ("key b", "the judge saw it"), (key, SECRET)):
        booked = (accounts := open_accounts(root)).reserve("run", "gemini-3", each, 0, Budgets(0, 0))
        reply = Reply(text, "stop", None, Usage(1, 1, 1), "gemini-3-001")
        accounts.settle(booked, 0, StoredAnswer(reply, "gemini-3", "v1", "2029-12-31", "run"))


def _review(root: Path, clips: dict[str, str]) -> None:
    """Items of all three, one on the server; and a gold item of b that has the sound of a."""
    secret = open_secrets(root).items
    rows = [
        dict.fromkeys(ITEMS.names)
        | {
            "item_key": f"key-{video}",
            "project": "review",
            "kind": "clip",
            "clip_id": clip,
            "video_id": video,
        }
        | {"clip_sha256": sha(clip), "path": f"clips/{video}/{clip}-00000000.mp4", "duration_ms": 5000}
        | {"machine": {"source": SECRET if video != B else "b"}, "expected": {}, "shown": {}}
        for video, clip in clips.items()
    ]
    key = item_key(secret, "toy", "review", "gold_swapped", sha(clips[B]), sha(clips[A]))
    swapped = rows[1] | {"item_key": key, "kind": "gold_swapped", "path": f"reviews/toy/media/{key}.mp4"}
    rows[0] |= {"task": 17}
    write_items(root, "toy", [*rows, swapped])
    (root / swapped["path"]).parent.mkdir(parents=True)
    (root / swapped["path"]).write_text(SECRET)
    nothing = dict.fromkeys(ANSWERS.names) | {"annotator": "A1", "version": 1, "answers": {}, "raw": "{}"}
    add_answers(root, "toy", [
        nothing | {"item_key": each["item_key"], "comment": "b" if each is rows[1] else SECRET}
        for each in (*rows, swapped)
    ])  # fmt: skip
    decided = dict.fromkeys(DECIDED.names) | {"outcome": "accepted", "findings": [], "votes": []}
    write_decided(root, "toy", [decided | {"clip_id": clip} for clip in clips.values()])
    (root / "reviews" / "toy" / "missing.json").write_text(
        json.dumps([[f"key-{A}", "A1"], [f"key-{B}", "A1"]])
    )
    (root / "reviews" / "toy" / "report.html").write_text(SECRET)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A review server that deletes tasks; what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    connection = Connection(f"http://127.0.0.1:{running.server_port}", "a" * 40)
    monkeypatch.setattr("flows.takedown_review.connection_of", lambda root: connection)
    yield asked
    running.shutdown()
    running.server_close()


def left_of(root: Path, *texts: str) -> set[str]:
    """Files that still say something of these, but for the ledger's rows and published versions."""
    found = {name for text in texts for name in traces(root, text)}
    return {name for name in found if not name.startswith("catalog/left-out-")}


def test_the_plan_names_copies_and_versions_and_changes_nothing(workspace: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("*")}
    plan = plan_takedown(workspace, [f"{A}_0_5000"])
    assert list(plan.videos) == [A, C] and plan.same_file == [C] and plan.alike == {B: "both"}
    assert [(each.dataset, each.version, each.video_id) for each in plan.published] == [
        ("judged", "1.0.0", A),
        ("toy", "1.0.0", A),
        ("toy", "1.1.0", A),
        ("toy", "1.1.0", C),
    ]
    assert plan.next_versions == {"toy": "2.0.0"} and plan.emptied == {"judged": "1.0.0"}
    assert list(plan_takedown(workspace, [A], with_copies=True).videos) == [A, B, C]
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("*")} == before


def test_nothing_of_it_is_left_and_all_else_is(workspace: Path, server: list[str]) -> None:
    published = {path: path.read_bytes() for path in (workspace / "releases").rglob("*") if path.is_file()}
    kept = read_items(workspace, "toy")[1]
    done = carry_out(plan_takedown(workspace, [A]), "somebody asked", DAY)
    assert list(done.new) == [A, C] and not done.left
    assert left_of(workspace, A, C, SECRET) == set()
    assert server == ["/api/tasks/17/"]
    assert [answer.reply.text for answer in open_accounts(workspace).answers().values()] == [
        "the judge saw it"
    ]
    assert sum(line.requests for line in open_accounts(workspace).totals()) == 3, "what it cost stays booked"
    assert [row["video_id"] for row in read_catalog(workspace)] == [B]
    assert read_items(workspace, "toy") == [kept]
    assert [answer["comment"] for answer in read_answers(workspace, "toy")] == ["b"]
    assert [row["clip_id"] for row in read_decided(workspace, "toy")] == [f"{B}_0_5000"]
    for file in (f"raw/{B}.mp4", f"clips/{B}/{B}_0_5000-00000000.mp4", "listings/x.json"):
        assert (workspace / file).exists()
    assert {
        path: path.read_bytes() for path in (workspace / "releases").rglob("*") if path.is_file()
    } == published
    gone = [(row["item_id"], row["reason"], row["detail"]) for row in left_out_at_discovery(workspace)]
    assert gone == [(video, "taken_down", "on 2030-01-02") for video in (A, C)]
    assert [row["video_id"] for row in read_tombstones(workspace).to_pylist()] == [A, C]
    assert tombstones(workspace).erased == {A, C} and reasons(workspace)[A] == "somebody asked"
    assert tombstones(workspace).covers("somewhere-else", sha(A))


def told(plan: Plan) -> str:
    """What is printed when a takedown has been carried out."""
    out = Console(file=io.StringIO(), width=400)
    show_done(out, plan, [])
    return out.file.getvalue()


def test_a_version_is_promised_only_if_clips_stay_and_pushed_copies_are_named(
    workspace: Path, server: list[str]
) -> None:
    some = told(plan_takedown(workspace, [A]))
    assert "run toy` publishes 2.0.0, without them" in some and "run judged`" not in some
    assert "Nothing is left to publish of what judged 1.0.0 holds" in some and "what toy" not in some
    assert "delete by hand what was pushed of it (its tag and files on a hub, its prefix in a store)" in some
    assert str(workspace / "releases" / "judged" / "1.0.0") in some
    carry_out(plan_takedown(workspace, [A]), "x", DAY)
    last = plan_takedown(workspace, [B])
    assert last.next_versions == {} and last.emptied == {"toy": "1.1.0"}, "the others were taken down before"
    assert "publishes" not in told(last) and "what toy 1.1.0 holds" in told(last)
    assert plan_json(last)["emptied"] == {"toy": "1.1.0"}


STEPS = (
    "erase_reviews",
    "forget_answers",
    "forget_standings",
    "forget",
    "erase",
    "record_left_out",
    "note_erased",
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_anywhere_it_is_finished_by_doing_it_again(
    step: str, when: str, workspace: Path, server: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(module, step)

    def killed(*arguments, **named):
        if when == "after":
            real(*arguments, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, step, killed)
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan_takedown(workspace, [A]), "first", DAY)
    monkeypatch.setattr(module, step, real)
    assert {A, C} <= set(tombstones(workspace).dates), "from the first step on nothing takes it again"
    assert [row["video_id"] for row in read_catalog(workspace)] == [B]
    done = carry_out(plan_takedown(workspace, [A, C]), "second", date(2030, 2, 2))
    assert not done.new and not done.left
    assert left_of(workspace, A, C, SECRET) == set()
    assert [row["taken_down_on"] for row in read_tombstones(workspace).to_pylist()] == ["2030-01-02"] * 2
    assert [answer.reply.text for answer in open_accounts(workspace).answers().values()] == [
        "the judge saw it"
    ]


def test_without_the_review_server_its_tasks_are_told_and_a_repeat_finishes(
    workspace: Path, request: pytest.FixtureRequest
) -> None:
    done = carry_out(plan_takedown(workspace, [A]), "x", DAY)
    assert len(done.left) == 1 and "1 task on the review server" in done.left[0]
    assert not tombstones(workspace).erased
    held = [item for item in read_items(workspace, "toy") if item["video_id"] == A]
    assert [(item["task"], item["machine"], item["shown"]) for item in held] == [(17, {}, {})]
    assert left_of(workspace, SECRET) == set()
    server = request.getfixturevalue("server")
    assert not carry_out(plan_takedown(workspace, [A]), "x", DAY).left
    assert server == ["/api/tasks/17/"] and A in tombstones(workspace).erased
    assert all(item["video_id"] == B for item in read_items(workspace, "toy"))


def test_what_nobody_knows_is_told_with_what_is_nearly_so(workspace: Path) -> None:
    for text, near in (("claptube-x", A), ("very secret", A), ("http://site/nothing", "")):
        with pytest.raises(SourceError, match=f"is none of the 3 videos.*{near}"):
            plan_takedown(workspace, [text])
    for text in (A, f"{A}_0_5000", f"http://site/{A}"):
        assert A in plan_takedown(workspace, [text]).videos


def test_a_run_at_work_is_not_disturbed(workspace: Path) -> None:
    plan = plan_takedown(workspace, [A])
    with exclusive(workspace), pytest.raises(WorkspaceError, match="another run"):
        carry_out(plan, "x", DAY)
    assert not tombstones(workspace).dates


@pytest.mark.slow
def test_the_next_version_is_without_it_for_ever(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    videos, workspace = tmp_path / "videos", tmp_path / "workspace"
    videos.mkdir()
    for name in ("news-1.mp4", "sports-1.mov"):
        shutil.copyfile(small_broadcast / name, videos / name)
    run = ("run", "realsync", "-w", workspace, "--source", f"tv={videos}", *SMALL)
    clapper(*run)
    (first,) = releases(workspace, "realsync")
    rows = first.rows()
    gone = rows[0]["video_id"]
    hours = sum(each["duration_ms"] for each in rows if each["video_id"] == gone) / 3_600_000
    before = _tables(workspace)

    asked = ["takedown", gone, "--reason", "a person asked", "-w", str(workspace)]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 1 and "Nothing was changed" in refused.stderr
    assert _tables(workspace) == before
    shown = CliRunner().invoke(app, [*asked, "--yes"], env={"COLUMNS": "200"}).stdout
    for text in ("realsync 1.0.0", f"{hours:.3f}", "2.0.0", "never change"):
        assert text in shown
    kept = {name: path for name, path in _clips(workspace).items() if gone not in name}
    assert kept == _clips(workspace)

    again = clapper(*run).stdout
    assert (
        "taken_down" in again or "taken_down" in clapper("status", "realsync", "-w", workspace, *SMALL).stdout
    )
    first, second = releases(workspace, "realsync")
    assert second.version == "2.0.0" and (workspace / "releases/realsync/1.0.0" / rows[0]["path"]).exists()
    assert {each["clip_id"] for each in second.rows()} == {
        each["clip_id"] for each in rows if each["video_id"] != gone
    }
    assert [each["video_id"] for each in pq.read_table(second.folder / "tombstones.parquet").to_pylist()] == [
        gone
    ]
    assert second.assignments()[gone] == first.assignments()[gone], "it would return to the same side"
    changes = pq.read_table(second.folder / "changes.parquet").to_pylist()
    assert {(each["change"], each["reason"]) for each in changes if each["video_id"] == gone} == {
        ("removed", "taken_down")
    }
    assert "taken down" in (second.folder / "CHANGES.md").read_text().replace("_", " ")
    assert _clips(workspace) == kept, "no clip was cut anew"
    look = ["explain", rows[0]["clip_id"], "-w", str(workspace)]
    explained = CliRunner().invoke(app, look, env={"COLUMNS": "200"}).stdout
    assert "realsync 1.0.0" in explained and "removed (taken_down)" in explained
    assert "Nothing to do" in clapper(*run).stdout
    assert "a person asked" not in "".join(
        path.read_text("latin-1") for path in second.folder.rglob("*") if path.is_file()
    )
    reason = workspace / "tombstones" / "reasons.jsonl"
    assert stat.S_IMODE(reason.stat().st_mode) == 0o600 and "a person asked" in reason.read_text()


def _tables(workspace: Path) -> set[str]:
    return {str(path.relative_to(workspace)) for path in workspace.glob("stages/*/*/*.[0-9]*")}


def _clips(workspace: Path) -> dict[str, int]:
    """Every clip in the workspace with the time at which it was made."""
    return {str(path): path.stat().st_mtime_ns for path in (workspace / "clips").rglob("*.mp4")}
