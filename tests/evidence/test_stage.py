"""The stage `evidence` on sounds made here and records made up."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.recipe import Recipe
from tasks.evidence import STAGE
from tasks.sounds.audioset import ids_by_name
from tasks.workspace.stage import Context, Item, Row

NOISE = "anoisesrc=r=16000:a=0.2:seed=1:d=4"
BURSTS = f"{NOISE},volume='if(lt(mod(t,0.5),0.1),1,0.001)':eval=frame"
LIVING = {"unlike": [0.0, 0.3, 0.3, 0.3], "changed": [0.05] * 4}


def evidence_of(
    folder: Path,
    sound: str,
    heard: dict[str, float],
    motion: Row = LIVING,
    speech: tuple = (),
    labels: tuple = (),
    conditions: tuple = (),
) -> Row:
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", sound, "-ac", "1", str(folder / "clip.wav")]
    subprocess.run(command, check=True)
    ids, scores = [ids_by_name()[name] for name in heard], list(heard.values())
    spans = [(start, start + 2000) for start in (0, 1000, 2000)]
    records = {
        "sounds": [{"start_ms": start, "end_ms": end, "ids": ids, "scores": scores} for start, end in spans],
        "motion": [motion],
        "conditions": [{"conditions": list(conditions)}],
        "speech": [{"start_ms": start, "end_ms": end} for start, end in speech],
        "labels": [
            dict(zip(("start_ms", "end_ms", "label", "probability"), one, strict=True)) for one in labels
        ],
    }
    worker = STAGE.open(Context(Recipe(name="test", title="Test"), folder, lambda name: Path(name)))
    rows = worker(Item("v_0_4000", "v", {"path": "clip.wav", "duration_ms": 4000}, records)).rows
    (row,) = pa.Table.from_pylist(rows, schema=STAGE.schema).to_pylist()
    return row


STANDING = {"unlike": [0.0] * 4, "changed": [0.0] * 4}
SPEAKS = {"speech": ((0, 4000),)}
CASES = {
    "rain": (NOISE, {"Rain": 0.6}, {}, "uniform", "uniform_sound"),
    "knocks": (BURSTS, {"Knock": 0.6}, {}, "evident", "sound_event"),
    "knocks over a slide": (BURSTS, {"Knock": 0.6}, {"motion": STANDING}, "missing", "picture_stands"),
    "silence": ("anullsrc=r=16000:cl=mono:d=4", {"Silence": 0.9}, {}, "missing", "silent"),
    "a card": (BURSTS, {"Knock": 0.6}, {"conditions": ("text_card",)}, "missing", "text_card"),
    "a talking head": (
        BURSTS, {"Speech": 0.9}, SPEAKS | {"labels": ((0, 4000, "talking_head", 0.9),)}, "evident", "speaker_seen",
    ),
    "a voice-over": (
        BURSTS, {"Speech": 0.9}, SPEAKS | {"labels": ((0, 4000, "voice_over", 0.9),)}, "missing", "speaker_unseen",
    ),
    "a mouth that hardly matches": (
        BURSTS, {"Speech": 0.9}, SPEAKS | {"labels": ((0, 4000, "voice_over", 0.6),)}, "missing", "speaker_unseen",
    ),
    "nobody in sight": (
        BURSTS, {"Speech": 0.9}, SPEAKS | {"labels": ((0, 4000, "other", 1.0),)}, "missing", "speaker_unseen",
    ),
    "speech that cannot be judged": (
        BURSTS, {"Speech": 0.9}, SPEAKS | {"labels": ((0, 4000, "cannot_tell", None),)},
        "evident", "speaker_unjudged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_made_clip(tmp_path: Path, name: str) -> None:
    sound, heard, others, evidence, reason = CASES[name]
    row = evidence_of(tmp_path, sound, heard, **others)
    assert (row["evidence"], row["reason"]) == (evidence, reason)
    assert (row["clip_id"], row["video_id"]) == ("v_0_4000", "v")


@pytest.mark.parametrize("chance", [0.6, 0.9])
def test_how_sure_follows_the_labels(tmp_path: Path, chance: float) -> None:
    labels = ((0, 4000, "voice_over", chance),)
    assert evidence_of(tmp_path, BURSTS, {"Speech": 0.9}, **SPEAKS, labels=labels)["score"] == chance
