"""Small manifests and the versions made of them; the clips are files of a few bytes, which nothing can decode."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.manifest import MANIFEST
from schemas.recipe import Recipe
from schemas.releases import SPLIT_TABLE, WITHHELD
from tasks.manifests import write_part
from tasks.releases import Release, latest_release, publish
from tasks.releases.account import Account
from tasks.releases.draft import Draft, draft_release
from tasks.releases.publish import Beside
from tasks.splits import Splitting

RECIPE = Recipe(name="toy", title="Toy")
TODAY = date(2030, 1, 2)


def row(root: Path, video: str, number: int = 0, **changes) -> dict:
    """A row of a manifest's part, and the clip file it speaks of."""
    clip_id = f"{video}_{number * 1000}_{number * 1000 + 1000}"
    file = root / "clips" / f"{clip_id}.mp4"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(clip_id.encode())
    checksum = hashlib.sha256(clip_id.encode()).hexdigest()
    label = {"start_ms": 0, "end_ms": 1000, "label": "other", "probability": 0.75, "track": None}
    numbers = {field.name: 0 for field in MANIFEST if str(field.type) == "int64"}
    return {
        **{field.name: None for field in MANIFEST if field.name != "split"},
        **numbers,
        "file": f"clips/{clip_id}.mp4",
        "clip_id": clip_id,
        "video_id": video,
        "channel": "news",
        "sha256": checksum,
        "frames_xxh3": checksum[:32],
        "samples_xxh3": checksum[32:],
        "source_sha256": hashlib.sha256(video.encode()).hexdigest(),
        "source_start_ms": number * 1000,
        "source_end_ms": number * 1000 + 1000,
        "source_frame_rate": "25",
        "bytes": len(clip_id),
        "duration_ms": 1000,
        "width": 456,
        "height": 256,
        "frames": 25,
        "samples": 16_000,
        "other_ms": 1000,
        "labels": [label],
        "speech": [],
        "audio_events": [],
        "conditions": ["still"],
        "evidence": "uniform",
        "models": [{"analysis": "faces", "model": "haar"}],
        **changes,
    }


def fixed_split(splits: Mapping[str, str], withheld: Sequence[dict] = ()):
    """In place of `split_videos`: the splits as given, train for others, and those given earlier for ever."""

    def split(parts, fixed, pairs, rules, scratch) -> Splitting:
        videos = {video for part in parts for video in pq.read_table(part)["video_id"].to_pylist()}
        known = {each["video_id"]: each for each in (fixed.to_pylist() if fixed else ())}
        new = {
            video: {"video_id": video, "channel": "news", "split": splits.get(video, "train"), "kin": video}
            for video in sorted(videos)
        }
        rows = list((new | known).values())
        held = pa.Table.from_pylist(list(withheld), WITHHELD)
        return Splitting(pa.Table.from_pylist(rows, SPLIT_TABLE), held)

    return split


def draft(root: Path, rows: Sequence[dict], scratch: Path, recipe: Recipe = RECIPE, **how) -> Draft | None:
    """The next version of these rows, in parts of two videos each."""
    videos = sorted({each["video_id"] for each in rows})
    parts = []
    for start in range(0, len(videos), 2):
        some = [each for each in rows if each["video_id"] in videos[start : start + 2]]
        parts.append(write_part(scratch / f"{start:05d}.parquet", lambda some=some: some))
    return draft_release(root, recipe, parts, scratch, **how)


def release(
    root: Path,
    rows: Sequence[dict],
    splits: Mapping[str, str] | None = None,
    recipe: Recipe = RECIPE,
    beside: Beside | None = None,
    **how,
) -> Release | None:
    """Publish these rows, if they differ from the version before."""
    beside = beside or Beside()
    if splits is not None:
        how["split"] = fixed_split(splits)
    with tempfile.TemporaryDirectory(dir=root) as folder:
        found = draft(root, rows, Path(folder), recipe, tombstones=beside.tombstones, **how)
        if found is None:
            return None
        return publish.publish(root, recipe, found, beside, TODAY, Path(folder))


def without_media(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `publish` write a page without pictures: files of a few bytes cannot be decoded for previews."""

    def write_report(account: Account, *_: object) -> None:
        (account.folder / "report.html").write_text(f"<p>{account.version}</p>")

    monkeypatch.setattr(publish, "write_report", write_report)


def made_by_one_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every version name the same code: a commit while a test runs is rightly another code, and no fault."""
    monkeypatch.setattr(
        "tasks.releases.provenance.code", lambda: {"version": "1.0", "revision": None, "changed": None}
    )


def newest(root: Path) -> Release:
    found = latest_release(root, RECIPE.name)
    assert found is not None
    return found
