"""Ask Gemini about the clips of a shard, many at a time; whatever a request comes to, the clip has one outcome.

An answer is on disk, with what it cost, before anything is read out of it; under the same key nobody asks again. What
every clip would meet (a key that is refused, the day's quota) ends the asking: requests under way are waited for,
and no other begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from typing import TypeVar

from schemas.errors import Deferred
from tasks.offscreen.answers import Question, StoredAnswer
from tasks.offscreen.gemini.client import Sent
from tasks.offscreen.gemini.desk import Answer, Desk, deferred_by
from tasks.offscreen.gemini.faults import Fault, retried
from tasks.offscreen.gemini.pacing import Stopped, wait_for_turn
from tasks.offscreen.money.accounts import AlreadyAsked, BudgetReached, budgets_of
from tasks.offscreen.money.estimate import most_usage

Result = TypeVar("Result")


def ask_online(desk: Desk, questions: Sequence[Question]) -> Iterator[tuple[Question, Answer]]:
    """Each question with its answer, in the order in which they come."""
    with ThreadPoolExecutor(desk.section.at_once, thread_name_prefix="asking") as pool:
        asked = {pool.submit(_ask, desk, question): question for question in questions}
        try:
            for future in as_completed(asked):
                yield asked[future], future.result
        finally:
            # Also when whoever reads has met a full disk: what is under way is paid for, and comes to an end.
            desk.stop.set()
            pool.shutdown(cancel_futures=True)


def _ask(desk: Desk, question: Question) -> StoredAnswer:
    try:
        if desk.stop.is_set():
            raise Stopped
        desk.check_room(desk.most(question))
        with ExitStack() as sending:
            sent = _retried(desk, lambda: sending.enter_context(desk.gemini.sent(question.path)))
            counted = _counted(desk, sent)
            return _retried(desk, lambda: _paid(desk, question, sent, counted))
    except Fault as fault:
        raise desk.outcome_of(fault, question.clip_id) from None
    except BudgetReached as reached:
        raise deferred_by(reached) from None
    except AlreadyAsked:
        # By another shard, about a clip of the same bytes.
        kept = desk.accounts.answer(question.answer_key)
        if kept is None:
            raise Deferred("asked_elsewhere", "a clip of the same bytes is being asked about") from None
        return kept
    except Stopped:
        raise desk.ended[0] if desk.ended else Deferred("run_stopped") from None


def _counted(desk: Desk, sent: Sent) -> int | None:
    """Input tokens of the request as the service counts them before it is made; None where the recipe asks not to."""
    return _retried(desk, lambda: desk.gemini.count(sent, desk.prompt)) if desk.section.count_tokens else None


def _paid(desk: Desk, question: Question, sent: Sent, counted: int | None) -> StoredAnswer:
    """One request that costs: its most is set aside before it is made, and its answer kept with what it cost."""
    most = most_usage(desk.section, question.duration_ms, desk.prompt, counted)
    wait_for_turn(desk.pace, most.input_tokens, desk.stop)
    model, budgets = desk.section.service_model, budgets_of(desk.section)
    booked = desk.accounts.reserve(
        desk.run, model, question.answer_key, desk.price.of(most), budgets, counted
    )
    try:
        reply = desk.gemini.ask(sent, desk.prompt)
    except Fault as fault:
        close = desk.accounts.uncertain if fault.may_be_charged else desk.accounts.give_back
        close(booked, fault.kind)
        raise
    # An answer that does not say what it took is booked at the most, lest a budget be passed unseen.
    cost = desk.price.of(reply.usage if reply.usage.input_tokens else most)
    return desk.accounts.settle(booked, cost, desk.stored(reply))


def _retried(desk: Desk, call: Callable[[], Result]) -> Result:
    return retried(call, desk.section, sleep=desk.gemini.sleep)
