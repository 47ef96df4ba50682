"""The accounts of batches: each has a name of ours before the service knows of it, so that none is ever paid twice.

    plan_batch(accounts, run, model, name, most_by_key, budgets)    # money set aside; state: creating
    job = …                                                         # made at the service under that name
    batch_created(accounts, name, job)
    settle_batch(accounts, name, answers, faults)                   # hours later, perhaps in another run

A process may be killed between any two of these lines. The batch is then still among `open_batches`: without a
job, it is to be looked for at the service by its name, and its clips are planned anew only after it was settled
with faults. Money counts for the run that planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.errors import WorkspaceError
from tasks.offscreen.answers import StoredAnswer
from tasks.offscreen.money.accounts import (
    Accounts,
    Budgets,
    Reservation,
    book_answer,
    close,
    keep_answer,
    open_request,
)
from tasks.offscreen.money.books import reading, transaction

MISSING = "missing"
"""The fault of an entry that a finished batch says nothing about."""


@dataclass(frozen=True)
class OpenBatch:
    """A batch that is not settled.

    Attributes:
        job: the service's name of it; None while it is not known to have been made.
        reservations: of its entries, by answer key, in the order in which they were planned.
        planned_at: ISO 8601, UTC.
    """

    display_name: str
    job: str | None
    run: str
    model: str
    reservations: Mapping[str, Reservation]
    planned_at: str


def plan_batch(
    accounts: Accounts,
    run: str,
    model: str,
    display_name: str,
    most_by_key: Mapping[str, int],
    budgets: Budgets,
    counted_by_key: Mapping[str, int] | None = None,
) -> OpenBatch:
    """Set aside the most that each entry can cost, in one step for all of them: the whole batch or nothing.

    Raises:
        BudgetReached: for the first entry that would pass a budget.
        AlreadyAsked: for an entry that is answered or under way.
        WorkspaceError: the name was used before, or there is no entry.
    """
    if not most_by_key:
        raise WorkspaceError(
            display_name, "is a batch of 0 requests", "plan no batch where nothing is to be asked"
        )
    counted, planned_at = counted_by_key or {}, datetime.now(UTC).isoformat(timespec="seconds")
    with transaction(accounts.path) as books:
        if books.execute("SELECT 1 FROM batches WHERE display_name = ?", (display_name,)).fetchone():
            raise WorkspaceError(display_name, "names a batch that was planned before", "choose another name")
        books.execute(
            "INSERT INTO batches VALUES (?, ?, ?, 'creating', NULL, ?)",
            (display_name, run, model, planned_at),
        )
        reservations = {
            key: open_request(books, run, model, key, most, budgets, counted.get(key), display_name)
            for key, most in most_by_key.items()
        }
    return OpenBatch(display_name, None, run, model, reservations, planned_at)


def batch_created(accounts: Accounts, display_name: str, job: str) -> None:
    """Note what the service calls a planned batch.

    Raises:
        WorkspaceError: no open batch has that name, or it is known as another job.
    """
    with transaction(accounts.path) as books:
        changed = books.execute(
            "UPDATE batches SET state = 'created', job = ? WHERE display_name = ?"
            " AND state != 'settled' AND ifnull(job, ?) = ?",
            (job, display_name, job, job),
        ).rowcount
        if not changed:
            raise WorkspaceError(
                display_name, f"is no open batch that could be job {job}", "plan the batch first"
            )


def open_batches(accounts: Accounts) -> list[OpenBatch]:
    """The batches that are planned or made and not settled, the oldest first."""
    with reading(accounts.path) as books:
        batches = books.execute(
            "SELECT * FROM batches WHERE state != 'settled' ORDER BY planned_at, display_name"
        ).fetchall()
        entries = {
            batch["display_name"]: books.execute(
                "SELECT id, answer_key, most FROM requests WHERE batch = ? ORDER BY id",
                (batch["display_name"],),
            ).fetchall()
            for batch in batches
        }
    return [
        OpenBatch(
            display_name=batch["display_name"],
            job=batch["job"],
            run=batch["run"],
            model=batch["model"],
            reservations={
                entry["answer_key"]: Reservation(entry["id"], entry["answer_key"], entry["most"])
                for entry in entries[batch["display_name"]]
            },
            planned_at=batch["planned_at"],
        )
        for batch in batches
    ]


def settle_batch(
    accounts: Accounts,
    display_name: str,
    answers: Mapping[str, tuple[int, StoredAnswer]],
    faults: Mapping[str, str],
) -> None:
    """Book all entries of a batch and keep its answers, in one step.

    Args:
        answers: cost in picodollars and answer, by answer key.
        faults: kind of fault, by answer key, of entries that were not billed; so all of a batch that was never made.
            An entry that is in neither is booked without cost as `missing`.

    Raises:
        WorkspaceError: no open batch has that name, or an answer or fault is of none of its entries.
    """
    with transaction(accounts.path) as books:
        entries = {
            row["answer_key"]: row["id"]
            for row in books.execute("SELECT id, answer_key FROM requests WHERE batch = ?", (display_name,))
        }
        strange = sorted({*answers, *faults} - set(entries))
        if strange:
            raise WorkspaceError(
                display_name,
                f"has {len(entries)} requests, and none is {strange[0][:16]} ({len(strange)} such)",
                "settle a batch with its own answers",
            )
        changed = books.execute(
            "UPDATE batches SET state = 'settled' WHERE display_name = ? AND state != 'settled'",
            (display_name,),
        ).rowcount
        if not changed:
            raise WorkspaceError(display_name, "is no open batch", "settle each batch once")
        for key, request in entries.items():
            if key in answers:
                cost, answer = answers[key]
                book_answer(books, request, cost, answer)
                keep_answer(books, key, answer)
            else:
                close(books, [request], "given_back", faults.get(key, MISSING))
