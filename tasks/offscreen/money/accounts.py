"""What was asked, what it cost, what was answered: so that no budget is passed and nothing is paid twice.

The order of things around a request is the promise:

    reservation = accounts.reserve(run, model, key, most, run_budget, total_budget)   # or BudgetReached, AlreadyAsked
    reply = …                                                                         # the request itself
    accounts.settle(reservation, price.of(reply.usage), StoredAnswer(reply, …))       # booked and kept, in one step
    judgement = judgement_of(reply)                                                   # only now is it read

The most that a request can cost is set aside before it is sent, in the same step that checks both budgets, so no
interleaving of threads or processes passes them. A process that is killed between the two leaves the reservation
behind; a later run books it as uncertain, at the most that it can have cost. All amounts are picodollars.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ClapperError, WorkspaceError
from schemas.judging import Offscreen
from tasks.offscreen.answers import StoredAnswer
from tasks.offscreen.money.books import open_books, reading, transaction
from tasks.offscreen.money.prices import MICRODOLLAR, Picodollars, dollars
from tasks.offscreen.reply import Reply, Usage

FILE = Path("offscreen") / "accounts.sqlite"
"""Where the accounts lie in a workspace."""

KILLED = "killed"
"""The fault of a request whose process ended before it was booked."""


class BudgetReached(ClapperError):
    """A request that would pass a budget, and was not sent.

    Attributes:
        which: `run` or `total`.
        limit, spent, reserved, wanted: picodollars; `spent` includes what is uncertain, `reserved` is under way.
    """

    def __init__(self, which: str, limit: int, spent: int, reserved: int, wanted: int) -> None:
        self.which, self.limit, self.spent, self.reserved, self.wanted = which, limit, spent, reserved, wanted
        key = {"run": "offscreen.budget_per_run", "total": "offscreen.budget_total"}[which]
        super().__init__(
            key,
            f"{dollars(spent)} spent and {dollars(reserved)} set aside for requests under way leave too little of "
            f"{dollars(limit)} for a request of at most {dollars(wanted)}",
            f"raise {key}, or go on in a later run" if which == "run" else f"raise {key}",
        )

    def __reduce__(self):
        return type(self), (self.which, self.limit, self.spent, self.reserved, self.wanted)


class AlreadyAsked(ClapperError):
    """A question that is answered, or under way in a thread, process or batch: asking would pay for it twice."""


@dataclass(frozen=True)
class Reservation:
    """Money set aside for one request: the request's number in the books, and the most that it can cost."""

    request: int
    answer_key: str
    most: Picodollars


@dataclass(frozen=True)
class Spent:
    """What has gone from a budget, in picodollars.

    Attributes:
        settled: for answers, as billed.
        uncertain: for requests that may have been billed, at the most that each can have cost.
        reserved: set aside for requests under way.
    """

    settled: Picodollars
    uncertain: Picodollars
    reserved: Picodollars

    @property
    def against_budget(self) -> Picodollars:
        """All of it: what a budget must hold before it has room for more."""
        return Picodollars(self.settled + self.uncertain + self.reserved)


@dataclass(frozen=True)
class Line:
    """What one run asked of one model.

    Attributes:
        requests: all that were begun, whatever became of them.
        under_way: those not booked yet.
        faults: how many ended without an answer, by kind.
        counted_tokens: input tokens as counted before sending.
        billed: tokens of the answers, as the service counted them.
        money: as billed; `uncertain`: what may have been billed beside it, at most.
    """

    run: str
    model: str
    requests: int
    answered: int
    under_way: int
    faults: Mapping[str, int]
    counted_tokens: int
    billed: Usage
    money: Picodollars
    uncertain: Picodollars


@dataclass(frozen=True)
class Budgets:
    """Both limits, in picodollars."""

    run: Picodollars
    total: Picodollars


def budgets_of(section: Offscreen) -> Budgets:
    """The limits of a recipe."""
    return Budgets(
        Picodollars(section.budget_per_run * MICRODOLLAR), Picodollars(section.budget_total * MICRODOLLAR)
    )


def open_accounts(root: Path) -> Accounts:
    """The accounts of a workspace, made if they are not there.

    Raises:
        WorkspaceError: the file cannot be used, or is of a newer layout.
    """
    open_books(root / FILE)
    return Accounts(root / FILE)


def accounts_if_any(root: Path) -> Accounts | None:
    """The accounts of a workspace for looking only: None, and no file made, where nothing was ever asked."""
    return open_accounts(root) if (root / FILE).is_file() else None


@dataclass(frozen=True)
class Accounts:
    """The accounts of one workspace; safe to share between threads, and to open in several processes."""

    path: Path

    def reserve(
        self,
        run: str,
        model: str,
        answer_key: str,
        most: int,
        budgets: Budgets,
        counted_tokens: int | None = None,
    ) -> Reservation:
        """Set aside the most that a request can cost.

        Args:
            counted_tokens: input tokens as counted before sending; None where they were not.

        Raises:
            BudgetReached: both budgets stay as they are, and nothing may be sent.
            AlreadyAsked: the answer is there or on its way.
        """
        with transaction(self.path) as books:
            return open_request(books, run, model, answer_key, most, budgets, counted_tokens)

    def settle(self, reservation: Reservation, cost: int, answer: StoredAnswer) -> StoredAnswer:
        """Book an answer and keep it, in one step. Gives the answer that is kept: the first one under its key.

        Also right for a request that was booked as uncertain meanwhile: its answer came after all.

        Raises:
            WorkspaceError: the request was settled or given back before.
        """
        with transaction(self.path) as books:
            book_answer(books, reservation.request, cost, answer)
            keep_answer(books, reservation.answer_key, answer)
            return stored(books, [reservation.answer_key])[reservation.answer_key]

    def give_back(self, reservation: Reservation, fault: str) -> None:
        """Book a request that was surely not billed (429, 503, refused …) with the kind of its fault."""
        with transaction(self.path) as books:
            close(books, [reservation.request], "given_back", fault)

    def uncertain(self, reservation: Reservation, fault: str) -> None:
        """Book a request that may have been billed, such as after a time-out, at the most that it can have cost."""
        with transaction(self.path) as books:
            close(books, [reservation.request], "uncertain", fault)

    def close_abandoned(self, run: str) -> int:
        """Book as uncertain what other runs left under way, and say how many; batches are no part of it.

        Only right where no other run is alive: a run has its workspace to itself.
        """
        with transaction(self.path) as books:
            left = books.execute(
                "SELECT id FROM requests WHERE state = 'open' AND batch IS NULL AND run != ?", (run,)
            ).fetchall()
            close(books, [row["id"] for row in left], "uncertain", KILLED)
        return len(left)

    def answer(self, answer_key: str) -> StoredAnswer | None:
        """The answer that is kept under a key; None when the question is still to be asked."""
        return self.answers([answer_key]).get(answer_key)

    def answers(self, keys: Collection[str] | None = None) -> dict[str, StoredAnswer]:
        """The answers that are kept: those of the given keys, or all, by key."""
        with reading(self.path) as books:
            return stored(books, keys)

    def spent(self, run: str | None = None) -> Spent:
        """What has gone, by one run or by all."""
        with reading(self.path) as books:
            return sums(books, run)

    def usual_output(self, model: str) -> int | None:
        """Mean output tokens of a model's answers so far; None before the first."""
        with reading(self.path) as books:
            (mean,) = books.execute(
                "SELECT avg(output_tokens) FROM requests WHERE state = 'answered' AND model = ?", (model,)
            ).fetchone()
        return None if mean is None else round(mean)

    def totals(self) -> list[Line]:
        """What each run asked of each model, in the order in which they first did."""
        with reading(self.path) as books:
            rows = books.execute(LINES).fetchall()
            faults = books.execute(
                "SELECT run, model, fault, count(*) AS times FROM requests"
                " WHERE state IN ('given_back', 'uncertain') GROUP BY run, model, fault ORDER BY fault"
            ).fetchall()
        return [_line(row, faults) for row in rows]


LINES = """
SELECT run, model, count(*) AS requests, total(state = 'answered') AS answered, total(state = 'open') AS under_way,
    sum(ifnull(counted_tokens, 0)) AS counted_tokens, sum(input_tokens) AS input_tokens,
    sum(audio_tokens) AS audio_tokens, sum(output_tokens) AS output_tokens, sum(cost) AS money,
    sum(iif(state = 'uncertain', most, 0)) AS uncertain
FROM requests GROUP BY run, model ORDER BY min(id)
"""


def open_request(
    books: sqlite3.Connection,
    run: str,
    model: str,
    answer_key: str,
    most: int,
    budgets: Budgets,
    counted_tokens: int | None = None,
    batch: str | None = None,
) -> Reservation:
    """Inside a transaction: see that a question is new and that both budgets have room, and set the money aside.

    Raises:
        BudgetReached, AlreadyAsked: as `Accounts.reserve`.
    """
    if books.execute("SELECT 1 FROM answers WHERE answer_key = ?", (answer_key,)).fetchone():
        raise AlreadyAsked(
            answer_key[:16], "this question is answered already", "take the answer that is kept"
        )
    if books.execute(
        "SELECT 1 FROM requests WHERE answer_key = ? AND state = 'open'", (answer_key,)
    ).fetchone():
        raise AlreadyAsked(answer_key[:16], "this question is being asked already", "wait for that answer")
    for which, limit, gone in (
        ("run", budgets.run, sums(books, run)),
        ("total", budgets.total, sums(books, None)),
    ):
        if most and gone.against_budget + most > limit:
            raise BudgetReached(which, limit, gone.settled + gone.uncertain, gone.reserved, most)
    number = books.execute(
        "INSERT INTO requests (run, model, answer_key, state, most, counted_tokens, batch)"
        " VALUES (?, ?, ?, 'open', ?, ?, ?)",
        (run, model, answer_key, most, counted_tokens, batch),
    ).lastrowid
    return Reservation(int(number or 0), answer_key, Picodollars(most))


def book_answer(books: sqlite3.Connection, request: int, cost: int, answer: StoredAnswer) -> None:
    """Inside a transaction: the request was answered, and this is what it cost.

    Raises:
        WorkspaceError: the request was settled or given back before.
    """
    usage = answer.reply.usage
    changed = books.execute(
        "UPDATE requests SET state = 'answered', fault = NULL, cost = ?, input_tokens = ?, audio_tokens = ?,"
        " output_tokens = ? WHERE id = ? AND state IN ('open', 'uncertain')",
        (cost, usage.input_tokens, usage.audio_tokens, usage.output_tokens, request),
    ).rowcount
    if not changed:
        raise _booked_before(request)


def keep_answer(books: sqlite3.Connection, answer_key: str, answer: StoredAnswer) -> None:
    """Inside a transaction: store an answer under its key, unless there is one: the first stays for ever."""
    reply = answer.reply
    books.execute(
        "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            answer_key, reply.text, reply.finish, reply.blocked, reply.usage.input_tokens, reply.usage.audio_tokens,
            reply.usage.output_tokens, reply.model_version, answer.model, answer.prompt, answer.asked_at, answer.run,
        ),
    )  # fmt: skip


def close(books: sqlite3.Connection, requests: Collection[int], state: str, fault: str) -> None:
    """Inside a transaction: end open requests that have no answer, as `given_back` or `uncertain`.

    Raises:
        WorkspaceError: one of them was booked before.
    """
    for request in requests:
        changed = books.execute(
            "UPDATE requests SET state = ?, fault = ? WHERE id = ? AND state = 'open'",
            (state, fault, request),
        ).rowcount
        if not changed:
            raise _booked_before(request)


def sums(books: sqlite3.Connection, run: str | None) -> Spent:
    """Inside a transaction: what has gone, by one run or by all."""
    where, values = ("", ()) if run is None else (" WHERE run = ?", (run,))
    row = books.execute(
        "SELECT ifnull(sum(spent), 0), ifnull(sum(uncertain), 0), ifnull(sum(reserved), 0) FROM sums" + where,
        values,
    ).fetchone()
    return Spent(*(Picodollars(amount) for amount in row))


def stored(books: sqlite3.Connection, keys: Collection[str] | None) -> dict[str, StoredAnswer]:
    """Inside a transaction: answers by key; all of them without `keys`."""
    if keys is None:
        rows: Iterator[sqlite3.Row] = iter(books.execute("SELECT * FROM answers ORDER BY answer_key"))
    else:
        found = (
            books.execute("SELECT * FROM answers WHERE answer_key = ?", (key,)).fetchone() for key in keys
        )
        rows = (row for row in found if row is not None)
    return {row["answer_key"]: _answer(row) for row in rows}


def _answer(row: sqlite3.Row) -> StoredAnswer:
    usage = Usage(row["input_tokens"], row["audio_tokens"], row["output_tokens"])
    reply = Reply(row["text"], row["finish"], row["blocked"], usage, row["model_version"])
    return StoredAnswer(reply, row["model"], row["prompt"], row["asked_at"], row["run"])


def _line(row: sqlite3.Row, faults: Collection[sqlite3.Row]) -> Line:
    return Line(
        run=row["run"],
        model=row["model"],
        requests=row["requests"],
        answered=int(row["answered"]),
        under_way=int(row["under_way"]),
        faults={
            each["fault"]: each["times"]
            for each in faults
            if (each["run"], each["model"]) == (row["run"], row["model"])
        },
        counted_tokens=row["counted_tokens"],
        billed=Usage(row["input_tokens"], row["audio_tokens"], row["output_tokens"]),
        money=Picodollars(row["money"]),
        uncertain=Picodollars(row["uncertain"]),
    )


def _booked_before(request: int) -> WorkspaceError:
    return WorkspaceError(f"request {request}", "was booked before, or never made", "book each request once")
