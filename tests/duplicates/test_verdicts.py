"""Verdicts over all shards: made once for what the shards hold, by fit clips alone, and applied clip by clip."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from schemas.errors import Dropped
from schemas.recipe import Recipe
from schemas.sections import Duplicates
from schemas.tables import CONDITIONS, FINGERPRINTS
from tasks.duplicates.stage import STAGE
from tasks.duplicates.verdicts import Shard, pairs_file, read_verdicts, verdicts_file, write_verdicts
from tasks.workspace.outputs import Entry, Output, write_output
from tasks.workspace.stage import Context, Item
from tests.duplicates.making import recording, row_of

RULES = Duplicates()


def table(root: Path, stage: str, shard: str, rows: dict[str, list], dropped: tuple[str, ...] = ()) -> Output:
    schema = {"fingerprints": FINGERPRINTS, "conditions": CONDITIONS}[stage]
    entries = [
        Entry({"item_id": clip, "outcome": "dropped" if clip in dropped else "done"}, made)
        for clip, made in rows.items()
    ]
    return write_output(root / "stages" / stage / shard / "0.0", schema, entries)


def shard(root: Path, name: str, clips: dict[str, int], dropped: tuple[str, ...] = ()) -> Shard:
    """Clips by id with a number each: equal numbers are equal recordings."""
    prints = {
        clip: [row_of(replace(recording(number), clip_id=clip, video_id=f"video of {clip}"))]
        for clip, number in clips.items()
    }
    conditions = {clip: [] for clip in clips}
    return table(root, "fingerprints", name, prints), table(root, "conditions", name, conditions, dropped)


def test_a_later_clip_of_any_shard_is_told_by_the_first_and_the_file_is_made_once(tmp_path: Path) -> None:
    shards = [shard(tmp_path, "00000", {"a": 1, "b": 2}), shard(tmp_path, "00001", {"c": 1, "d": 3})]
    path = write_verdicts(tmp_path, RULES, shards)
    assert path == verdicts_file(tmp_path, RULES, shards)
    assert {clip: row["duplicate_of"] for clip, row in read_verdicts(path).items()} == {"c": "a"}
    made = path.stat().st_mtime_ns
    assert write_verdicts(tmp_path, RULES, shards) == path
    assert path.stat().st_mtime_ns == made
    assert verdicts_file(tmp_path, RULES, shards[:1]) != path
    (pair,) = pq.read_table(pairs_file(path)).to_pylist()
    assert (pair["clip_id"], pair["video_id"], pair["other_clip"], pair["kind"]) == (
        "c",
        "video of c",
        "a",
        "both",
    )
    # 60 pictures 120 ms apart, and 40 items of sound.
    assert (pair["shorter_ms"], pair["overlap_ms"]) == (7_200, pytest.approx(7_200, abs=500))
    counts = json.loads(pq.read_schema(pairs_file(path)).metadata[b"counts"])
    assert (counts["clips fingerprinted"], counts["pairs possible"], counts["pairs alike"]) == (4, 6, 1)
    assert verdicts_file(tmp_path, Duplicates(max_sound=0.05), shards) != path


def test_a_clip_that_is_left_out_anyhow_stands_for_no_other(tmp_path: Path) -> None:
    shards = [shard(tmp_path, "00000", {"a": 1}, dropped=("a",)), shard(tmp_path, "00001", {"c": 1, "d": 1})]
    found = read_verdicts(write_verdicts(tmp_path, RULES, shards))
    assert {clip: row["duplicate_of"] for clip, row in found.items()} == {"d": "c"}


def test_a_duplicate_is_dropped_with_its_original_and_numbers(tmp_path: Path) -> None:
    shards = [shard(tmp_path, "00000", {"a": 1, "b": 2, "c": 1})]
    found = read_verdicts(write_verdicts(tmp_path, RULES, shards))
    work = STAGE.open(Context(Recipe(name="toy", title="Toy", duplicates=RULES), tmp_path, Path))
    assert work(Item("b", "v", {"verdict": found.get("b")})).rows == []
    with pytest.raises(
        Dropped, match=r"duplicate: of a: picture and sound alike for \d+ ms \(picture 0% apart"
    ):
        work(Item("c", "v", {"verdict": found["c"]}))
