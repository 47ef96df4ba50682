"""`clapper explain`: every fact of a clip on one screen; and of a clip that is in no version, why."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from flows.explain import Explanation, explain
from flows.explain_display import as_json, show_explanation, timed_url, timeline
from schemas.errors import ReleaseError
from schemas.recipe import Recipe
from schemas.releases import PAIRS
from schemas.tables import EVIDENCE, OFFSCREEN, OUTCOMES
from tasks.offscreen.answers import StoredAnswer
from tasks.offscreen.money.accounts import Budgets, open_accounts
from tasks.offscreen.reply import Reply, Usage
from tasks.releases.folder import Release
from tasks.workspace.ledger import record_left_out
from tasks.workspace.outputs import Entry, write_output
from tasks.workspace.stage import LeftOut
from tasks.workspace.tombstones import take_down
from tests.releases.making import row
from tests.releases.versions import write_version

CLIP = "youtube-aaaaaaaaaaa_1000_2000"
KEY = "k" * 64

RICH = {
    "split": "test",
    "source_url": "https://www.youtube.com/watch?v=aaaaaaaaaaa",
    "source_licence": "CC BY 4.0",
    "source_published": "2029-05-06",
    "source_sample_rate": 44_100,
    "downloader": "yt-dlp 2026.10.26",
    "duration_ms": 10_000,
    "frames": 250,
    "samples": 160_000,
    "labels": [
        {"start_ms": 0, "end_ms": 5000, "label": "talking_head", "probability": 0.9, "track": 0},
        {"start_ms": 5000, "end_ms": 10_000, "label": "other", "probability": 0.8, "track": None},
    ],
    "talking_head_ms": 5000,
    "other_ms": 5000,
    "speech": [{"start_ms": 0, "end_ms": 5000, "score": 0.9}],
    "audio_events": [
        {"start_ms": 1000 * n, "end_ms": 10_000, "id": f"/m/{n}", "name": f"Sound {n}", "score": 0.5}
        for n in range(9)
    ],
    "conditions": ["letterboxed", "noisy"],
    "loudness_lufs": -21.5,
    "bandwidth_hz": 8000,
    "picture_skew_ms": 13.25,
    "sound_skew_ms": 0.5,
    "source_start_skew_ms": 3.5,
    "source_end_skew_ms": -0.25,
    "source_drift_ms_per_hour": None,
    "inserted_silence_ms": 0.0,
    "removed_sound_ms": 0.0,
    "repeated_frames": 2,
    "decoder": "PyAV 18.1.0",
    "encoder": "x264 core 165",
    "reviewers": 3,
    "review_votes": [
        {"annotator": f"A{n}", "question": "source", "answer": answer}
        for n, answer in enumerate(("visible", "visible", "off_screen"), 1)
    ],
    "review_findings": [
        {"question": "source", "answer": "visible", "votes": 2, "of": 3, "rule": "majority", "adjudicated": False}
    ],
    "review_agreement": 1 / 3,
    "models": [{"analysis": "faces", "model": "yunet@0123456789abcdef"}, {"analysis": "turns", "model": "none"}],
}  # fmt: skip


def clip(root: Path, number: int = 1, **changes) -> dict:
    return row(root, "youtube-aaaaaaaaaaa", number, **{**RICH, **changes})


def write_stage(
    root: Path, stage: str, schema: pa.Schema, item: str, outcome: dict, rows: list[dict]
) -> None:
    video = item.rsplit("_", 2)[0]
    known = {"item_id": item, "video_id": video, "tries": 1, "tried_at": "2030-01-01T00:00:00+00:00"}
    whole = dict.fromkeys(OUTCOMES.names) | known | outcome
    folder = root / "stages" / stage / "00000"
    place = folder / f"{len(list(folder.glob('*'))):016d}.0" if folder.exists() else folder / f"{0:016d}.0"
    write_output(place, schema, [Entry(whole, [dict.fromkeys(schema.names) | each for each in rows])])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A version with one clip of which everything is known, and its workspace."""
    release = write_version(tmp_path, "1.0.0", [clip(tmp_path), clip(tmp_path, 2)])
    recipe = Recipe.model_validate({"name": "toy", "title": "Toy", "offscreen": {"model": "gemini"}})
    (release.folder / "recipe.yaml").write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    told = {
        "clapper": {"version": "0.1.0", "revision": "f" * 40, "changed": True},
        "prompt": {"version": "v1", "sha256": "9" * 64},
    }
    (release.folder / "provenance.json").write_text(json.dumps(told))
    done = {"outcome": "done"}
    seen = {"clip_id": CLIP, "evidence": "uniform", "reason": "flowing_sound", "score": 0.71}
    write_stage(tmp_path, "evidence", EVIDENCE, CLIP, done, [seen])
    judged = {
        "clip_id": CLIP, "verdict": "keep", "source": "visible", "source_name": "a man who hammers",
        "source_confidence": 0.95, "mismatch": "none", "audio": "good", "scenario": "impact",
        "scenario_confidence": 0.8, "evidence": "The hammer meets the nail.", "answer_key": KEY,
    }  # fmt: skip
    write_stage(tmp_path, "offscreen", OFFSCREEN, CLIP, done, [judged])
    accounts = open_accounts(tmp_path)
    booked = accounts.reserve("run", "gemini-3", KEY, 0, Budgets(0, 0))
    reply = Reply("{}", "stop", None, Usage(1, 1, 1), "gemini-3-001")
    accounts.settle(booked, 0, StoredAnswer(reply, "gemini-3", "v1", "2029-12-31T00:00:00+00:00", "run"))
    pair = {"clip_id": "other-x_0_5000", "video_id": "other-x", "other_clip": CLIP, "kind": "both",
            "other_video": "youtube-aaaaaaaaaaa", "overlap_ms": 5000, "shorter_ms": 5000}  # fmt: skip
    (tmp_path / "duplicates").mkdir()
    pq.write_table(pa.Table.from_pylist([pair], schema=PAIRS), tmp_path / "duplicates" / "k.pairs.parquet")
    return tmp_path


def screen(found: Explanation, width: int = 80) -> str:
    out = io.StringIO()
    show_explanation(Console(file=out, width=width, force_terminal=False), found)
    return out.getvalue()


def test_everything_that_is_known_stands_on_one_screen(workspace: Path) -> None:
    shown = screen(explain(workspace, CLIP))
    assert len(shown.splitlines()) <= 50 and max(map(len, shown.splitlines())) <= 80
    words = " ".join(shown.split())
    for text in (
        "toy 1.0.0 · test",
        "https://www.youtube.com/watch?v=aaaaaaaaaaa&t=1s",
        "CC BY 4.0, 2029-05-06, yt-dlp 2026.10.26",
        "250 frames, 160000 samples",
        "kept: no picture further than 13.25 ms",
        "3.5 ms early at its start, 0.2 ms late at its end",
        "2 frames shown again",
        "TTTTTTTTTTTTTTTTTTTTTTTTT·························",
        "talking head 5.0",
        "Sound 0 0.50",
        "and 3 more classes",
        "uniform (flowing sound, 0.71); -21.5 LUFS",
        "letterboxed, noisy",
        "gemini-3, prompt v1: sound visible (0.95), “a man who hammers”",
        "“The hammer meets the nail.”",
        f"answer {KEY[:16]}",
        "3 judged it, each alone, pairs agree in 33%",
        "source: visible by 2 of 3 — A1 visible, A2 visible, A3 off_screen",
        "faces yunet@0123456789abcdef",
        "toy (light), digest",
        "labels ≥ 0.5",
        "Clapper 0.1.0, revision ffffffffffff and changes; prompt v1 (999999999999…)",
        "by its own video alone; for ever",
        "other-x_0_5000 (picture and sound, 5.0 s)",
        "1.0.0 added",
    ):
        assert text in words, f"{text!r} is not in:\n{shown}"
    assert "turns none" not in words


def test_as_json_it_is_plain_and_names_no_path(workspace: Path) -> None:
    text = json.dumps(as_json(explain(workspace, CLIP)))
    assert json.loads(text)["row"]["clip_id"] == CLIP and json.loads(text)["answer"]["model"] == "gemini-3"
    assert str(workspace) not in text


def test_a_clip_is_meant_by_its_id_its_beginning_or_its_file(workspace: Path) -> None:
    file = workspace / "releases" / "toy" / "1.0.0" / explain(workspace, CLIP).row["path"]
    kept = workspace / "clips" / f"{CLIP}-0123abcd.mp4"
    kept.write_bytes(file.read_bytes())
    for text in (CLIP, "youtube-aaaaaaaaaaa_1", str(file), str(kept)):
        assert explain(workspace, text).clip_id == CLIP
    assert explain(workspace, str(file)).file_matches and explain(workspace, CLIP).file_matches is None
    kept.write_bytes(b"changed")
    assert explain(workspace, str(kept)).file_matches is False
    assert "has other bytes" in screen(explain(workspace, str(kept)))
    with pytest.raises(ReleaseError, match=f"several clips begin so: {CLIP}, youtube-aaaaaaaaaaa_2000_3000"):
        explain(workspace, "youtube-a")
    with pytest.raises(ReleaseError, match="is no clip"):
        explain(workspace, "nothing")
    with pytest.raises(ReleaseError, match="not published"):
        explain(workspace, CLIP, version="9.0.0")


def test_what_each_version_did_is_its_history(workspace: Path) -> None:
    changed = [
        {"clip_id": CLIP, "change": "described", "reason": "models: faces", "columns": ["models"]},
    ]
    write_version(workspace, "1.0.1", [clip(workspace), clip(workspace, 2)], changes=changed)
    gone = [
        {"clip_id": CLIP, "change": "removed", "reason": "dropped: conditions near_silent", "columns": []}
    ]
    write_version(workspace, "2.0.0", [clip(workspace, 2)], changes=gone)
    back = [{"clip_id": CLIP, "change": "added", "columns": []}]
    write_version(workspace, "2.1.0", [clip(workspace), clip(workspace, 2)], changes=back)
    found = explain(workspace, CLIP)
    assert found.release.version == "2.1.0"
    assert [(step.version, step.change, step.reason) for step in found.history] == [
        ("1.0.0", "added", None),
        ("1.0.1", "described", "models: faces"),
        ("2.0.0", "removed", "dropped: conditions near_silent"),
        ("2.1.0", "added", None),
    ]
    assert explain(workspace, CLIP, version="1.0.1").release.version == "1.0.1"


def test_an_older_version_has_what_was_taken_down_and_it_is_told(workspace: Path) -> None:
    take_down(workspace, {"youtube-aaaaaaaaaaa": []}, "a secret reason", date(2030, 1, 2))
    shown = screen(explain(workspace, CLIP))
    assert "taken down on 2030-01-02: no later version has it" in shown and "secret" not in shown


def test_kin_are_those_of_the_same_kin(workspace: Path) -> None:
    others = [row(workspace, video, split="test", kin="youtube-aaaaaaaaaaa") for video in ("b", "c")]
    write_version(
        workspace, "1.1.0", [clip(workspace, kin="youtube-aaaaaaaaaaa"), *others, row(workspace, "d")]
    )
    assert explain(workspace, CLIP).kin == ["b", "c"]
    assert "together with what its video is like: b, c" in " ".join(screen(explain(workspace, CLIP)).split())


def test_a_clip_in_no_version_says_why(workspace: Path) -> None:
    lost = {"outcome": "dropped", "reason": "near_silent", "detail": "98 % below −60 dBFS"}
    write_stage(workspace, "conditions", EVIDENCE, "site-b_0_5000", lost, [])
    record_left_out(workspace, [LeftOut("site-c", "too_short", "3 s of at least 20 min")])
    withheld = [
        {"clip_id": "site-d_0_1", "video_id": "site-d", "reason": "straddles_splits", "detail": "with e"}
    ]
    write_version(workspace, "1.0.1", [clip(workspace)], withheld=withheld)
    take_down(workspace, {"site-f": []}, "a secret reason", date(2030, 1, 2))
    write_stage(workspace, "conditions", EVIDENCE, "site-g_0_1", {"outcome": "done"}, [])
    for text, reason in {
        "site-b_0_5000": "dropped at conditions: near_silent: 98 % below −60 dBFS",
        "site-b": "dropped at conditions: near_silent",
        "site-f_0_5000": "site-f was taken down on 2030-01-02; nothing else is kept of it",
        "site-g_0_1": "nothing speaks against it",
    }.items():
        found = explain(workspace, text)
        assert found.row is None and found.reasons[0].startswith(reason)
        assert "in no version" in screen(found) and "a secret reason" not in screen(found)
    write_stage(workspace, "conditions", EVIDENCE, "site-d_0_1", {"outcome": "done"}, [])
    assert explain(workspace, "site-d_0_1").reasons == ["withheld from toy 1.0.1: straddles_splits with e"]


def test_of_several_looks_the_last_counts(workspace: Path) -> None:
    first = {
        "outcome": "failed",
        "reason": "MediaError",
        "detail": "x",
        "tried_at": "2030-01-01T00:00:00+00:00",
    }
    write_stage(workspace, "faces", EVIDENCE, "site-b_0_5000", first, [])
    last = {"outcome": "done", "tried_at": "2030-01-02T00:00:00+00:00"}
    write_stage(workspace, "faces", EVIDENCE, "site-b_0_5000", last, [])
    assert [each.outcome for each in explain(workspace, "site-b_0_5000").ledger] == ["done"]


def test_text_from_outside_is_shown_and_not_obeyed(workspace: Path) -> None:
    write_version(
        workspace, "1.0.1", [clip(workspace, channel="[red]x[/]\x1b[31m", source_licence="[bold]\x07")]
    )
    shown = screen(explain(workspace, CLIP))
    assert "[red]x[/]\\x1b[31m" in shown and "\x1b" not in shown and "\x07" not in shown


def test_a_version_of_an_earlier_clapper_is_explained_as_well(workspace: Path) -> None:
    file = workspace / "releases" / "toy" / "1.0.0" / "data" / "test" / "part-00000.parquet"
    table = pq.ParquetFile(file).read()
    models = pa.array([[("faces", "yunet@01")]] * table.num_rows, pa.map_(pa.string(), pa.string()))
    pq.write_table(table.set_column(table.schema.get_field_index("models"), "models", models), file)
    assert explain(workspace, CLIP).row["models"] == {"faces": "yunet@01"}


def test_a_version_that_lies_alone_is_explained_by_itself(workspace: Path, tmp_path_factory) -> None:
    alone = tmp_path_factory.mktemp("alone")
    (alone / "releases").symlink_to(workspace / "releases")
    found = explain(alone, CLIP)
    assert isinstance(found.release, Release) and found.judgement is None and not found.ledger
    assert "13.25 ms" in screen(found)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.youtube.com/watch?v=a", "https://www.youtube.com/watch?v=a&t=12s"),
        ("https://vimeo.com/1", "https://vimeo.com/1#t=12"),
        ("http://host/a.mp4", "http://host/a.mp4#t=12"),
    ],
)
def test_an_address_leads_to_the_time(url: str, shown: str) -> None:
    assert timed_url(url, 12_999) == shown


@given(
    spans=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 20_000), st.sampled_from("TV·"))),
    duration_ms=st.integers(1000, 20_000),
    width=st.integers(1, 80),
)
def test_a_timeline_has_its_width_and_only_marks_that_are_there(
    spans: list[tuple], duration_ms: int, width: int
) -> None:
    placed = [(start, start + length, mark) for start, length, mark in spans]
    drawn = timeline(placed, duration_ms, width)
    assert len(drawn) == width and set(drawn) <= {mark for *_, mark in spans} | {" "}
    assert timeline([(0, duration_ms, "T")], duration_ms, width) == "T" * width
