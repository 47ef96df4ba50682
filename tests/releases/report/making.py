"""Versions in the making, with invented rows or with real clips, for the tests of their report."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.leakage import Balance, Check, Leakage
from schemas.manifest import MANIFEST
from schemas.recipe import Recipe
from schemas.tables import LABEL_NAMES
from tasks.releases.account import Account, Change, Checked
from tasks.scenes import flash_and_beep
from tasks.workspace.ledger import Loss

HOSTILE = '<script>alert("x")</script> $a_b$ &amp; "\'>[bold]'
EVENTS = {"/m/09x0r": "Speech", "/m/0bt9lr": "Dog", "/m/04rlf": "Music"}
FLASHES_S = [0.6, 1.8, 3.0, 4.2, 5.4]
CLIP_MS = 6_000

LEAKAGE = Leakage(
    checks=[
        Check("one_split_per_video", "No video has clips in two splits.", {"videos": 12}, 0),
        Check(
            "near_duplicates", "No two clips that are alike are in two splits.", {"pairs": 66}, 0, (HOSTILE,)
        ),
        Check("held_out_channels", "Channels are in one split.", {}, 0, (), done=False),
    ],
    thresholds={"max_sound": 0.11, "together": HOSTILE},
    shares={"train": (0.91, 0.9), "dev": (0.05, 0.05), "test": (0.04, 0.05)},
    balance=[
        Balance("duration of a video", 600.0, {"train": 603.0, "dev": 580.0}, "s"),
        Balance(HOSTILE, 0.25, {"train": 0.25, "dev": 0.3, "test": 0.0}, "share"),
        Balance("seldom", 0.0, {"train": 0.0}, "share"),
    ],
)


def row(video: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """A manifest row of six seconds: two of a talking head, one of a voice-over, three of neither."""
    start_ms = number * CLIP_MS
    clip_id = f"{video}_{start_ms}_{start_ms + CLIP_MS}"
    zero = {"int64": 0, "double": 0.0}
    return {
        **{field.name: zero.get(str(field.type)) for field in MANIFEST},
        "clip_id": clip_id,
        "video_id": video,
        "split": "train",
        "channel": "news",
        "path": f"media/{video}/{clip_id}.mp4",
        "duration_ms": CLIP_MS,
        "width": 456,
        "height": 256,
        "source_url": f"https://www.youtube.com/watch?v={video}",
        "source_start_ms": start_ms,
        "source_end_ms": start_ms + CLIP_MS,
        "source_frame_rate": "30000/1001",
        "source_sample_rate": 48_000,
        "source_licence": "CC BY 4.0",
        "source_published": "2026-03-04",
        **spans((0, 2000, "talking_head", 0.9), (2000, 3000, "voice_over", 0.6), (3000, 6000, "other", 1.0)),
        "speech": [],
        "audio_events": [event("/m/09x0r", 0, 3000)],
        "conditions": ["still"],
        "evidence": "evident",
        "reviewers": None,
        "review_agreement": None,
        "source_drift_ms_per_hour": None,
        "models": [{"analysis": "faces", "model": "haar"}, {"analysis": "speech", "model": "silero@0123"}],
        **changes,
    }


def spans(*parts: tuple[int, int, str, float | None]) -> dict[str, Any]:
    """Labels, and how long each of them holds."""
    names = ("start_ms", "end_ms", "label", "probability")
    labels = [dict(zip(names, part, strict=True)) | {"track": None} for part in parts]
    totals = {f"{name}_ms": sum(b - a for a, b, label, _ in parts if label == name) for name in LABEL_NAMES}
    return {"labels": labels, **totals}


def event(one: str, start_ms: int, end_ms: int, score: float = 0.75) -> dict[str, Any]:
    return {"start_ms": start_ms, "end_ms": end_ms, "id": one, "name": EVENTS[one], "score": score}


def invented(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of many kinds, of some ten channels; about four clips of a video, which keep its split and channel."""
    draw = random.Random(seed)
    return [_invented(number, draw) for number in range(count)]


def _invented(number: int, draw: random.Random) -> dict[str, Any]:
    video = number // 4
    edges = [0, *sorted(40 * draw.randrange(1, 150) for _ in range(draw.randrange(4))), CLIP_MS]
    parts = [
        (start, end, draw.choice(LABEL_NAMES), draw.choice([None, round(draw.random(), 4), 1.0]))
        for start, end in pairwise(edges)
        if start < end
    ]
    heard = [event(draw.choice(list(EVENTS)), start, start + 960) for start in range(0, 4000, 1000)]
    return row(
        f"v{video:04d}",
        number % 4,
        split=("train", "train", "train", "dev", "test")[video % 5],
        channel=f"channel {video % 11}",
        duration_ms=CLIP_MS if number % 3 else 40 * draw.randrange(25, 150),
        width=draw.choice([456, 342]),
        source_frame_rate=("25/1", "25", "30000/1001", "0/0")[video % 4],
        source_licence=(None, "CC BY 4.0", "standard")[video % 3],
        source_published=(None, "2019-01-02", "2024-12-31")[video % 3],
        **spans(*parts),
        audio_events=heard[: draw.randrange(5)],
        conditions=draw.sample(["still", "letterboxed", "clipped"], draw.randrange(3)),
        evidence=draw.choice(["evident", "uniform", "missing"]),
        picture_skew_ms=round(draw.uniform(0, 20), 3),
        sound_skew_ms=round(draw.uniform(0, 0.9), 3),
        start_skew_ms=round(draw.uniform(-2.1, 2.1), 3),
        source_start_skew_ms=round(draw.uniform(-9, 9), 3),
        repeated_frames=draw.randrange(5),
        scenario=draw.choice([None, "singing", "dialogue"]),
        **_reviewed(number, draw),
    )


def _reviewed(number: int, draw: random.Random) -> dict[str, Any]:
    if number % 2:
        return {}
    said = [draw.choice(["visible", "off_screen"]) for _ in range(3)]
    finding = {
        "question": "source",
        "answer": said[0],
        "votes": 2,
        "of": 3,
        "rule": "majority",
        "adjudicated": False,
    }
    ballots = [{"annotator": f"A{who}", "question": "source", "answer": one} for who, one in enumerate(said)]
    return {
        "reviewers": 3,
        "review_votes": ballots,
        "review_findings": [finding],
        "review_agreement": draw.choice([1.0, 1 / 3, None]),
        "adjudicator": draw.choice([None, "L1"]),
    }


def write_rows(folder: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema = MANIFEST) -> list[Path]:
    """The manifest's files, a file for each split that has rows."""
    for split in ("train", "dev", "test"):
        part = [each for each in rows if each["split"] == split]
        if part:
            (folder / "data" / split).mkdir(parents=True, exist_ok=True)
            table = pa.Table.from_pylist(part, schema=schema)
            pq.write_table(table, folder / "data" / split / "part-00000.parquet", row_group_size=3)
    return sorted(folder.glob("data/*/*.parquet"))


def with_clips(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A real clip of flashes and beeps for each row; all have the same content."""
    for number, each in enumerate(rows):
        file = folder / each["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        if number == 0:
            flash_and_beep(file, CLIP_MS / 1000, 25, 16_000, FLASHES_S, size=(456, 256))
            first = file
        else:
            file.hardlink_to(first)


def account_of(folder: Path, **changes: Any) -> Account:
    """An account of what is in a folder; texts in it are hostile."""
    known = {
        "recipe": Recipe(name="toy", title=f"Toy {HOSTILE}", cites=HOSTILE),
        "version": "1.1.0",
        "today": date(2030, 1, 2),
        "folder": folder,
        "before": None,
        "changes": [Change("added", None, 1234, 7_200_000), Change("removed", HOSTILE, 3, 1_000)],
        "funnel": [
            ("videos discovered", 17),
            ("clips cut", 41),
            ("clips released", 40),
            ("videos released", 12),
        ],
        "losses": [Loss("discover", "dropped", HOSTILE, 4321, 3_600_000, "example")],
        "leakage": LEAKAGE,
        "provenance": {},
        "checked": [Checked("label", "talking_head", "precision", 0.913, 0.85, 0.95, 181)],
    }
    return Account(**(known | changes))
