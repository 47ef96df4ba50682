"""Erasing: nothing of a video is left, and the engine finds all that was made of the others where it looks for it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.tables import CATALOG, DUPLICATES
from tasks.workspace.catalog import add_to_catalog, catalog_files, read_catalog, shards
from tasks.workspace.erase import erase, held, look_alikes, rows_without, same_files
from tasks.workspace.ledger import left_out_at_discovery, record_left_out
from tasks.workspace.outputs import read_journal
from tasks.workspace.stage import Item, LeftOut
from tasks.workspace.tombstones import take_down
from tests.workspace.test_reconcile import IMPATIENT, OUTCOMES, Bench


def traces(root: Path, text: str) -> list[str]:
    """The files of a workspace, without published versions and tombstones, that say or are called something."""
    found = []
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        name = str(file.relative_to(root))
        if name.startswith(("releases/", "tombstones/")):
            continue
        said = file.read_bytes().decode("latin-1")
        if file.suffix == ".parquet":
            said = json.dumps(pq.ParquetFile(file).read().to_pylist(), default=str)
        if text in said or text in name:
            found.append(name)
    return found


def video(number: int, **facts) -> dict:
    row = dict.fromkeys(CATALOG.names) | {"video_id": f"v{number}", "kind": "files", "channel": "c"}
    return row | {"location": f"/nowhere/v{number}.mp4", "duration_ms": 1000} | facts


@settings(deadline=None, max_examples=15)
@given(
    runs=st.lists(
        st.tuples(
            st.lists(st.integers(1, 6), unique=True, min_size=1, max_size=6),  # which videos the shard has
            st.sampled_from((2, 3)),  # a setting
            st.sets(st.integers(1, 6), max_size=3),  # which fail
            st.booleans(),  # whether failures are due again
        ),
        min_size=1,
        max_size=4,
    ),
    gone=st.sets(st.integers(1, 6), min_size=1, max_size=3),
    kill=st.integers(0, 6),
)
def test_after_any_history_nothing_is_left_and_nothing_else_is_computed_anew(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple], gone: set[int], kill: int
) -> None:
    bench = Bench(tmp_path_factory.mktemp("workspace"))
    add_to_catalog(bench.root, [video(number) for number in range(1, 8)], shard_ms=100_000)

    def behave(item: Item, failing: set[int], budget) -> None:
        if budget is not None and next(budget, None) is None:
            raise KeyboardInterrupt
        if item.row["number"] in failing:
            raise OUTCOMES["failed"]

    for numbers, factor, failing, due in runs:
        bench.behave = partial(behave, failing=failing, budget=None)
        bench.run(bench.stage(factor=factor), numbers, retries=IMPATIENT if due else PATIENT_NEVER)
    numbers, factor, failing, _ = runs[-1]
    bench.behave = partial(behave, failing=failing, budget=iter(range(kill)))
    with suppress(KeyboardInterrupt):  # and a further run, of all videos, that is killed somewhere
        bench.run(bench.stage(factor=factor), [1, 2, 3, 4, 5, 6, 7], retries=PATIENT_NEVER)
    kept = {item: rows for item, rows in _known(bench).items() if int(item[1:]) not in gone}

    videos = {f"v{number}" for number in gone}
    erase(bench.root, videos, ["00000"])
    for name in videos:
        assert traces(bench.root, f'"{name}"') == []
        assert traces(bench.root, f"{name}_") == []
    assert _known(bench) == kept

    bench.behave = partial(behave, failing=set(), budget=None)
    bench.ran.clear()
    rest = [number for number in numbers if number not in gone]
    output = bench.run(bench.stage(factor=factor), rest, retries=PATIENT_NEVER)
    assert bench.ran == [], "all that was made of the others is found again"
    assert set(output.outcomes) == {f"v{number}" for number in rest}
    before = sorted(str(path) for path in bench.root.rglob("*"))
    erase(bench.root, videos, ["00000"])
    assert sorted(str(path) for path in bench.root.rglob("*")) == before, "a repeat does nothing"


PATIENT_NEVER = IMPATIENT.__class__(tries=1, wait=IMPATIENT.wait, now=IMPATIENT.now)
"""No second try."""


def _known(bench: Bench) -> dict[str, set]:
    """Each item with the latest outcomes under each of its keys, over all tables and the journal."""
    from tasks.workspace.outputs import read_output

    folder = bench.root / "stages" / "double" / "00000"
    found: dict[tuple, dict] = {}
    looks = [
        (outcome, outputs.get(item, []))
        for path in sorted(folder.glob("*.[0-9]*"))
        for output in [read_output(path)]
        for outputs in [output.records()]
        for item, outcome in output.outcomes.items()
    ]
    looks += [(entry.outcome, list(entry.rows)) for entry in read_journal(folder / "journal.jsonl")]
    for outcome, rows in looks:
        place = outcome["item_id"], outcome["key"]
        if place not in found or found[place]["tries"] <= outcome["tries"]:
            found[place] = outcome | {"rows": rows}
    known: dict[str, set] = {}
    for (item, key), outcome in found.items():
        known.setdefault(item, set()).add((key, outcome["outcome"], outcome["tries"], str(outcome["rows"])))
    return known


def test_media_lists_and_the_catalogue_are_rid_of_it(tmp_path: Path) -> None:
    add_to_catalog(tmp_path, [video(1, title="Secret"), video(2), video(3)], shard_ms=2000)
    record_left_out(
        tmp_path, [LeftOut("v1_0_5", "second_label", "secret"), LeftOut("v9", "too_short", "1 s")]
    )
    for folder in ("clips", "previews"):
        for name in ("v1", "v2"):
            (tmp_path / folder / name).mkdir(parents=True)
            (tmp_path / folder / name / f"{name}_0_5-abc.mp4").write_bytes(b"1")
    (tmp_path / "manifests" / "toy" / "00000").mkdir(parents=True)
    (tmp_path / "manifests" / "toy" / "00000" / "x.parquet").write_bytes(b"v1")
    assert held(tmp_path, ["v1"]).shards == {"00000"}
    erase(tmp_path, ["v1"], ["00000"])
    assert traces(tmp_path, "v1") == [] == traces(tmp_path, "ecret")
    assert [row["video_id"] for row in read_catalog(tmp_path)] == ["v2", "v3"]
    assert [row["item_id"] for row in left_out_at_discovery(tmp_path)] == ["v9"]
    assert (tmp_path / "clips" / "v2" / "v2_0_5-abc.mp4").exists()


def test_a_shard_without_videos_is_no_more_and_others_keep_their_names(tmp_path: Path) -> None:
    add_to_catalog(tmp_path, [video(1), video(2), video(3)], shard_ms=1000)
    bench = Bench(tmp_path)
    bench.run(bench.stage(), [1])
    erase(tmp_path, ["v1"], ["00000"])
    assert not (tmp_path / "stages" / "double" / "00000").exists()
    assert add_to_catalog(tmp_path, [video(4)], shard_ms=1000) == ["00003"]
    assert {name: [row["video_id"] for row in rows] for name, rows in shards(read_catalog(tmp_path)).items()} == {
        "00001": ["v2"], "00002": ["v3"], "00003": ["v4"]
    }  # fmt: skip


def test_the_catalogue_has_no_video_that_was_taken_down_though_it_is_not_erased_yet(tmp_path: Path) -> None:
    add_to_catalog(tmp_path, [video(1), video(2)], shard_ms=5000)
    take_down(tmp_path, {"v1": []}, "", date(2030, 1, 1))
    assert [row["video_id"] for row in read_catalog(tmp_path)] == ["v2"]
    assert add_to_catalog(tmp_path, [video(3)], shard_ms=5000) == ["00001"]
    assert len(catalog_files(tmp_path)) == 2


def test_entries_of_others_that_speak_of_it_go_where_clips_are_compared(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    add_to_catalog(tmp_path, [video(1), video(2), video(3)], shard_ms=100_000)

    def behave(item: Item) -> None:
        if item.id == "v2":
            raise OUTCOMES["dropped"].__class__("duplicate", "of v1_0_5000: picture alike for 5000 ms")

    bench.behave = behave
    bench.run(bench.stage("duplicates"), [1, 2, 3])
    bench.run(bench.stage("double"), [1, 2, 3])
    erase(tmp_path, ["v1"], ["00000"])
    assert traces(tmp_path / "stages" / "duplicates", "v1") == []
    bench.ran.clear()
    bench.run(bench.stage("duplicates"), [2, 3])
    assert bench.ran == ["v2"], "only what spoke of it is judged anew"


def test_copies_and_files_of_the_same_bytes_are_named(tmp_path: Path) -> None:
    add_to_catalog(tmp_path, [video(1, sha256="a" * 64), video(2, sha256="a" * 64), video(3)], shard_ms=5000)
    assert same_files(tmp_path, ["a" * 64], ["v1"]) == ["v2"]
    assert same_files(tmp_path, []) == []
    alike = dict.fromkeys(DUPLICATES.names) | {"clip_id": "v3_0_5", "duplicate_of": "v1_0_5", "kind": "both"}
    (tmp_path / "duplicates").mkdir()
    file = tmp_path / "duplicates" / "x.parquet"
    pq.write_table(pa.Table.from_pylist([alike], schema=DUPLICATES), file)
    assert look_alikes(tmp_path, ["v1"]) == {"v3": "both"} and look_alikes(tmp_path, ["v3"]) == {"v1": "both"}
    assert look_alikes(tmp_path, ["v2"]) == look_alikes(tmp_path, ["v1", "v3"]) == {}
    erase(tmp_path, ["v2"], [])
    assert file.exists()
    erase(tmp_path, ["v1"], [])
    assert not file.exists()


def test_rows_go_and_the_file_stays_as_it_is_without_any(tmp_path: Path) -> None:
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": ["a", "b_0_5", "b", None]}), file)
    before = file.stat().st_mtime_ns
    assert not rows_without(file, "id", ["c"])
    assert file.stat().st_mtime_ns == before
    assert rows_without(file, "id", ["a"], also_of=["b"])
    assert pq.read_table(file)["id"].to_pylist() == [None]
