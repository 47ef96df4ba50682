"""Compose the manifest: one row per releasable clip, from what the stages recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import pyarrow as pa

from schemas.manifest import EVENT_SPAN
from schemas.scenarios import DOMAIN_OF
from schemas.tables import CERTIFICATE, LABEL_NAMES
from tasks.workspace.stage import Row

KEPT_FROM_CLIP = (
    "clip_id", "video_id", "bytes", "duration_ms", "width", "height", "source_start_ms", "source_end_ms",
    *(name for name, _, _ in CERTIFICATE),
)  # fmt: skip

KEPT_FROM_CONDITIONS = (
    "conditions", "active_box", "level_dbfs", "loudness_lufs", "true_peak_dbtp", "clipped_share",
    "above_background_db", "bandwidth_hz", "sharpness",
)  # fmt: skip

REVIEW_COLUMNS = {
    "reviewers": "counted", "review_votes": "votes", "review_findings": "findings",
    "review_agreement": "agreement", "adjudicator": "adjudicator", "keep_start_ms": "keep_start_ms",
    "keep_end_ms": "keep_end_ms",
}  # fmt: skip
"""Columns of the manifest, and what they are called in the stage's table."""


def manifest_rows(
    videos: Iterable[Row],
    records: Mapping[str, Mapping[str, Sequence[Row]]],
    held_back: Iterable[str],
    models: Mapping[str, str],
) -> list[Row]:
    """The rows of one shard, without their split.

    Args:
        videos: the shard's catalogue rows.
        records: for each stage, rows by video id (download, normalize) or clip id (all others).
        held_back: ids of clips for which some analysis is not done; they wait for a later release.
        models: analysis to model and checksum, as it goes into every row.

    Returns:
        Rows of `tasks.manifests.parts.PART`.
    """
    waiting = set(held_back)
    return [
        _row(video, records["download"][video["video_id"]][0], clip, records, models)
        for video in videos
        for clip in records["normalize"].get(video["video_id"], ())
        if clip["clip_id"] not in waiting
    ]


def _row(
    video: Row,
    source: Row,
    clip: Row,
    records: Mapping[str, Mapping[str, Sequence[Row]]],
    models: Mapping[str, str],
) -> Row:
    clip_id = clip["clip_id"]
    labels = _without_ids(records["labels"].get(clip_id, ()))
    conditions, evidence = (records[stage][clip_id][0] for stage in ("conditions", "evidence"))
    return {
        **{name: clip[name] for name in KEPT_FROM_CLIP},
        "path": f"media/{video['video_id']}/{clip_id}.mp4",
        "file": clip["path"],
        "channel": video["channel"],
        "domain": video["domain"],
        "list_label": clip["label"],
        "list_split": clip["list_split"],
        "source_url": source["url"],
        "source_sha256": source["sha256"],
        "source_frame_rate": source["frame_rate"],
        "source_sample_rate": source["sample_rate"],
        "source_licence": source["licence"],
        "source_published": source["published"],
        "downloader": source["tool"],
        **{f"{label}_ms": _total_ms(labels, label) for label in LABEL_NAMES},
        "labels": labels,
        "speech": _without_ids(records["speech"].get(clip_id, ())),
        **_voices(records["turns"].get(clip_id, ()), models["turns"]),
        "audio_events": _only(EVENT_SPAN, records["events"].get(clip_id, ())),
        "evidence": evidence["evidence"],
        **{name: conditions[name] for name in KEPT_FROM_CONDITIONS},
        "face_tracks": len(records["faces"].get(clip_id, ())),
        **_judged(records["offscreen"].get(clip_id, ())),
        **_reviewed(records["review"].get(clip_id, ())),
        "models": [{"analysis": analysis, "model": model} for analysis, model in models.items()],
    }


def _judged(judgements: Sequence[Row]) -> Row:
    """What a model said of the source and the meaning; nulls where the recipe asks none."""
    judged = judgements[0] if judgements else dict.fromkeys(("source", "source_name", "scenario", "domain"))
    return {
        "sound_source": judged["source"],
        "sound_source_name": judged["source_name"],
        "scenario": judged["scenario"],
        "scenario_domain": judged["domain"],
    }


def _reviewed(reviews: Sequence[Row]) -> Row:
    """What people said; where they named source and scenario, their word stands for the model's."""
    if not reviews:
        return dict.fromkeys(REVIEW_COLUMNS)
    review = reviews[0]
    columns = {column: review[name] for column, name in REVIEW_COLUMNS.items()}
    answers = {finding["question"]: finding["answer"] for finding in review["findings"]}
    columns |= {"sound_source": answers["source"]} if answers.get("source") else {}
    if answers.get("scenario"):
        columns |= {"scenario": answers["scenario"], "scenario_domain": DOMAIN_OF[answers["scenario"]]}
    return columns


def _voices(turns: Sequence[Row], model: str) -> Row:
    """How many voices speak, and how long several at once: each such stretch is in the turns of all its voices."""
    if model == "none":
        return {"voices": None, "overlapped_ms": None}
    edges = sorted({turn[side] for turn in turns for side in ("start_ms", "end_ms")})
    overlapped_ms = sum(
        end - start
        for start, end in pairwise(edges)
        if len({turn["voice"] for turn in turns if turn["start_ms"] <= start and turn["end_ms"] >= end}) > 1
    )
    return {"voices": len({turn["voice"] for turn in turns}), "overlapped_ms": overlapped_ms}


def _only(span: pa.StructType, rows: Iterable[Row]) -> list[Row]:
    return [{field.name: row[field.name] for field in span} for row in rows]


def _without_ids(rows: Iterable[Row]) -> list[Row]:
    return [
        {name: value for name, value in row.items() if name not in ("clip_id", "video_id")} for row in rows
    ]


def _total_ms(labels: Iterable[Row], label: str) -> int:
    return sum(row["end_ms"] - row["start_ms"] for row in labels if row["label"] == label)
