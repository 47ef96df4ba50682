"""Stages that ask a service: items taken together, items that wait for something outside, and kills between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from schemas.errors import Deferred, ServiceError, ServiceRefused
from schemas.recipe import Recipe
from tasks.workspace.outputs import Output
from tasks.workspace.reconcile import Plan, Retries, apply_plan, plan_stage
from tasks.workspace.stage import Context, Item, Produced, Stage, singly

RECIPE = Recipe(name="toy", title="Toy")
SCHEMA = pa.schema([("clip_id", pa.string())])
NOW = datetime(2020, 1, 1, tzinfo=UTC)
PATIENT = Retries(3, timedelta(hours=6), NOW)
"""Long before anything that these tests write down: nothing is due."""
LATER = replace(PATIENT, now=datetime(2100, 1, 1, tzinfo=UTC))


@dataclass
class Service:
    """A stage that answers its items from the last to the first, each as `says` has it."""

    root: Path
    says: dict[str, Exception] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def stage(self) -> Stage:
        def together(items: Sequence[Item]) -> Iterator:
            self.asked.append([item.id for item in items])
            for item in reversed(items):
                yield item, lambda item=item: self.answer(item)

        return Stage(
            "ask", 1, "clip", (), SCHEMA, lambda r: {}, lambda r: (), singly(lambda c: together),
            together=lambda c: together,
        )  # fmt: skip

    def answer(self, item: Item) -> Produced:
        if item.id in self.says:
            raise self.says[item.id]
        return Produced([{"clip_id": item.id}])

    def plan(self, retries: Retries = PATIENT) -> Plan:
        items = [Item(name, "video", {"duration_ms": 1000}) for name in "abc"]
        return plan_stage(self.stage(), "00000", self.root, RECIPE, items, {}, str, retries)

    def run(self, retries: Retries = PATIENT) -> Output:
        return apply_plan(self.plan(retries), Context(RECIPE, self.root, Path), {})


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def outcomes(output: Output) -> dict[str, tuple[str, str | None]]:
    return {item: (row["outcome"], row["reason"]) for item, row in output.outcomes.items()}


def test_all_items_are_handed_over_at_once_and_stored_in_their_order(service: Service) -> None:
    output = service.run()
    assert service.asked == [["a", "b", "c"]]
    assert list(output.outcomes) == ["a", "b", "c"]
    assert [rows[0]["clip_id"] for rows in output.records().values()] == ["a", "b", "c"]


def test_what_waits_is_looked_at_again_for_ever_and_no_try_is_counted(service: Service) -> None:
    service.says["b"] = Deferred("budget_reached", "5 USD of 5 USD")
    for _ in range(5):
        output = service.run(LATER)
        assert outcomes(output)["b"] == ("waiting", "budget_reached")
        assert output.outcomes["b"]["tries"] == 0
    assert service.asked == [["a", "b", "c"], *[["b"]] * 4]
    service.says.clear()
    assert outcomes(service.run(LATER))["b"] == ("done", None)
    service.run(LATER)
    assert len(service.asked) == 6


def test_what_waits_leaves_its_table_whole_and_is_not_due_at_once(service: Service) -> None:
    service.says["b"] = Deferred("batch_pending")
    service.run()
    plan = service.plan()
    assert plan.up_to_date
    due = service.plan(LATER)
    assert due.only_tries_again
    assert not due.up_to_date
    assert [item.id for item in due.todo] == ["b"]


def test_a_service_that_fails_on_an_item_says_how_and_is_asked_again_a_few_times(service: Service) -> None:
    service.says["a"] = ServiceError("a", "no answer within 120 s", kind="timed_out")
    for _ in range(5):
        output = service.run(replace(LATER, wait=timedelta(0)))
    assert outcomes(output)["a"] == ("failed", "timed_out")
    assert output.outcomes["a"]["tries"] == 3
    assert len(service.asked) == 3


def test_a_service_that_refuses_everybody_stops_the_task_and_what_was_answered_stays(
    service: Service,
) -> None:
    service.says["a"] = ServiceRefused("gemini", "does not take the key")
    with pytest.raises(ServiceRefused):
        service.run()
    service.says.clear()
    assert outcomes(service.run()) == dict.fromkeys("abc", ("done", None))
    assert service.asked == [["a", "b", "c"], ["a"]]


def test_one_item_alone_is_answered_the_same_way(service: Service) -> None:
    worker = service.stage().open(Context(RECIPE, service.root, Path))
    assert worker(Item("a", "video", {})).rows == [{"clip_id": "a"}]
