"""Accounts of batches: the whole batch or nothing, across runs and kills."""

from __future__ import annotations

import pytest

from schemas.errors import WorkspaceError
from tasks.offscreen.money.accounts import AlreadyAsked, BudgetReached, Budgets, open_accounts
from tasks.offscreen.money.batch_accounts import batch_created, open_batches, plan_batch, settle_batch
from tests.offscreen.money.test_accounts import MODEL, PLENTY, answered


def test_a_batch_is_planned_made_and_settled_in_another_run(tmp_path):
    accounts = open_accounts(tmp_path)
    planned = plan_batch(accounts, "r1", MODEL, "b1", {"k2": 20, "k1": 10, "k3": 5}, PLENTY, {"k1": 900})
    assert open_batches(accounts) == [planned]
    assert (planned.job, list(planned.reservations)) == (None, ["k2", "k1", "k3"])
    batch_created(accounts, "b1", "batches/77")
    batch_created(accounts, "b1", "batches/77")
    assert accounts.close_abandoned("r2") == 0
    (found,) = open_batches(open_accounts(tmp_path))
    assert (found.job, found.reservations) == ("batches/77", planned.reservations)
    assert accounts.spent("r1").reserved == 35
    settle_batch(accounts, "b1", {"k1": (4, answered("one"))}, {"k2": "overloaded"})
    assert open_batches(accounts) == []
    assert accounts.answers() == {"k1": answered("one")}
    assert (accounts.spent("r1").settled, accounts.spent("r1").against_budget) == (4, 4)
    (line,) = accounts.totals()
    assert (line.requests, line.answered, line.faults) == (3, 1, {"missing": 1, "overloaded": 1})
    accounts.reserve("r2", MODEL, "k2", 20, PLENTY)


def test_a_batch_that_passes_a_budget_leaves_nothing_behind(tmp_path):
    accounts = open_accounts(tmp_path)
    with pytest.raises(BudgetReached):
        plan_batch(accounts, "r1", MODEL, "b1", {"k1": 60, "k2": 60}, Budgets(run=100, total=1000))
    assert (open_batches(accounts), accounts.totals(), accounts.spent().against_budget) == ([], [], 0)
    plan_batch(accounts, "r1", MODEL, "b1", {"k1": 60, "k2": 40}, Budgets(run=100, total=1000))


def test_what_is_in_a_batch_is_asked_nowhere_else(tmp_path):
    accounts = open_accounts(tmp_path)
    plan_batch(accounts, "r1", MODEL, "b1", {"k1": 1}, PLENTY)
    with pytest.raises(AlreadyAsked):
        accounts.reserve("r2", MODEL, "k1", 1, PLENTY)
    with pytest.raises(AlreadyAsked):
        plan_batch(accounts, "r2", MODEL, "b2", {"k0": 1, "k1": 1}, PLENTY)
    assert [batch.display_name for batch in open_batches(accounts)] == ["b1"]


def test_a_batch_is_settled_once_and_with_its_own_answers(tmp_path):
    accounts = open_accounts(tmp_path)
    plan_batch(accounts, "r1", MODEL, "b1", {"k1": 1}, PLENTY)
    with pytest.raises(WorkspaceError, match="none is stranger"):
        settle_batch(accounts, "b1", {"stranger": (1, answered())}, {})
    assert accounts.spent().reserved == 1
    settle_batch(accounts, "b1", {}, {"k1": "unreachable"})
    with pytest.raises(WorkspaceError, match="no open batch"):
        settle_batch(accounts, "b1", {}, {})
    with pytest.raises(WorkspaceError, match="no open batch"):
        batch_created(accounts, "b1", "batches/1")
    with pytest.raises(WorkspaceError, match="planned before"):
        plan_batch(accounts, "r1", MODEL, "b1", {"k1": 1}, PLENTY)
    with pytest.raises(WorkspaceError, match="0 requests"):
        plan_batch(accounts, "r1", MODEL, "b2", {}, PLENTY)


def test_a_batch_is_not_two_jobs(tmp_path):
    accounts = open_accounts(tmp_path)
    plan_batch(accounts, "r1", MODEL, "b1", {"k1": 1}, PLENTY)
    batch_created(accounts, "b1", "batches/1")
    with pytest.raises(WorkspaceError, match="batches/2"):
        batch_created(accounts, "b1", "batches/2")
