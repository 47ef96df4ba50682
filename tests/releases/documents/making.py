"""Small versions in the making, from rows, for the tests of their documents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.leakage import Balance, Check, Leakage
from schemas.manifest import MANIFEST
from schemas.recipe import Recipe
from schemas.releases import CHANGES, SPLIT_TABLE, TOMBSTONES
from tasks.releases.account import Account, Change
from tasks.workspace.ledger import Loss

SHA = "0123456789abcdef" * 4
MODELS = {
    "faces": "haar@" + SHA[:12],
    "speech": "silero@" + SHA[:12],
    "speakers": "mouth-motion@" + SHA[:12],
    "sounds": "spectral@" + SHA[:12],
}


def row(video: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """A manifest row of a clip of five seconds: two of a talking head, one of a voice-over, two of neither."""
    start_ms = number * 5000
    clip_id = f"{video}_{start_ms}_{start_ms + 5000}"
    empty = {"int64": 0, "double": 0.0}
    return {
        **{field.name: empty.get(str(field.type)) for field in MANIFEST},
        "clip_id": clip_id,
        "video_id": video,
        "split": "train",
        "channel": "news",
        "domain": "news",
        "path": f"media/{video}/{clip_id}.mp4",
        "bytes": 1000 + number,
        "duration_ms": 5000,
        "width": 456,
        "height": 256,
        "source_url": f"https://example.org/watch?v={video}",
        "source_sha256": hashlib.sha256(video.encode()).hexdigest(),
        "source_start_ms": start_ms,
        "source_end_ms": start_ms + 5000,
        "source_frame_rate": "30000/1001",
        "source_sample_rate": 48_000,
        "source_licence": "CC BY 4.0",
        "source_published": "2026-03-04",
        "talking_head_ms": 2000,
        "voice_over_ms": 1000,
        "cannot_tell_ms": 0,
        "other_ms": 2000,
        "labels": [
            {"start_ms": 0, "end_ms": 2000, "label": "talking_head", "probability": 0.9, "track": 0},
            {"start_ms": 2000, "end_ms": 3000, "label": "voice_over", "probability": 0.7, "track": 0},
            {"start_ms": 3000, "end_ms": 5000, "label": "other", "probability": 0.8, "track": None},
        ],
        "speech": [{"start_ms": 0, "end_ms": 3000, "score": 0.95}],
        "voices": None,
        "overlapped_ms": None,
        "audio_events": [
            {"start_ms": 0, "end_ms": 3000, "id": "/m/09x0r", "name": "Speech", "score": 0.9},
            {"start_ms": 3000, "end_ms": 5000, "id": "/m/04rlf", "name": "Music", "score": 0.5},
        ],
        "evidence": "evident",
        "conditions": ["letterboxed"],
        "active_box": [0, 28, 456, 228],
        "sound_source_name": None,
        "face_tracks": 1,
        "reviewers": None,
        "review_agreement": None,
        "keep_start_ms": None,
        "keep_end_ms": None,
        "downloader": "yt-dlp 2026.11.01",
        "sha256": hashlib.sha256(clip_id.encode()).hexdigest(),
        "frames": 125,
        "samples": 80_000,
        "picture_skew_ms": 8.0,
        "sound_skew_ms": 0.5,
        "encoder": "x264",
        "decoder": "FFmpeg 8.0",
        "models": [{"analysis": analysis, "model": model} for analysis, model in MODELS.items()],
        **changes,
    }


def reviewed(answers: Sequence[str] = ("visible", "visible", "visible"), lead: str | None = None) -> dict:
    """The columns of a review in which people answered so to the question of the source."""
    decided = max(set(answers), key=answers.count)
    return {
        "reviewers": len(answers),
        "review_votes": [
            {"annotator": f"A{place}", "question": "source", "answer": answer}
            for place, answer in enumerate(answers, 1)
        ],
        "review_findings": [
            {
                "question": "source",
                "answer": decided,
                "votes": answers.count(decided),
                "of": len(answers),
                "rule": "majority",
                "adjudicated": lead is not None,
            }
        ],
        "review_agreement": float(
            sum(a == b for i, a in enumerate(answers) for b in answers[i + 1 :])
            / (len(answers) * (len(answers) - 1) / 2)
        ),
        "adjudicator": lead,
    }


LEAKAGE = Leakage(
    checks=(
        Check("one_split_per_video", "No video is in two splits.", {"videos": 3}, 0),
        Check("near_duplicates", "No two clips that are alike are in two splits.", {"pairs": 7}, 0),
        Check("held_out_channels", "No held-out channel is elsewhere.", {"channels": 0}, 0, done=False),
    ),
    thresholds={"together_for_ms": 15_000.0, "max_sound": 0.11},
    shares={"train": (0.8, 0.9), "dev": (0.1, 0.05), "test": (0.1, 0.05)},
    balance=(Balance("talking heads", 0.4, {"train": 0.41, "test": 0.38}, "share"),),
)


def account(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    recipe: Recipe | None = None,
    version: str = "1.0.0",
    schema: pa.Schema = MANIFEST,
    tombstones: Sequence[Mapping[str, str]] = (),
    **changes: Any,
) -> Account:
    """A version in the making in a folder that is made, with the tables that its documents are made of."""
    for split in ("train", "dev", "test"):
        (folder / "data" / split).mkdir(parents=True)
        part = [one for one in rows if one["split"] == split]
        table = pa.Table.from_pylist(part, schema=schema)
        pq.write_table(table, folder / "data" / split / "part-00000.parquet", row_group_size=2)
    assigned = {one["video_id"]: {**one, "kin": one["video_id"]} for one in rows}
    tables = {
        "splits": ([assigned[video] for video in sorted(assigned)], SPLIT_TABLE),
        "changes": ([], CHANGES),
        "tombstones": (list(tombstones), TOMBSTONES),
    }
    for name, (content, fields) in tables.items():
        kept = [{field: one[field] for field in fields.names} for one in content]
        pq.write_table(pa.Table.from_pylist(kept, schema=fields), folder / f"{name}.parquet")
    return Account(
        **{
            "recipe": recipe or Recipe(name="toy", title="Toy", cites="Nobody et al., A Toy."),
            "version": version,
            "today": date(2030, 1, 2),
            "folder": folder,
            "before": None,
            "changes": (),
            "funnel": (("videos discovered", 5), ("clips released", len(rows))),
            "losses": (Loss("conditions", "dropped", "near_silent", 3, 15_000, "a_0_5000: −70 dBFS"),),
            "leakage": LEAKAGE,
            "provenance": {"clapper": "0.5.0", "models": dict(MODELS)},
            **changes,
        }
    )


def changed(change: str, clips: int, reason: str | None = None) -> Change:
    return Change(change, reason, clips, clips * 5000)
