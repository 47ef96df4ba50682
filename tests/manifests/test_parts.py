"""The manifest's rows come from what the stages recorded, and lie in a part until what they come from changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.manifests import PART, manifest_rows, part_file, remove_other_parts, write_part
from tasks.manifests.rows import KEPT_FROM_CLIP, KEPT_FROM_CONDITIONS
from tasks.workspace.outputs import Output
from tests.releases.making import row


def turn(voice: str, start_ms: int, end_ms: int) -> dict:
    return {"voice": voice, "start_ms": start_ms, "end_ms": end_ms}


def test_rows_come_from_what_the_stages_recorded() -> None:
    clip = dict.fromkeys((*KEPT_FROM_CLIP, "label", "list_split", "path"), 5)
    ids = {"clip_id": "a_0_1000", "video_id": "a"}
    source = dict.fromkeys(
        ("url", "sha256", "frame_rate", "sample_rate", "licence", "published", "tool"), "s"
    )
    label = {"start_ms": 0, "end_ms": 400, "label": "talking_head", "probability": 0.9, "track": 0}
    records = {
        "download": {"a": [source]},
        "normalize": {"a": [{**clip, **ids}, {**clip, "clip_id": "a_1_2", "video_id": "a"}]},
        "labels": {"a_0_1000": [{**ids, **label}, {**ids, **label, "start_ms": 600, "end_ms": 1000}]},
        "speech": {}, "events": {}, "faces": {"a_0_1000": [{}, {}]},
        "turns": {"a_0_1000": [turn("V1", 0, 500), turn("V2", 400, 900), turn("V1", 850, 1000)]},
        "conditions": {"a_0_1000": [dict.fromkeys(KEPT_FROM_CONDITIONS, 1.0)]},
        "evidence": {"a_0_1000": [{"evidence": "evident"}]},
        "offscreen": {"a_0_1000": [dict(source="visible", source_name="dog", scenario="action", domain="sound")]},
        "review": {},
    }  # fmt: skip
    videos = [{"video_id": "a", "channel": "news", "domain": None}]
    rows = manifest_rows(videos, records, held_back=["a_1_2"], models={"turns": "pyannote"})
    assert (rows[0]["voices"], rows[0]["overlapped_ms"]) == (2, 150)
    unknown = manifest_rows(videos, records, held_back=["a_1_2"], models={"turns": "none"})[0]
    assert (unknown["voices"], unknown["overlapped_ms"]) == (None, None)
    assert [found["clip_id"] for found in rows] == ["a_0_1000"]
    assert (rows[0]["talking_head_ms"], rows[0]["voice_over_ms"], rows[0]["face_tracks"]) == (800, 0, 2)
    assert rows[0]["labels"][0] == label
    assert (rows[0]["sound_source"], rows[0]["scenario_domain"]) == ("visible", "sound")
    assert rows[0]["reviewers"] is None
    assert set(rows[0]) == set(PART.names)
    findings = [{"question": "scenario", "answer": "singing"}, {"question": "aligned", "answer": "in_time"}]
    ballots = [{"annotator": "A1", "question": "scenario", "answer": "singing"}]
    records["review"] = {
        "a_0_1000": [
            {
                **ids, "counted": 3, "votes": ballots, "findings": findings, "agreement": 0.5,
                "adjudicator": "L1", "keep_start_ms": None, "keep_end_ms": None,
            }
        ]
    }  # fmt: skip
    (judged,) = manifest_rows(videos, records, held_back=["a_1_2"], models={"turns": "none"})
    assert (judged["scenario"], judged["scenario_domain"]) == ("singing", "voice")
    assert (judged["sound_source"], judged["reviewers"], judged["adjudicator"]) == ("visible", 3, "L1")
    assert judged["review_votes"] == ballots
    assert set(judged) == set(PART.names)


STATE = {
    "videos": [{"video_id": "a", "channel": "news"}],
    "outputs": {"labels": Output(Path("stages/labels/00000/k1.0"), {}, {})},
    "models": {"faces": "haar"},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"videos": [{"video_id": "a", "channel": "sports"}]},
        {"outputs": {"labels": replace(STATE["outputs"]["labels"], folder=Path("stages/labels/00000/k1.1"))}},
        {"outputs": {}},
        {"models": {"faces": "scrfd@1"}},
    ],
)
def test_a_part_is_another_if_anything_it_comes_from_is(tmp_path: Path, changes: dict) -> None:
    one, same = (part_file(tmp_path, "toy", "00000", **STATE) for _ in range(2))
    assert one == same and one.parent == tmp_path / "manifests" / "toy" / "00000"
    assert part_file(tmp_path, "toy", "00000", **{**STATE, **changes}) != one


def test_a_part_is_composed_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "manifests" / "toy" / "00000" / "k.parquet"
    rows = [row(tmp_path, "b"), row(tmp_path, "a", 1), row(tmp_path, "a")]
    assert write_part(path, lambda: rows) == path
    write_part(path, lambda: pytest.fail("composed again"))
    table = pq.read_table(path)
    assert table.schema.equals(PART)
    assert table["clip_id"].to_pylist() == ["a_0_1000", "a_1000_2000", "b_0_1000"]
    other = write_part(path.with_name("other.parquet"), list)
    remove_other_parts(tmp_path, "toy", [other])
    assert [found.name for found in path.parent.iterdir()] == ["other.parquet"]
