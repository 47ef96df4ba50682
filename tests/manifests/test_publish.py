"""Releases: versions follow from what changed, appear whole, never change, and are complete in themselves."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from schemas.recipe import Recipe
from tasks.manifests import Release, draft_release, latest_release, manifest_rows, publish, releases
from tasks.manifests.rows import KEPT_FROM_CLIP, KEPT_FROM_CONDITIONS
from tasks.manifests.version import Difference, compare, next_version

RECIPE = Recipe(name="toy", title="Toy")
TODAY = date(2030, 1, 2)


def row(root: Path, video: str, number: int = 0, **changes) -> dict:
    """A manifest row, and the clip file it speaks of."""
    clip_id = f"{video}_{number * 1000}_{number * 1000 + 1000}"
    file = root / "clips" / f"{clip_id}.mp4"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(clip_id.encode())
    label = {"start_ms": 0, "end_ms": 1000, "label": "other", "probability": 0.75, "track": None}
    numbers = {field.name: 0 for field in MANIFEST if str(field.type) == "int64"}
    return {
        **{field.name: None for field in MANIFEST if field.name != "split"},
        **numbers,
        "clip_id": clip_id,
        "video_id": video,
        "channel": "news",
        "path": f"media/{video}/{clip_id}.mp4",
        "sha256": hashlib.sha256(clip_id.encode()).hexdigest(),
        "bytes": len(clip_id),
        "duration_ms": 1000,
        "other_ms": 1000,
        "labels": [label],
        "speech": [],
        "audio_events": [],
        "conditions": ["still"],
        "evidence": "uniform",
        "models": {"faces": "haar"},
        **changes,
    }


def release(root: Path, rows: list[dict], splits: dict[str, str] | None = None) -> Release | None:
    def assign(fixed):
        return {row["video_id"]: (splits or {}).get(row["video_id"], "train") for row in rows} | fixed

    draft = draft_release(root, "toy", rows, assign)
    files = {row["clip_id"]: f"clips/{row['clip_id']}.mp4" for row in rows}
    return publish(root, RECIPE, draft, files, ["funnel"], TODAY) if draft else None


def test_a_release_is_complete_in_itself(tmp_path: Path) -> None:
    made = release(tmp_path, [row(tmp_path, "a"), row(tmp_path, "b")], {"a": "train", "b": "test"})
    assert made.version == "1.0.0"
    table = pq.read_table(made.folder / "data" / "test" / "part-00000.parquet")
    assert table.schema.equals(MANIFEST)
    assert table.schema.field("clip_id").metadata[b"description"]
    assert table["video_id"].to_pylist() == ["b"]
    for line in (made.folder / "SHA256SUMS").read_text().splitlines():
        checksum, name = line.split("  ")
        assert hashlib.sha256((made.folder / name).read_bytes()).hexdigest() == checksum
    listed = {line.split("  ")[1] for line in (made.folder / "SHA256SUMS").read_text().splitlines()}
    present = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()}
    assert listed == present - {"SHA256SUMS"}
    assert {"README.md", "CHANGES.md", "recipe.yaml", "splits.parquet"} <= listed
    assert "2030-01-02" in (made.folder / "README.md").read_text()


def test_nothing_new_makes_no_version(tmp_path: Path) -> None:
    rows = [row(tmp_path, "a")]
    assert release(tmp_path, rows)
    assert release(tmp_path, rows) is None
    assert release(tmp_path, []) is None
    assert [made.version for made in releases(tmp_path, "toy")] == ["1.0.0"]


def test_the_version_says_what_changed(tmp_path: Path) -> None:
    a, b = row(tmp_path, "a"), row(tmp_path, "b")
    relabelled = {**a, "labels": [{**a["labels"][0], "label": "voice_over"}]}
    versions = [
        release(tmp_path, rows).version
        for rows in ([a], [a, b], [{**a, "source_licence": "CC BY"}, b], [relabelled, b], [relabelled])
    ]
    assert versions == ["1.0.0", "1.1.0", "1.1.1", "2.0.0", "3.0.0"]
    changes = (latest_release(tmp_path, "toy").folder / "CHANGES.md").read_text()
    assert [line for line in changes.splitlines() if line.startswith("## ")] == [
        f"## {version} — 2030-01-02" for version in reversed(versions)
    ]


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    for version in ("1.2.0", "1.10.0", "1.9.0"):
        (tmp_path / "releases" / "toy" / version).mkdir(parents=True)
    assert [made.version for made in releases(tmp_path, "toy")] == ["1.2.0", "1.9.0", "1.10.0"]


def test_splits_are_remembered_even_of_videos_that_are_gone(tmp_path: Path) -> None:
    release(tmp_path, [row(tmp_path, "a"), row(tmp_path, "b")], {"b": "test"})
    release(tmp_path, [row(tmp_path, "a")])
    assert latest_release(tmp_path, "toy").assignments() == {"a": "train", "b": "test"}
    again = release(tmp_path, [row(tmp_path, "a"), row(tmp_path, "b")], {"b": "dev"})
    assert {found["video_id"]: found["split"] for found in again.rows()} == {"a": "train", "b": "test"}


@pytest.mark.parametrize("harm", ["gone", "longer"])
def test_a_clip_that_is_not_what_was_made_stops_the_release_and_leaves_nothing(
    tmp_path: Path, harm: str
) -> None:
    rows = [row(tmp_path, "a")]
    file = tmp_path / "clips" / f"{rows[0]['clip_id']}.mp4"
    file.unlink() if harm == "gone" else file.write_bytes(b"something else, and longer")
    with pytest.raises(ReleaseError, match=r"a_0_1000.*bytes"):
        release(tmp_path, rows)
    assert list((tmp_path / "releases" / "toy").iterdir()) == []


def test_two_releases_of_the_same_rows_are_equal_in_every_byte(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        folder = release(root, [row(root, "b"), row(root, "a", 1), row(root, "a")]).folder
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append([(str(path.relative_to(folder)), path.read_bytes()) for path in files])
    assert contents[0] == contents[1]


VALUES = {"split": st.sampled_from(["train", "test"]), "x": st.integers(0, 2)}
CLIPS = st.dictionaries(st.sampled_from("abcdef"), st.fixed_dictionaries(VALUES))


@given(CLIPS, CLIPS)
def test_a_difference_accounts_for_every_clip_once(old: dict, new: dict) -> None:
    difference = compare(old, new)
    kinds = (difference.added, difference.removed, difference.moved, difference.changed, difference.described)
    named = [clip for kind in kinds for clip in kind]
    assert len(named) == len(set(named))
    assert set(named) == {clip for clip in old.keys() | new.keys() if old.get(clip) != new.get(clip)}
    assert bool(difference) == (old != new)


def test_the_rule_of_versions() -> None:
    assert next_version(None, Difference(added=("a",))) == "1.0.0"
    assert next_version("1.4.2", Difference(described=("a",))) == "1.4.3"
    assert next_version("1.4.2", Difference(added=("a",), described=("b",))) == "1.5.0"
    for harm in ({"removed": ("a",)}, {"moved": ("a",)}, {"changed": ("a",)}):
        assert next_version("1.4.2", Difference(added=("b",), **harm)) == "2.0.0"


def turn(voice: str, start_ms: int, end_ms: int) -> dict:
    return {"voice": voice, "start_ms": start_ms, "end_ms": end_ms}


def test_rows_come_from_what_the_stages_recorded() -> None:
    clip = dict.fromkeys((*KEPT_FROM_CLIP, "label"), 5)
    ids = {"clip_id": "a_0_1000", "video_id": "a"}
    source = dict.fromkeys(
        ("url", "sha256", "frame_rate", "sample_rate", "licence", "published", "tool"), "s"
    )
    label = {"start_ms": 0, "end_ms": 400, "label": "talking_head", "probability": 0.9, "track": 0}
    records = {
        "download": {"a": [source]},
        "normalize": {"a": [{**clip, **ids, "path": "clips/a"}, {**clip, "clip_id": "a_1_2", "video_id": "a"}]},
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
    assert set(rows[0]) | {"split"} == set(MANIFEST.names)
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
    assert set(judged) | {"split"} == set(MANIFEST.names)
