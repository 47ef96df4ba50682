"""How a version is passed on and looked after: licences, versions, leakage, takedown.

Plain sentences, for the datasheet in the card and for the fields of croissant.json alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from schemas.recipe import Recipe
from tasks.releases.account import Account
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.text import count, length, listed, outside


def rights(recipe: Recipe, facts: Facts) -> list[str]:
    """Under what the rows and the clips may be used."""
    some = facts.licences.listed
    named = sum(one.name is not None for one in some)
    told = (
        f"The sources state {count(facts.licences.of - (named < len(some)), 'licence')}, counted below."
        if named
        else "The sources state no licence."
    )
    return [
        f"The rows are under {outside(recipe.release.licence)}.",
        "Clips keep the licences of their sources, which each row names as the source's site states it "
        f"(source_licence). {told}",
        _passed_on(recipe),
    ]


def _passed_on(recipe: Recipe) -> str:
    """Which clips may leave, by the recipe."""
    allowed = recipe.release.redistributable
    if "*" in allowed:
        return "The recipe lets all clips be passed on."
    if not allowed:
        return "The recipe lets no clip be passed on: an export names sources and times alone."
    named = " or ".join("no licence" if one == "none" else outside(one) for one in allowed)
    return (
        f"The recipe lets clips be passed on whose sources state {named}; all others go by source and times "
        "alone."
    )


def leakage(account: Account) -> str:
    """The leakage certificate in a sentence."""
    done = sum(check.done for check in account.leakage.checks)
    if not done:
        return "Nothing was checked for leakage between splits."
    found = "found nothing" if account.leakage.passed else "did not all pass"
    return (
        f"{count(done, 'check')} for leakage between splits {found}; leakage.json has them with their "
        "thresholds."
    )


def checks(account: Account) -> list[str]:
    """Each check with what it compared."""
    undone = [check.name.replace("_", " ") for check in account.leakage.checks if not check.done]
    return [
        *(
            f"{outside(check.says, 400).rstrip('.')} ({_compared(check.compared)}; {check.across:,} across)."
            for check in account.leakage.checks
            if check.done
        ),
        *([f"Not checked, since the recipe leaves out what it takes: {listed(undone)}."] if undone else []),
    ]


def _compared(numbers: Mapping[str, int]) -> str:
    """`3 videos, 1 pair`: the words are plural, and one has no `s`."""
    told = []
    for what, number in numbers.items():
        words = what.replace("_", " ")
        singular = re.sub(r"^(\w+)s\b", r"\1", words)
        told.append(f"{number:,} {singular if number == 1 else words}")
    return ", ".join(told) or "nothing to compare"


def shares(account: Account) -> list[str]:
    parts = [
        f"{name} {100 * has:.1f} % (asked: {100 * asked:g} %)"
        for name, (has, asked) in account.leakage.shares.items()
    ]
    return [f"Shares of time: {', '.join(parts)}."] if parts else []


SPLITS = (
    "Whole source videos are in one split, and what is alike is on one side; a video never changes sides "
    "in a later version."
)


def versions(account: Account) -> list[str]:
    """What becomes of this version, and what differs from the one before."""
    return [
        "A version never changes. What changes makes a new one, whose number says how: patch for better "
        "metadata, minor for data added, major for data removed, changed or moved between splits. "
        "CHANGES.md lists them, and changes.parquet names each clip.",
        changed(account),
    ]


def changed(account: Account) -> str:
    """What differs from the version before, in one sentence."""
    if account.before is None:
        return "This is the first version."
    if not account.changes:
        return f"No row differs from version {account.before.version}."
    together: dict[str, list[int]] = {}
    for one in account.changes:
        clips, milliseconds = together.setdefault(one.change, [0, 0])
        together[one.change] = [clips + one.clips, milliseconds + one.milliseconds]
    told = [
        f"{count(clips, 'clip')} {WORDS[change]} ({length(ms)})" for change, (clips, ms) in together.items()
    ]
    return f"Since version {account.before.version}: {listed(told)}."


WORDS = {
    "added": "added",
    "removed": "removed",
    "moved": "moved to another split",
    "changed": "with changed data",
    "described": "with other metadata alone",
}
"""A change as CHANGES names it, and as people read it."""


def takedown(account: Account, facts: Facts) -> list[str]:
    """How to have something removed, and what was."""
    contact = account.recipe.release.contact
    gone = facts.taken_down
    return [
        f"To have a video removed, write to {outside(contact)} with its id or address."
        if contact
        else "The recipe names no contact for removals; ask whoever passed the data set on to you.",
        "It is then in no later version, and of it a tombstone alone is kept (tombstones.parquet): its id "
        f"and the day. {count(gone, 'video')} {'has' if gone == 1 else 'have'} been taken down so far."
        if gone
        else "It is then in no later version, and of it a tombstone alone is kept (tombstones.parquet): "
        "its id and the day. No video has been taken down so far.",
    ]
