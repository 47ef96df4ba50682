"""Ask Gemini by the batch, at half the price: hand over what is new, take in what is answered, wait for nothing.

A batch has its entry in the accounts before the service knows of it, so that a run that is killed anywhere neither
loses a job nor has it done twice: the next run finds the job by its display name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from uuid import uuid4

from schemas.errors import Deferred
from tasks.offscreen.answers import Question, StoredAnswer
from tasks.offscreen.gemini.batches import clear, find_batch, poll, submit
from tasks.offscreen.gemini.desk import Answer, Desk, deferred_by
from tasks.offscreen.gemini.faults import Fault, retried
from tasks.offscreen.money.accounts import AlreadyAsked, BudgetReached, budgets_of
from tasks.offscreen.money.batch_accounts import (
    OpenBatch,
    batch_created,
    open_batches,
    plan_batch,
    settle_batch,
)
from tasks.offscreen.money.prices import Picodollars
from tasks.offscreen.reply import Reply

PENDING = "batch_pending"

_TAKING_IN = Lock()
"""Shards of one run share the batches of the workspace: one at a time takes them in."""


def ask_in_batches(desk: Desk, questions: Sequence[Question]) -> Iterator[tuple[Question, Answer]]:
    """Each question with its answer if a batch has it; the others are handed over, and wait."""
    faults = _take_in(desk)
    under_way = {key for batch in open_batches(desk.accounts) for key in batch.reservations}
    answers = desk.accounts.answers([question.answer_key for question in questions])
    known = {*answers, *under_way, *faults}
    new = [question for question in questions if question.answer_key not in known]
    size = desk.section.batch_size
    for start in range(0, len(new), size):
        faults |= _hand_over(desk, new[start : start + size])
    for question in questions:
        if question.answer_key in answers:
            yield question, _giving(answers[question.answer_key])
        else:
            waits = Deferred(PENDING, "handed over; a later run takes the answer in")
            yield question, _raising(_outcome(desk, faults.get(question.answer_key, waits), question))


def _take_in(desk: Desk) -> dict[str, Exception]:
    """Settle every batch that has ended; returns the faults of their entries by answer key."""
    faults: dict[str, Exception] = {}
    with _TAKING_IN:
        for batch in open_batches(desk.accounts):
            if batch.job is None and batch.run == desk.run:
                continue  # another shard of this run is about to make it
            try:
                faults |= _settled(desk, batch)
            except Fault as fault:
                # The service cannot be asked now: the batch stays open, and its clips wait.
                if fault.ends_run:
                    faults |= dict.fromkeys(batch.reservations, fault)
    return faults


def _settled(desk: Desk, batch: OpenBatch) -> dict[str, Exception]:
    job = batch.job or retried(lambda: find_batch(desk.gemini, batch.display_name), desk.section)
    if job is None:
        # It was planned and never made, as a kill between the two leaves it.
        settle_batch(desk.accounts, batch.display_name, {}, dict.fromkeys(batch.reservations, "killed"))
        return {}
    if batch.job is None:
        batch_created(desk.accounts, batch.display_name, job)
    try:
        found = retried(lambda: poll(desk.gemini, job), desk.section)
    except Fault as fault:
        if fault.kind != "batch_ended":
            raise
        found = dict.fromkeys(batch.reservations, fault)
    if found is None:
        return {}
    return _booked(desk, batch, {key: one for key, one in found.items() if key in batch.reservations})


def _booked(desk: Desk, batch: OpenBatch, found: Mapping[str, Reply | Fault]) -> dict[str, Exception]:
    answers = {
        key: (desk.price.of(reply.usage, "batch"), desk.stored(reply))
        for key, reply in found.items()
        if isinstance(reply, Reply)
    }
    faults = {key: fault for key, fault in found.items() if isinstance(fault, Fault)}
    settle_batch(desk.accounts, batch.display_name, answers, {key: one.kind for key, one in faults.items()})
    clear(desk.gemini, batch.display_name)
    silent = Fault("batch_ended", "the job says nothing of this clip")
    return {key: faults.get(key, silent) for key in batch.reservations if key not in answers}


def _hand_over(desk: Desk, questions: Sequence[Question]) -> dict[str, Exception]:
    """Make a job of as many questions as the budgets have room for; returns what keeps the others from it, by key."""
    most = {question.answer_key: desk.most(question, "batch") for question in questions}
    affordable, reached = _affordable(desk, most)
    left = {key: deferred_by(reached) for key in most if key not in affordable} if reached else {}
    if not affordable:
        return left
    name = f"clapper-{uuid4().hex}"
    try:
        model, budgets = desk.section.service_model, budgets_of(desk.section)
        plan_batch(desk.accounts, desk.run, model, name, affordable, budgets)
    except (AlreadyAsked, BudgetReached):
        # Another shard was quicker; nothing was set aside, and a later run looks again.
        return left
    clips = [
        (question.answer_key, question.path) for question in questions if question.answer_key in affordable
    ]
    try:
        submitted = submit(desk.gemini, name, clips, desk.prompt)
    except Fault as fault:
        if fault.may_be_charged:
            return left  # the job may be there: a later run looks for it by its name
        settle_batch(desk.accounts, name, {}, dict.fromkeys(affordable, fault.kind))
        return left | dict.fromkeys(affordable, fault)
    if submitted.job is None:
        settle_batch(desk.accounts, name, {}, {key: fault.kind for key, fault in submitted.faults.items()})
    else:
        batch_created(desk.accounts, name, submitted.job)
    return left | dict(submitted.faults)


def _affordable(
    desk: Desk, most: Mapping[str, Picodollars]
) -> tuple[dict[str, Picodollars], BudgetReached | None]:
    """The first of the questions that the budgets have room for together, and what the next one meets."""
    chosen: dict[str, Picodollars] = {}
    total = 0
    for key, amount in most.items():
        try:
            desk.check_room(Picodollars(total + amount))
        except BudgetReached as reached:
            return chosen, reached
        chosen[key], total = amount, total + amount
    return chosen, None


def _outcome(desk: Desk, trouble: Exception, question: Question) -> Exception:
    return desk.outcome_of(trouble, question.clip_id) if isinstance(trouble, Fault) else trouble


def _giving(answer: StoredAnswer) -> Answer:
    return lambda: answer


def _raising(error: Exception) -> Callable[[], StoredAnswer]:
    def answer() -> StoredAnswer:
        raise error

    return answer
