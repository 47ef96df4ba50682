"""The engine: what is present is not done again, what is missing is, and a kill costs one item at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Dropped, MediaError, ModelMissing, Unavailable
from schemas.recipe import Recipe
from tasks.workspace.outputs import Output, read_output
from tasks.workspace.reconcile import Retries, apply_plan, plan_stage
from tasks.workspace.stage import Context, Item, LeftOut, Produced, Stage

RECIPE = Recipe(name="toy", title="Toy")
SCHEMA = pa.schema([("video_id", pa.string()), ("value", pa.int64())])
NOW = datetime(2030, 1, 1, tzinfo=UTC)
PATIENT = Retries(tries=3, wait=timedelta(hours=6), now=NOW)
IMPATIENT = Retries(tries=3, wait=timedelta(0), now=datetime(2100, 1, 1, tzinfo=UTC))


@dataclass
class Bench:
    """A stage whose worker doubles a number, and notes every item that it was really run on."""

    root: Path
    behave: Callable[[Item], None] = lambda item: None
    ran: list[str] = field(default_factory=list)

    def stage(self, name: str = "double", factor: int = 2, inputs: tuple[str, ...] = ()) -> Stage:
        def work(item: Item) -> Produced:
            self.ran.append(item.id)
            self.behave(item)
            value = item.records[inputs[0]][0]["value"] if inputs else item.row["number"]
            parts = (LeftOut(f"{item.id}_part", "too_short", "1 s", 1000),) if item.row["number"] == 7 else ()
            return Produced([{"video_id": item.id, "value": value * factor}], parts)

        return Stage(
            name, 1, "video", inputs, SCHEMA, lambda r: {"factor": factor}, lambda r: (), lambda c: work
        )

    def run(
        self,
        stage: Stage,
        numbers: list[int],
        inputs: dict[str, Output] | None = None,
        retries: Retries = PATIENT,
    ) -> Output:
        items = [Item(f"v{n}", f"v{n}", {"number": n, "duration_ms": n}) for n in numbers]
        plan = plan_stage(
            stage, "00000", self.root, RECIPE, items, inputs or {}, lambda name: "0" * 64, retries
        )
        return apply_plan(plan, Context(RECIPE, self.root, Path), inputs or {})

    def values(self, output: Output) -> dict[str, int]:
        return {item: rows[0]["value"] for item, rows in output.records().items()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_second_run_does_nothing(bench: Bench) -> None:
    first = bench.run(bench.stage(), [1, 2, 3])
    bench.ran.clear()
    second = bench.run(bench.stage(), [1, 2, 3])
    assert bench.ran == []
    assert second.folder == first.folder
    assert bench.values(second) == {"v1": 2, "v2": 4, "v3": 6}


def test_only_what_is_new_is_done(bench: Bench) -> None:
    bench.run(bench.stage(), [1, 2])
    bench.ran.clear()
    assert bench.values(bench.run(bench.stage(), [1, 2, 3])) == {"v1": 2, "v2": 4, "v3": 6}
    assert bench.ran == ["v3"]


def test_a_changed_setting_redoes_the_stage_and_what_depends_on_it(bench: Bench) -> None:
    def both(factor: int) -> Output:
        above = bench.run(bench.stage("double", factor), [1, 2])
        return bench.run(bench.stage("ten", 10, ("double",)), [1, 2], {"double": above})

    both(2)
    bench.ran.clear()
    assert bench.values(both(3)) == {"v1": 30, "v2": 60}
    assert len(bench.ran) == 4
    bench.ran.clear()
    assert bench.values(both(2)) == {"v1": 20, "v2": 40}
    assert bench.ran == [], "going back to an earlier setting finds its tables"


def test_a_new_version_with_the_same_result_spares_what_depends_on_it(bench: Bench) -> None:
    above = bench.run(bench.stage(), [1, 2])
    bench.run(bench.stage("ten", 10, ("double",)), [1, 2], {"double": above})
    bench.ran.clear()
    again = bench.run(replace(bench.stage(), version=2), [1, 2])
    bench.run(bench.stage("ten", 10, ("double",)), [1, 2], {"double": again})
    assert bench.ran == ["v1", "v2"]


@settings(deadline=None, max_examples=20)
@given(kills=st.lists(st.integers(min_value=1, max_value=6), max_size=5))
def test_killed_anywhere_the_next_run_ends_in_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, kills: list[int]
) -> None:
    numbers = [1, 2, 3, 4, 5, 7]
    undisturbed = Bench(tmp_path_factory.mktemp("undisturbed"))
    expected = undisturbed.run(undisturbed.stage(), numbers)
    bench = Bench(tmp_path_factory.mktemp("killed"))
    for kill in kills:
        budget = iter(range(kill))

        def die(item: Item, budget=budget) -> None:
            if next(budget, None) is None:
                raise KeyboardInterrupt

        bench.behave = die
        try:
            bench.run(bench.stage(), numbers)
        except KeyboardInterrupt:
            journal = bench.root / "stages" / "double" / "00000" / "journal.jsonl"
            with journal.open("a") as file:  # the kill may have torn the line that was being written
                file.write('{"outcome": {"item_id": "v9", "ke')
    bench.behave = lambda item: None
    output = bench.run(bench.stage(), numbers)
    assert output.records() == expected.records()
    assert output.folder.name == expected.folder.name
    assert (output.folder / "records.parquet").read_bytes() == (
        expected.folder / "records.parquet"
    ).read_bytes()
    finished = [item for item in bench.ran if bench.ran.count(item) == 1]
    assert len(bench.ran) <= len(numbers) + len(kills), f"at most one item lost per kill; once: {finished}"
    assert not (output.folder.parent / "journal.jsonl").exists()


OUTCOMES = {
    "dropped": Dropped("too_short", "3 s"),
    "unavailable": Unavailable("private", "the uploader made it private"),
    "failed": MediaError("v2", "is cut off at 3 s", "fetch it again"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_item_that_ends_here_is_a_row_and_the_others_go_on(bench: Bench, outcome: str) -> None:
    def behave(item: Item) -> None:
        if item.id == "v2":
            raise OUTCOMES[outcome]

    bench.behave = behave
    output = bench.run(bench.stage(), [1, 2, 3])
    assert bench.values(output) == {"v1": 2, "v3": 6}
    row = output.outcomes["v2"]
    assert row["outcome"] == outcome
    assert row["reason"] in ("too_short", "private", "MediaError")
    assert any(text in row["detail"] for text in ("3 s", "private"))
    below = bench.run(bench.stage("ten", 10, ("double",)), [1, 2, 3], {"double": output})
    assert set(below.outcomes) == {"v1", "v3"}


def test_what_failed_is_tried_again_when_due_and_only_so_often(bench: Bench) -> None:
    def behave(item: Item) -> None:
        if item.id == "v2":
            raise MediaError("v2", "is broken")

    bench.behave = behave
    tables = [bench.run(bench.stage(), [1, 2], retries=PATIENT)]
    tables.append(bench.run(bench.stage(), [1, 2], retries=replace(PATIENT, now=datetime.now(UTC))))
    assert bench.ran == ["v1", "v2"], "not due yet"
    tables += [bench.run(bench.stage(), [1, 2], retries=IMPATIENT) for _ in range(5)]
    assert bench.ran == ["v1", "v2", "v2", "v2"]
    assert tables[-1].outcomes["v2"]["tries"] == 3
    assert read_output(tables[0].folder).outcomes["v2"]["tries"] == 1, "tables never change"


def test_a_retry_that_succeeds_carries_on(bench: Bench) -> None:
    bench.behave = lambda item: (_ for _ in ()).throw(Unavailable("geo_blocked")) if item.id == "v2" else None
    bench.run(bench.stage(), [1, 2])
    bench.behave = lambda item: None
    assert bench.values(bench.run(bench.stage(), [1, 2], retries=IMPATIENT)) == {"v1": 2, "v2": 4}


def test_a_surprise_is_a_failure_of_its_item_alone(bench: Bench) -> None:
    bench.behave = lambda item: [][item.row["number"]] if item.id == "v1" else None
    output = bench.run(bench.stage(), [1, 2])
    assert output.outcomes["v1"]["reason"] == "unexpected"
    assert "IndexError" in output.outcomes["v1"]["detail"]


@pytest.mark.parametrize("error", [ModelMissing("m", "is not here"), OSError(28, "No space left on device")])
def test_what_concerns_the_machine_stops_the_shard_and_keeps_what_is_done(
    bench: Bench, error: Exception
) -> None:
    def behave(item: Item) -> None:
        if item.id == "v2":
            raise error

    bench.behave = behave
    with pytest.raises(type(error)):
        bench.run(bench.stage(), [1, 2, 3])
    bench.behave = lambda item: None
    bench.ran.clear()
    bench.run(bench.stage(), [1, 2, 3])
    assert bench.ran == ["v2", "v3"]


def test_parts_left_out_are_in_the_ledger_and_survive_growth(bench: Bench) -> None:
    for numbers in ([7], [7, 8]):
        output = bench.run(bench.stage(), numbers)
        assert [(part["item_id"], part["reason"], part["milliseconds"]) for part in output.parts["v7"]] == [
            ("v7_part", "too_short", 1000)
        ]
