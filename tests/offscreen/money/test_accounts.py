"""The accounts: no interleaving passes a budget, what was paid for is kept, and the sums are exact."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import WorkspaceError
from schemas.judging import Offscreen
from tasks.offscreen.answers import StoredAnswer
from tasks.offscreen.money.accounts import (
    FILE,
    AlreadyAsked,
    BudgetReached,
    Budgets,
    Reservation,
    accounts_if_any,
    budgets_of,
    open_accounts,
)
from tasks.offscreen.reply import Reply, Usage

MODEL = "gemini-3-flash-preview"
PLENTY = Budgets(run=10**15, total=10**15)
ROOT = Path(__file__).parents[3]


USAGE = Usage(1000, 200, 50)


def answered(text: str = "{}", usage: Usage = USAGE, run: str = "r1") -> StoredAnswer:
    reply = Reply(text, "STOP", None, usage, "gemini-3-flash-preview-001")
    return StoredAnswer(reply, MODEL, "v1", "2026-11-21T10:00:00+00:00", run)


def rows_of(root: Path) -> list[sqlite3.Row]:
    with sqlite3.connect(root / FILE) as books:
        books.row_factory = sqlite3.Row
        return books.execute("SELECT * FROM requests ORDER BY id").fetchall()


def test_a_request_is_reserved_settled_and_told(tmp_path):
    accounts = open_accounts(tmp_path)
    reservation = accounts.reserve("r1", MODEL, "k1", 500, PLENTY, counted_tokens=990)
    assert accounts.spent("r1").reserved == 500
    assert accounts.answer("k1") is None
    assert accounts.settle(reservation, 321, answered()) == answered()
    assert accounts.answer("k1") == answered()
    assert accounts.spent() == accounts.spent("r1")
    assert (accounts.spent().settled, accounts.spent().reserved, accounts.spent().uncertain) == (321, 0, 0)
    (line,) = accounts.totals()
    assert (line.requests, line.answered, line.under_way, line.counted_tokens) == (1, 1, 0, 990)
    assert (line.billed, line.money, line.uncertain, line.faults) == (Usage(1000, 200, 50), 321, 0, {})
    assert accounts.usual_output(MODEL) == 50
    assert accounts.usual_output("another") is None


def test_what_ends_without_an_answer_is_told_by_kind_and_uncertain_money_counts(tmp_path):
    accounts = open_accounts(tmp_path)
    for number, fault in enumerate(("rate_limited", "overloaded", "rate_limited")):
        accounts.give_back(accounts.reserve("r1", MODEL, f"k{number}", 100, PLENTY), fault)
    accounts.uncertain(accounts.reserve("r1", MODEL, "late", 70, PLENTY), "timed_out")
    (line,) = accounts.totals()
    assert line.faults == {"overloaded": 1, "rate_limited": 2, "timed_out": 1}
    assert (line.money, line.uncertain, accounts.spent().against_budget) == (0, 70, 70)
    with pytest.raises(BudgetReached) as reached:
        accounts.reserve("r1", MODEL, "more", 31, Budgets(run=100, total=1000))
    assert (reached.value.which, reached.value.spent, reached.value.wanted) == ("run", 70, 31)
    accounts.reserve("r1", MODEL, "more", 30, Budgets(run=100, total=1000))


def test_each_budget_is_checked_and_the_error_says_which(tmp_path):
    accounts = open_accounts(tmp_path)
    accounts.reserve("r1", MODEL, "a", 60, Budgets(run=60, total=100))
    with pytest.raises(BudgetReached, match="budget_per_run") as reached:
        accounts.reserve("r1", MODEL, "b", 1, Budgets(run=60, total=100))
    assert (reached.value.which, reached.value.reserved) == ("run", 60)
    with pytest.raises(BudgetReached, match="budget_total") as reached:
        accounts.reserve("r2", MODEL, "b", 41, Budgets(run=60, total=100))
    assert str(pickle.loads(pickle.dumps(reached.value))) == str(reached.value)
    accounts.reserve("r2", MODEL, "b", 40, Budgets(run=60, total=100))
    accounts.reserve("r2", "qwen-omni", "free", 0, Budgets(run=0, total=0))


def test_budgets_of_a_recipe_are_in_picodollars():
    assert budgets_of(Offscreen()) == Budgets(run=5 * 10**12, total=50 * 10**12)


def test_nothing_is_asked_twice_at_a_time_or_after_its_answer(tmp_path):
    accounts = open_accounts(tmp_path)
    reservation = accounts.reserve("r1", MODEL, "k", 1, PLENTY)
    with pytest.raises(AlreadyAsked, match="being asked"):
        accounts.reserve("r2", MODEL, "k", 1, PLENTY)
    accounts.give_back(reservation, "overloaded")
    accounts.settle(accounts.reserve("r1", MODEL, "k", 1, PLENTY), 1, answered())
    with pytest.raises(AlreadyAsked, match="answered"):
        accounts.reserve("r2", MODEL, "k", 1, PLENTY)


def test_an_answer_is_never_overwritten(tmp_path):
    accounts = open_accounts(tmp_path)
    first = accounts.reserve("r1", MODEL, "k", 1, PLENTY)
    assert accounts.close_abandoned("r2") == 1
    second = accounts.reserve("r2", MODEL, "k", 1, PLENTY)
    accounts.settle(second, 1, answered("second"))
    assert accounts.settle(first, 1, answered("first, but late")) == answered("second")
    assert accounts.answers() == {"k": answered("second")}
    assert accounts.spent().settled == 2
    with pytest.raises(WorkspaceError, match="booked before"):
        accounts.settle(second, 1, answered("again"))
    with pytest.raises(WorkspaceError, match="booked before"):
        accounts.give_back(first, "overloaded")
    with pytest.raises(WorkspaceError, match="never made"):
        accounts.settle(Reservation(999, "k", 1), 1, answered())
    assert accounts.spent().settled == 2


def test_answers_come_by_key_and_in_full(tmp_path):
    accounts = open_accounts(tmp_path)
    blocked = StoredAnswer(Reply(None, None, "SAFETY", Usage(7, 3, 0), None), MODEL, "v2", "2026", "r1")
    accounts.settle(accounts.reserve("r1", MODEL, "b", 1, PLENTY), 1, blocked)
    accounts.settle(accounts.reserve("r1", MODEL, "a", 1, PLENTY), 1, answered("ä \x00 \U0001f3ac"))
    assert list(accounts.answers()) == ["a", "b"]
    assert accounts.answers(["b", "none"]) == {"b": blocked}
    assert accounts.answer("a") == answered("ä \x00 \U0001f3ac")


STEP = st.tuples(
    st.sampled_from(["reserve", "settle", "give_back", "uncertain"]),
    st.sampled_from(["r1", "r2"]),
    st.integers(0, 40),
    st.integers(0, 5),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEP, max_size=30), run_budget=st.integers(0, 100), total_budget=st.integers(0, 150))
def test_whatever_happens_budgets_hold_and_sums_are_those_of_the_requests(
    tmp_path_factory, steps, run_budget, total_budget
):
    root = tmp_path_factory.mktemp("accounts")
    accounts, under_way = open_accounts(root), []
    for number, (what, run, amount, which) in enumerate(steps):
        if what == "reserve":
            try:
                budgets = Budgets(run=run_budget, total=total_budget)
                under_way.append(accounts.reserve(run, MODEL, f"k{number}", amount, budgets))
            except BudgetReached as reached:
                assert reached.spent + reached.reserved + reached.wanted > reached.limit
        elif under_way:
            reservation = under_way.pop(which % len(under_way))
            if what == "settle":
                accounts.settle(reservation, min(amount, reservation.most), answered())
            else:
                getattr(accounts, what)(reservation, "fault")
        assert accounts.spent().against_budget <= total_budget
        for run_name in ("r1", "r2"):
            assert accounts.spent(run_name).against_budget <= run_budget
    rows = rows_of(root)
    amounts = Counter(
        {state: sum(row["most"] for row in rows if row["state"] == state) for state in ("open", "uncertain")}
    )
    spent = accounts.spent()
    assert spent.settled == sum(row["cost"] for row in rows) == sum(line.money for line in accounts.totals())
    assert (spent.reserved, spent.uncertain) == (amounts["open"], amounts["uncertain"])


def ask_until_refused(root: Path, who: str, budgets: Budgets, most: int) -> int:
    """Reserve, and settle half of it for the full price, until a budget is reached; how many were reserved."""
    accounts, reserved = open_accounts(root), 0
    try:
        while True:
            reservation = accounts.reserve("r1", MODEL, f"{who}-{reserved}", most, budgets)
            reserved += 1
            if reserved % 2:
                accounts.settle(reservation, most, answered())
    except BudgetReached:
        return reserved


def test_threads_use_a_budget_up_and_do_not_pass_it(tmp_path):
    budgets = Budgets(run=1000, total=10_000)
    with ThreadPoolExecutor(8) as pool:
        reserved = list(pool.map(lambda who: ask_until_refused(tmp_path, str(who), budgets, 7), range(8)))
    assert sum(reserved) == 1000 // 7
    assert open_accounts(tmp_path).spent().against_budget == 7 * (1000 // 7)


def in_a_process(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_two_processes_use_a_budget_up_and_do_not_pass_it(tmp_path):
    code = """
import sys
from pathlib import Path
from tasks.offscreen.money.accounts import Budgets
from tests.offscreen.money.test_accounts import ask_until_refused
print(ask_until_refused(Path(sys.argv[1]), sys.argv[2], Budgets(run=10_000, total=500), 3))
"""
    processes = [in_a_process(code, tmp_path, who) for who in "ab"]
    reserved = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(reserved) == 500 // 3
    assert open_accounts(tmp_path).spent().against_budget == 3 * (500 // 3)


def test_killed_between_reserving_and_settling_the_money_is_uncertain_and_the_clip_is_asked_again(tmp_path):
    code = """
import os, signal, sys
from pathlib import Path
from tasks.offscreen.money.accounts import open_accounts
from tests.offscreen.money.test_accounts import MODEL, PLENTY
open_accounts(Path(sys.argv[1])).reserve("dead", MODEL, "k", 44, PLENTY)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert in_a_process(code, tmp_path).wait(60) == -signal.SIGKILL
    accounts = open_accounts(tmp_path)
    assert accounts.spent("dead").reserved == 44
    assert accounts.close_abandoned("dead") == 0
    assert accounts.close_abandoned("next") == 1
    assert accounts.close_abandoned("next") == 0
    assert (accounts.spent().reserved, accounts.spent().uncertain) == (0, 44)
    (line,) = accounts.totals()
    assert line.faults == {"killed": 1}
    accounts.reserve("next", MODEL, "k", 44, PLENTY)


def settle_for_ever(root: Path) -> None:
    accounts, number = open_accounts(root), 0
    while True:
        reservation = accounts.reserve("r1", MODEL, f"k{number}", 10, PLENTY)
        accounts.settle(reservation, 9, answered(str(number)))
        print(number, flush=True)
        number += 1


def test_killed_at_any_instant_each_answer_is_booked_and_kept_or_neither(tmp_path):
    code = """
import sys
from pathlib import Path
from tests.offscreen.money.test_accounts import settle_for_ever
settle_for_ever(Path(sys.argv[1]))
"""
    for trial in range(3):
        root = tmp_path / str(trial)
        process = in_a_process(code, root)
        told = int(process.stdout.readline())
        time.sleep(0.02 + trial * 0.017)
        os.kill(process.pid, signal.SIGKILL)
        told = [told, *(int(line) for line in process.communicate(timeout=30)[0].splitlines())][-1]
        accounts, rows = open_accounts(root), rows_of(root)
        kept = {row["answer_key"] for row in rows if row["state"] == "answered"}
        assert kept == set(accounts.answers())
        assert {f"k{number}" for number in range(told + 1)} <= kept
        assert accounts.spent().settled == 9 * len(kept)
        assert len(rows) - len(kept) in (0, 1)


def test_accounts_of_a_newer_layout_or_of_another_kind_are_refused(tmp_path):
    open_accounts(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as books:
        books.execute("PRAGMA user_version = 99")
    with pytest.raises(WorkspaceError, match="layout 99"):
        open_accounts(tmp_path)
    (tmp_path / "b" / FILE).parent.mkdir(parents=True)
    (tmp_path / "b" / FILE).write_text("this is no database, " * 20)
    with pytest.raises(WorkspaceError, match="cannot be used"):
        open_accounts(tmp_path / "b")


def test_looking_makes_no_file(tmp_path):
    assert accounts_if_any(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    open_accounts(tmp_path).reserve("r1", MODEL, "k", 5, PLENTY)
    assert accounts_if_any(tmp_path).spent().reserved == 5
