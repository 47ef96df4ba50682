"""CHANGES.md: what each version changed, newest first; what earlier versions said stays byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from schemas.errors import ReleaseError
from tasks.releases.account import Account, Change
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.kept import WORDS
from tasks.releases.documents.text import count, length, markdown, outside

FILE = "CHANGES.md"
MOST_REASONS = 20

_ORDER = tuple(WORDS)


def change_log(account: Account, facts: Facts) -> bytes:
    """The whole of CHANGES.md, in UTF-8.

    Raises:
        ReleaseError: the version before has none.
    """
    entry = "".join(f"{paragraph}\n\n" for paragraph in _entry(account, facts)).encode()
    return entry + _earlier(account)


def _earlier(account: Account) -> bytes:
    if account.before is None:
        return b""
    try:
        return (account.before.folder / FILE).read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{account.recipe.name} {account.before.version}",
            f"its {FILE}, which goes on in version {account.version}, cannot be read: {error.strerror}",
            "see what else it lacks: clapper release verify",
        ) from error


def _entry(account: Account, facts: Facts) -> Iterable[str]:
    total = facts.total
    holds = f"{count(total.clips, 'clip')} of {count(total.videos, 'video')}, {length(total.milliseconds)}"
    yield f"## {account.version} — {account.today.isoformat()}"
    if account.before is None:
        yield f"The first version: {holds}."
        return
    yield "\n".join(_lines(account.changes)) or f"No row differs from version {account.before.version}."
    yield f"It now holds {holds}; the version before was {account.before.version}."


def _lines(found: Sequence[Change]) -> Iterable[str]:
    """One line for each change, and below it one for each reason, most first."""
    ordered = sorted(found, key=lambda one: (_ORDER.index(one.change), -one.clips, one.reason or ""))
    for change, group in groupby(ordered, key=lambda one: one.change):
        members = list(group)
        clips, milliseconds = (sum(numbers) for numbers in zip(*map(_numbers, members), strict=True))
        yield f"- {count(clips, 'clip')} {WORDS[change]} ({length(milliseconds)})"
        reasons = [one for one in members if one.reason]
        for one in reasons[:MOST_REASONS]:
            yield (
                f"  - {markdown(outside(one.reason or ''))}: {count(one.clips, 'clip')} "
                f"({length(one.milliseconds)})"
            )
        if len(reasons) > MOST_REASONS:
            yield f"  - and {count(len(reasons) - MOST_REASONS, 'more reason')}"


def _numbers(one: Change) -> tuple[int, int]:
    return one.clips, one.milliseconds
