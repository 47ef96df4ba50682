"""What differs between two manifests: the SQL says what a plain comparison of all rows says, and why."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.outlook import recipe_for
from schemas.manifest import MANIFEST
from schemas.releases import CHANGES, TOMBSTONES, WITHHELD
from tasks.releases.account import Change
from tasks.releases.difference import Differing, compare
from tasks.releases.reasons import why_changed, why_gone
from tasks.releases.version import next_version
from tasks.workspace.query import open_database
from tests.releases.plain import changes_between, counted

COLUMNS = (
    "clip_id",
    "video_id",
    "split",
    "duration_ms",
    "evidence",
    "source_licence",
    "labels",
    "level_dbfs",
)


LABEL = st.fixed_dictionaries(
    {
        "start_ms": st.sampled_from([0, None]),
        "end_ms": st.sampled_from([0, 40]),
        "label": st.sampled_from(["other", ""]),
        "probability": st.sampled_from([0.0, 0.5, None]),
        "track": st.sampled_from([0, None]),
    }
)

VALUES = st.fixed_dictionaries(
    {
        "video_id": st.just("v"),
        "split": st.sampled_from(["train", "test"]),
        "duration_ms": st.just(40),
        "evidence": st.sampled_from(["evident", "uniform", None]),
        "source_licence": st.sampled_from(["CC BY 4.0", None]),
        "labels": st.none() | st.lists(LABEL, max_size=2),
        "level_dbfs": st.sampled_from([-20.0, 0.0, None]),
    }
)
ROWS = st.dictionaries(st.sampled_from("abcdef"), VALUES, min_size=1).map(
    lambda rows: [{"clip_id": clip, **row} for clip, row in rows.items()]
)
FORGOTTEN = st.sets(st.sampled_from(["evidence", "source_licence", "labels", "level_dbfs"]), max_size=2)


def written(rows: list[dict], columns: list[str], path: Path) -> Path:
    schema = pa.schema([field for field in MANIFEST if field.name in columns])
    pq.write_table(
        pa.Table.from_pylist([{name: row[name] for name in columns} for row in rows], schema), path
    )
    return path


def compared(old: Path, new: Path, **reasons) -> tuple[list[Change], list[dict]]:
    folder = new.parent
    gone = reasons.get("gone", lambda clips: dict.fromkeys(clips["clip_id"].to_pylist(), "gone"))
    changed = reasons.get("changed", lambda differing: ",".join(differing.columns))
    with open_database(folder, old=[old], new=[new]) as database:
        counts = compare(database, folder / "changes.parquet", gone, changed)
    table = pq.read_table(folder / "changes.parquet")
    assert table.schema.equals(CHANGES)
    return counts, table.to_pylist()


@settings(deadline=None, max_examples=40)
@given(ROWS, ROWS, FORGOTTEN, FORGOTTEN)
def test_it_says_what_a_plain_comparison_says(old: list, new: list, lost: set, gained: set) -> None:
    before, after = ([name for name in COLUMNS if name not in some] for some in (gained, lost))
    stripped = [
        [{name: row[name] for name in names} for row in rows] for rows, names in ((old, before), (new, after))
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = [written(rows, names, Path(folder) / name) for rows, names, name in
                 ((old, before, "old.parquet"), (new, after, "new.parquet"))]  # fmt: skip
        counts, changes = compared(*files)
    expected = changes_between(*stripped, before, after)
    found = [
        (each["clip_id"], each["change"], each["split_before"], each["split_after"], sorted(each["columns"]),
         each["relabelled"])
        for each in changes
    ]  # fmt: skip
    assert found == expected
    totals: dict[str, int] = {}
    for each in counts:
        totals[each.change] = totals.get(each.change, 0) + each.clips
        assert each.milliseconds == 40 * each.clips
    assert totals == dict(counted(expected))
    for each in changes:
        reasons = {"added": None, "removed": "gone"}
        assert each["reason"] == reasons.get(each["change"], ",".join(each["columns"]))


def test_a_column_that_only_one_version_knows_makes_no_clip_another(tmp_path: Path) -> None:
    row = {"clip_id": "a", "video_id": "v", "split": "train", "duration_ms": 40, "evidence": "evident"}
    narrow, wide = ["clip_id", "video_id", "split", "duration_ms"], [*row]
    files = [written([row], names, tmp_path / f"{len(names)}.parquet") for names in (narrow, wide)]
    for old, new in (files, reversed(files)):
        counts, changes = compared(old, new)
        assert [each.change for each in counts] == ["described"]
        assert changes[0]["columns"] == ["evidence"]
    unknown = written([{**row, "evidence": None}], wide, tmp_path / "unknown.parquet")
    assert compared(files[0], unknown) == ([], [])


def test_the_same_changes_make_the_same_bytes(tmp_path: Path) -> None:
    rows = [
        {"clip_id": f"c{n:05d}", "video_id": "v", "split": "train", "duration_ms": 40, "evidence": str(n % 7)}
        for n in range(25_000)
    ]
    later = [{**row, "evidence": "evident"} for row in rows[1000:]]
    old, new = (written(some, [*rows[0]], tmp_path / name) for some, name in ((rows, "old"), (later, "new")))
    contents = []
    for _ in range(2):
        counts, _ = compared(old, new)
        contents.append((tmp_path / "changes.parquet").read_bytes())
    assert contents[0] == contents[1]
    assert [(each.change, each.clips) for each in counts] == [("changed", 24_000), ("removed", 1_000)]


@pytest.mark.parametrize(
    "kinds, after",
    [
        ({"described"}, "1.4.3"),
        ({"described", "added"}, "1.5.0"),
        ({"added", "removed"}, "2.0.0"),
        ({"moved"}, "2.0.0"),
        ({"changed", "described"}, "2.0.0"),
    ],
)
def test_the_rule_of_versions(kinds: set[str], after: str) -> None:
    assert next_version(None, kinds) == "1.0.0"
    assert next_version("1.4.2", kinds) == after


RECIPE = recipe_for("realsync")


def recipe_before(**sections) -> dict:
    return {**RECIPE.as_run().model_dump(mode="json"), **sections}


@pytest.mark.parametrize(
    "columns, models, before, reason",
    [
        (["labels"], ({"speakers": "a@1"}, {"speakers": "b@2"}), recipe_before(),
         "models: speakers a@1 -> b@2"),
        (["labels", "models"], ({"speakers": "a"}, {"speakers": "a", "turns": "t@1"}), recipe_before(),
         "models: turns none -> t@1"),
        (["labels"], ({}, {}), recipe_before(labels={}, title="another"), "recipe: labels"),
        (["labels"], ({}, {}), recipe_before(), "code"),
        (["labels"], ({}, {}), None, "code"),
        (["review_votes", "scenario"], ({}, {}), recipe_before(), "review"),
        (["sha256", "frames_xxh3", "labels"], ({}, {}), recipe_before(), "media"),
        (["source_licence"], ({}, {}), recipe_before(labels={}), "source"),
        (["split"], ({}, {}), recipe_before(), "splits"),
        (["source_licence", "models"], ({"speech": "a"}, {"speech": "b"}), recipe_before(),
         "models: speech a -> b; source"),
    ],
)  # fmt: skip
def test_why_a_clip_differs(columns: list, models: tuple, before: dict | None, reason: str) -> None:
    assert why_changed(before, RECIPE)(Differing(tuple(columns), *models)) == reason


def test_why_a_clip_is_gone() -> None:
    down = pa.Table.from_pylist([{"video_id": "d", "taken_down_on": "2026-01-01"}], TOMBSTONES)
    held = pa.Table.from_pylist([{"clip_id": "w1", "reason": "straddles_splits"}], WITHHELD)
    clips = pa.table({"clip_id": ["d1", "w1", "x1"], "video_id": ["d", "w", "x"]})
    why = why_gone(
        down, held, lambda rest: {clip: "dropped: conditions black" for clip in rest["clip_id"].to_pylist()}
    )
    assert why(clips) == {
        "d1": "taken_down", "w1": "withheld: straddles_splits", "x1": "dropped: conditions black"
    }  # fmt: skip
