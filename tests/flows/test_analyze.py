"""`clapper analyze`: one object per file, on real and made material, with the stages of the pipeline."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from schemas.tables import LABEL_NAMES
from tests.flows.fixtures import Command

pytestmark = pytest.mark.slow

KEYS = {
    "path", "duration_ms", "labels", "sync", "speech", "turns", "audio_events", "evidence", "conditions"
}  # fmt: skip


def analyses(done: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_shape(analysis: dict) -> None:
    assert set(analysis) == KEYS
    edges = [0]
    for label in analysis["labels"]:
        assert set(label) == {"start_ms", "end_ms", "label", "probability", "track"}
        assert label["label"] in LABEL_NAMES
        assert (label["probability"] is None) == (label["label"] == "cannot_tell")
        assert label["probability"] is None or 0 <= label["probability"] <= 1
        assert label["start_ms"] == edges[-1]
        edges.append(label["end_ms"])
    assert edges[-1] == analysis["duration_ms"]
    assert set(analysis["sync"]) == {"probability", "offset_ms", "unjudged"}
    if any(label["label"] == "cannot_tell" for label in analysis["labels"]):
        assert analysis["sync"]["unjudged"]
    for event in analysis["audio_events"]:
        assert set(event) == {"start_ms", "end_ms", "id", "name", "score", "parents"}


def longest(analysis: dict) -> str:
    lengths = {}
    for label in analysis["labels"]:
        lengths[label["label"]] = lengths.get(label["label"], 0) + label["end_ms"] - label["start_ms"]
    return max(lengths, key=lengths.get)


def test_made_material_with_the_embedded_profile(clapper: Command, small_broadcast: Path) -> None:
    files = [small_broadcast / name for name in ("news-1.mp4", "news-2.mkv", "sports-1.mov")]
    found = analyses(clapper("analyze", *files, "--profile", "embedded", "--json"))
    for analysis, file in zip(found, files, strict=True):
        check_shape(analysis)
        assert analysis["path"] == str(file)
    talking, dubbed, nobody = found
    assert longest(talking) == "talking_head"
    assert longest(dubbed) == "voice_over"
    assert longest(nobody) == "other"
    assert talking["sync"]["probability"] > dubbed["sync"]["probability"]
    assert nobody["sync"] == {"probability": None, "offset_ms": None, "unjudged": []}


def test_a_sound_file_alone(clapper: Command, small_broadcast: Path, tmp_path: Path) -> None:
    sound = tmp_path / "talk.flac"
    command = ["ffmpeg", "-v", "error", "-i", small_broadcast / "news-1.mp4", "-vn", sound]
    subprocess.run(command, check=True)
    (analysis,) = analyses(clapper("analyze", sound, "--profile", "embedded", "--json"))
    check_shape(analysis)
    assert analysis["speech"]
    assert longest(analysis) == "other"


def test_real_clips_with_the_light_profile(clapper: Command, shared_data: Path) -> None:
    names = ("asd_minis/hdtf_katiehill__orig.mp4", "asd_minis/hdtf_katiehill__shift.mp4")
    files = [shared_data / name for name in names]
    weights = {"CLAPPER_MODELS": str(shared_data / "weights")}
    original, shifted = analyses(clapper("analyze", *files, "--profile", "light", "--json", **weights))
    for analysis in (original, shifted):
        check_shape(analysis)
        assert analysis["speech"]
    assert longest(original) == "talking_head"
    assert original["sync"]["probability"] > shifted["sync"]["probability"]
    assert abs(original["sync"]["offset_ms"]) <= 80
    assert any(event["name"] == "Speech" for event in original["audio_events"])


def test_the_timeline_can_be_read(clapper: Command, small_broadcast: Path) -> None:
    text = clapper("analyze", small_broadcast / "news-1.mp4", "--profile", "embedded").stdout
    for word in ("news-1.mp4", "talking_head", "voice_over", "other", "speech", "sync", "█", "%"):
        assert word in text


def test_bad_files_are_named_and_the_others_are_analysed(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no media at all" * 100)
    files = (tmp_path / "bad.mp4", tmp_path / "none.mp4", small_broadcast / "sports-1.mov")
    done = clapper("analyze", *files, "--profile", "embedded", "--json", check=False)
    assert done.returncode == 1
    assert len(analyses(done)) == 1
    for name in ("bad.mp4", "none.mp4"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_clip_that_the_pipeline_would_drop_is_said_to_be(clapper: Command, tmp_path: Path) -> None:
    mute = tmp_path / "mute.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=4:s=160x120:r=25", mute]
    subprocess.run(command, check=True)
    (analysis,) = analyses(clapper("analyze", mute, "--profile", "embedded", "--json"))
    assert analysis["left_out"]["reason"] == "no_audio"
    assert longest(analysis) == "other"


def test_a_name_that_looks_like_markup_or_a_command_is_only_a_name(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "-a [red] [!bold]; $(touch pwned) 'x'.mov"
    odd.write_bytes((small_broadcast / "sports-1.mov").read_bytes())
    (tmp_path / "none [").mkdir()
    missing = tmp_path / "none [" / "red].mov"
    done = clapper("analyze", odd, missing, "--profile", "embedded", check=False)
    assert odd.name in done.stdout
    assert "red].mov" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("pwned"))
    planned = clapper(
        "run", "realsync", "-w", tmp_path / "w", "--source", odd, "--dry-run", "--profile", "embedded"
    )
    assert "1 new videos" in planned.stdout
    assert "[red]" in planned.stdout
