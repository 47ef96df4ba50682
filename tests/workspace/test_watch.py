"""Stages that watch clips together: one decode for all, and each with its own outcome, journal and table."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import AnalysisError, Dropped, MediaError, ModelMissing
from schemas.recipe import Recipe
from tasks.media.fanout import Reader
from tasks.media.frames import FrameBatch, View
from tasks.workspace import watch
from tasks.workspace.outputs import Output
from tasks.workspace.reconcile import Plan, Retries, apply_plan, plan_stage
from tasks.workspace.stage import Context, Item, Produced, Stage, Watcher, alone
from tasks.workspace.watch import apply_plans

RECIPE = Recipe(name="toy", title="Toy")
SCHEMA = pa.schema([("clip_id", pa.string()), ("frames", pa.int64())])
PATIENT = Retries(tries=3, wait=timedelta(hours=6), now=datetime(2030, 1, 1, tzinfo=UTC))
IMPATIENT = Retries(tries=3, wait=timedelta(0), now=datetime(2100, 1, 1, tzinfo=UTC))
VIEWS = {"one": View(), "two": View(colour="gray", batch=4), "three": View(every=3)}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=64x36:r=25:d=0.48",
        "-pix_fmt",
        "yuv420p",
    ]
    subprocess.run([*command, str(path)], check=True)
    return path


@dataclass
class Bench:
    """Three stages that count frames; notes what each was really shown, and every decode."""

    root: Path
    clip: Path
    before: Callable[[str, Item], None] = lambda stage, item: None
    behave: Callable[[str, Item], None] = lambda stage, item: None
    ran: list[tuple[str, str]] = field(default_factory=list)
    decoded: list[Path] = field(default_factory=list)

    def stage(self, name: str, version: int = 1) -> Stage:
        def open_watcher(context: Context) -> Watcher:
            def watcher(item: Item) -> Reader:
                self.before(name, item)

                def consume(batches: Iterator[FrameBatch]) -> Produced:
                    self.ran.append((name, item.id))
                    count = 0
                    for batch in batches:
                        count += len(batch.frames)
                        self.behave(name, item)
                    return Produced([{"clip_id": item.id, "frames": count}])

                return Reader(VIEWS[name], consume)

            return watcher

        return Stage(
            name, version, "clip", (), SCHEMA, lambda r: {}, lambda r: (), alone(open_watcher), open_watcher
        )

    def plan(self, stage: Stage, clips: list[str], retries: Retries) -> Plan:
        rows = [{"clip_id": clip, "path": str(self.place(clip)), "duration_ms": 480} for clip in clips]
        items = [Item(row["clip_id"], "v", row) for row in rows]
        return plan_stage(stage, "00000", self.root, RECIPE, items, {}, lambda name: "0" * 64, retries)

    def place(self, clip: str) -> Path:
        return self.root / "broken.mp4" if clip == "broken" else self.clip

    def run(
        self,
        clips: list[str],
        names: tuple[str, ...] = tuple(VIEWS),
        retries: Retries = PATIENT,
        **versions: int,
    ) -> dict[str, Output]:
        plans = [self.plan(self.stage(name, versions.get(name, 1)), clips, retries) for name in names]
        return apply_plans(plans, Context(RECIPE, self.root, Path), {}, self.report)

    def report(self, stage: str, outcome: dict) -> None:
        assert outcome["key"]


@pytest.fixture
def bench(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    bench = Bench(tmp_path, clip)
    real = watch.fan_out

    def counted(path: Path, readers: dict[str, Reader]) -> dict:
        bench.decoded += [path] if readers else []
        return real(path, readers)

    monkeypatch.setattr(watch, "fan_out", counted)
    return bench


def frames(output: Output) -> dict[str, int]:
    return {item: rows[0]["frames"] for item, rows in output.records().items()}


def test_all_stages_are_fed_by_one_decode_of_each_clip(bench: Bench) -> None:
    outputs = bench.run(["a", "b"])
    assert len(bench.decoded) == 2
    assert {name: frames(output) for name, output in outputs.items()} == {
        "one": {"a": 12, "b": 12},
        "two": {"a": 12, "b": 12},
        "three": {"a": 4, "b": 4},
    }


def test_tables_and_keys_are_those_of_stages_that_ran_alone(bench: Bench, tmp_path: Path, clip: Path) -> None:
    together = bench.run(["a", "b"])
    single = Bench(tmp_path / "single", clip)
    for name in VIEWS:
        plan = single.plan(single.stage(name), ["a", "b"], PATIENT)
        output = apply_plan(plan, Context(RECIPE, single.root, Path), {})
        assert output.folder.relative_to(single.root) == together[name].folder.relative_to(bench.root)
        for file in ("records.parquet",):
            assert (output.folder / file).read_bytes() == (together[name].folder / file).read_bytes()


def test_a_second_run_opens_no_clip(bench: Bench) -> None:
    first = bench.run(["a", "b"])
    bench.decoded.clear()
    second = bench.run(["a", "b"])
    assert bench.decoded == []
    assert {name: out.folder for name, out in first.items()} == {
        name: out.folder for name, out in second.items()
    }


def test_a_clip_is_shown_only_to_those_that_lack_it(bench: Bench) -> None:
    bench.run(["a"])
    bench.ran.clear()
    bench.decoded.clear()
    bench.run(["a", "b"], two=2)
    assert sorted(bench.ran) == [("one", "b"), ("three", "b"), ("two", "a"), ("two", "b")]
    assert len(bench.decoded) == 2


ERRORS = {
    "failed": AnalysisError("b", "is too dark"),
    "dropped": Dropped("too_dark", "luma 3"),
    "unexpected": ZeroDivisionError("division by zero"),
}


@pytest.mark.parametrize("when", ["before", "behave"])
@pytest.mark.parametrize("kind", ERRORS)
def test_who_fails_costs_the_others_nothing(bench: Bench, kind: str, when: str) -> None:
    def fail(stage: str, item: Item) -> None:
        if (stage, item.id) == ("two", "b"):
            raise ERRORS[kind]

    setattr(bench, when, fail)
    outputs = bench.run(["a", "b", "c"])
    assert frames(outputs["one"]) == {"a": 12, "b": 12, "c": 12}
    assert frames(outputs["three"]) == {"a": 4, "b": 4, "c": 4}
    assert frames(outputs["two"]) == {"a": 12, "c": 12}
    outcome = outputs["two"].outcomes["b"]
    assert outcome["outcome"] == ("dropped" if kind == "dropped" else "failed")
    assert outcome["reason"] in ("AnalysisError", "too_dark", "unexpected")


def test_what_failed_is_tried_again_alone(bench: Bench) -> None:
    def fail(stage: str, item: Item) -> None:
        if (stage, item.id) == ("two", "b"):
            raise MediaError("b", "is odd")

    bench.behave = fail
    bench.run(["a", "b"])
    bench.ran.clear()
    bench.behave = lambda stage, item: None
    outputs = bench.run(["a", "b"], retries=IMPATIENT)
    assert bench.ran == [("two", "b")]
    assert frames(outputs["two"]) == {"a": 12, "b": 12}
    assert outputs["two"].outcomes["b"]["tries"] == 2


def test_a_clip_that_cannot_be_decoded_fails_for_those_that_read_it(bench: Bench) -> None:
    (bench.root / "broken.mp4").write_bytes(bench.clip.read_bytes()[:900])
    outputs = bench.run(["a", "broken"])
    for output in outputs.values():
        assert output.outcomes["a"]["outcome"] == "done"
        assert output.outcomes["broken"]["outcome"] == "failed"
        assert output.outcomes["broken"]["reason"] == "MediaError"
        assert "broken.mp4" in output.outcomes["broken"]["detail"]


@pytest.mark.parametrize("error", [ModelMissing("m", "is not here"), OSError(28, "No space left on device")])
def test_what_concerns_the_machine_stops_the_shard_and_keeps_what_is_done(
    bench: Bench, error: Exception
) -> None:
    def fail(stage: str, item: Item) -> None:
        if (stage, item.id) == ("two", "b"):
            raise error

    bench.behave = fail
    with pytest.raises(type(error)):
        bench.run(["a", "b", "c"])
    bench.behave = lambda stage, item: None
    bench.ran.clear()
    bench.run(["a", "b", "c"])
    assert ("two", "b") in bench.ran
    assert "a" not in {item for _, item in bench.ran}


@settings(deadline=None, max_examples=15)
@given(kills=st.lists(st.tuples(st.sampled_from(list(VIEWS)), st.integers(0, 12)), max_size=4))
def test_killed_anywhere_the_next_run_ends_in_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, clip: Path, kills: list[tuple[str, int]]
) -> None:
    clips = ["a", "b", "c"]
    expected = Bench(tmp_path_factory.mktemp("undisturbed"), clip).run(clips)
    bench = Bench(tmp_path_factory.mktemp("killed"), clip)
    for stage, batches in kills:
        left = iter(range(batches))

        def die(name: str, item: Item, stage: str = stage, left: Iterator[int] = left) -> None:
            if name == stage and next(left, None) is None:
                raise KeyboardInterrupt

        bench.behave = die
        try:
            bench.run(clips)
        except KeyboardInterrupt:
            for name in VIEWS:  # the kill may have torn the line that was being written
                with (bench.root / "stages" / name / "00000" / "journal.jsonl").open("a") as journal:
                    journal.write('{"outcome": {"item_id": "a", "ke')
    bench.behave = lambda stage, item: None
    outputs = bench.run(clips)
    for name, output in outputs.items():
        assert output.folder.name == expected[name].folder.name
        records = [(one.folder / "records.parquet").read_bytes() for one in (output, expected[name])]
        assert records[0] == records[1]
        assert not (output.folder.parent / "journal.jsonl").exists()
    assert len(bench.ran) <= len(VIEWS) * (len(clips) + len(kills)), "a kill costs the clip in hand at most"


def test_each_result_is_in_its_own_journal_before_the_next_clip(bench: Bench) -> None:
    lines: list[int] = []

    def look(stage: str, item: Item) -> None:
        if (stage, item.id) == ("one", "b"):
            journals = bench.root.glob("stages/*/00000/journal.jsonl")
            lines.extend(
                len([json.loads(line) for line in path.read_text().splitlines()]) for path in journals
            )

    bench.before = look
    bench.run(["a", "b"])
    assert lines == [1, 1, 1]


def test_a_stage_that_watches_can_also_run_alone(bench: Bench) -> None:
    worker = bench.stage("three").open(Context(RECIPE, bench.root, Path))
    item = Item("a", "v", {"clip_id": "a", "path": str(bench.clip), "duration_ms": 480})
    assert worker(item).rows == [{"clip_id": "a", "frames": 4}]
    broken = replace(item, row={**item.row, "path": "missing.mp4"})
    with pytest.raises(MediaError, match=r"missing\.mp4"):
        worker(broken)
