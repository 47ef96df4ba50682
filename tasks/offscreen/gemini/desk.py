"""What everybody needs who asks Gemini: the questions, the connection, the accounts, and what a fault means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event

from schemas.errors import Deferred, ServiceError, ServiceRefused
from schemas.judging import Offscreen
from tasks.offscreen.answers import Question, StoredAnswer
from tasks.offscreen.gemini.client import Gemini
from tasks.offscreen.gemini.faults import Fault
from tasks.offscreen.gemini.pacing import Pace
from tasks.offscreen.money.accounts import Accounts, BudgetReached, budgets_of
from tasks.offscreen.money.estimate import most_usage
from tasks.offscreen.money.prices import Mode, Picodollars, Price
from tasks.offscreen.reply import Reply

Answer = Callable[[], StoredAnswer]
"""Returns the answer, or raises Deferred, ServiceError or ServiceRefused."""


@dataclass(frozen=True)
class Desk:
    """Everything that asking needs; used by many threads.

    Attributes:
        stop: set when no further request shall begin.
        ended: why, at most one reason.
    """

    section: Offscreen
    gemini: Gemini
    accounts: Accounts
    pace: Pace
    price: Price
    prompt: str
    run: str
    stop: Event = field(default_factory=Event)
    ended: list[Exception] = field(default_factory=list)

    def check_room(self, most: Picodollars) -> None:
        """See that both budgets have room, before anything is sent for nothing; `Accounts.reserve` has the last word.

        Raises:
            BudgetReached
        """
        budgets = budgets_of(self.section)
        for which, limit, run in (("run", budgets.run, self.run), ("total", budgets.total, None)):
            gone = self.accounts.spent(run)
            if most and gone.against_budget + most > limit:
                raise BudgetReached(which, limit, gone.settled + gone.uncertain, gone.reserved, most)

    def stored(self, reply: Reply) -> StoredAnswer:
        """An answer as it is kept."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return StoredAnswer(reply, self.section.service_model, self.section.prompt, now, self.run)

    def most(self, question: Question, mode: Mode = "online") -> Picodollars:
        """What a request costs at most, by the published numbers: nothing has been sent yet."""
        return self.price.of(most_usage(self.section, question.duration_ms, self.prompt), mode)

    def outcome_of(self, fault: Fault, clip_id: str) -> Exception:
        """What a fault makes of a clip; one that every clip would meet ends the asking."""
        outcome = _outcome(fault, clip_id, self.section)
        if fault.ends_run:
            self.ended.append(outcome)
            self.stop.set()
        return outcome


def _outcome(fault: Fault, clip_id: str, section: Offscreen) -> Exception:
    if fault.kind == "quota_exhausted":
        return Deferred(fault.kind, fault.detail)
    if fault.ends_run:
        return ServiceRefused(
            f"gemini, {section.service_model}",
            f"{fault.kind}: {fault.detail}",
            "check the key, offscreen.service_model and offscreen.api_version; without a model: "
            "--set offscreen.model=none",
        )
    if fault.worth_a_later_run and (fault.retry_after_s or 0) > 0 and not fault.worth_retrying:
        return Deferred(fault.kind, f"{fault.detail}; asks to wait {fault.retry_after_s:g} s")
    action = (
        "a later run asks again" if fault.worth_a_later_run else "look at the clip and the recipe's settings"
    )
    return ServiceError(clip_id, f"no answer: {fault}", action, fault.kind)


def deferred_by(budget: BudgetReached) -> Deferred:
    """A clip that waits for money."""
    return Deferred("budget_reached", str(budget))
