"""The datasheet of a version: the questions of Gebru et al., Datasheets for Datasets (2018), answered.

A question of which nothing is known says so or is left out; an answer is never more than what can be computed from
the version, its recipe and its ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.releases.account import Account
from tasks.releases.documents import cautions, collected, kept, labelled
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.text import table

MOST_ROWS = 20
"""A table is cut after so many rows, and says how many more there are."""


@dataclass(frozen=True)
class Answer:
    """A question with its answer.

    Attributes:
        said: plain sentences, which make one paragraph.
        points: plain sentences, which make a list.
        shown: a table in Markdown; empty for none.
    """

    question: str
    said: Sequence[str] = ()
    points: Sequence[str] = ()
    shown: str = ""


@dataclass(frozen=True)
class Chapter:
    """One of the seven parts of a datasheet."""

    heading: str
    answers: Sequence[Answer]


def datasheet(account: Account, facts: Facts) -> list[Chapter]:
    """All seven chapters."""
    return [
        Chapter("Motivation", _motivation(account)),
        Chapter("Composition", _composition(account, facts)),
        Chapter("Collection process", _collection(account, facts)),
        Chapter("Preprocessing and labelling", _labelling(account, facts)),
        Chapter("Uses", _uses(account, facts)),
        Chapter("Distribution", _distribution(account, facts)),
        Chapter("Maintenance", _maintenance(account, facts)),
    ]


def _motivation(account: Account) -> list[Answer]:
    recipe = account.recipe
    return [
        Answer("For what was the data set made?", collected.purpose(recipe)),
        Answer("Who made it?", [collected.made_by(recipe)]),
    ]


def _composition(account: Account, facts: Facts) -> list[Answer]:
    absent = collected.absent(facts)
    return [
        Answer(
            "What is one instance, and how many are there?",
            [collected.size_of_it(account.recipe, facts), *collected.instances(account.recipe, facts)],
        ),
        Answer(
            "Is it all there is, or a part? What is missing, and why?",
            collected.missing(account),
            shown=_losses(account),
        ),
        *([Answer("What do instances lack?", absent)] if absent else []),
        Answer(
            "Is there a recommended split?",
            [kept.SPLITS, *kept.shares(account), kept.leakage(account)],
            kept.checks(account),
        ),
        Answer("Are picture and sound in time?", collected.sync(facts)),
        Answer("What biases are known?", points=cautions.biases(account, facts)),
        Answer("Does it hold data about people?", cautions.personal(facts)),
    ]


def _losses(account: Account) -> str:
    rows = collected.losses(account)
    heads = ("station", "outcome", "reason", "items", "length")
    return table(heads, rows[:MOST_ROWS], len(rows) - MOST_ROWS, "reason")


def _collection(account: Account, facts: Facts) -> list[Answer]:
    return [
        Answer(
            "Where do the videos come from?",
            [collected.sources(account.recipe), collected.admission(account.recipe)],
        ),
        Answer("How and when were they collected?", collected.timeframe(account, facts)),
        Answer(
            "Were the people in them asked?",
            [
                "Not by those who made this data set; whether the publishers of the sources asked them is "
                "not known. See below how to have something removed."
            ],
        ),
    ]


def _labelling(account: Account, facts: Facts) -> list[Answer]:
    recipe = account.recipe
    judge = labelled.judge(account, facts)
    return [
        Answer("How were sources turned into clips?", collected.preprocessing(account)),
        Answer("Which labels did machines make?", labelled.by_machine(account, facts), labelled.tools(facts)),
        *([Answer("Who judged the clips before people did?", judge)] if judge else []),
        Answer(
            "How wrong are machine labels?", [labelled.measured_on(account)], labelled.errors(account, facts)
        ),
        Answer(
            "Which labels did people make, and how far do they agree?",
            [*labelled.by_people(account, facts), *labelled.demographics(facts)],
        ),
        Answer(
            "Are the sources kept?",
            [
                "A version holds clips, not sources; each row names its source with address, checksum and "
                "times."
            ]
            if recipe.release.media != "reference"
            else [
                "A version holds neither clips nor sources; each row names its source with address, "
                "checksum and times."
            ],
        ),
    ]


def _uses(account: Account, facts: Facts) -> list[Answer]:
    return [
        Answer("What is it for?", points=cautions.USES),
        Answer("What is it not for?", points=cautions.MISUSES),
        Answer("What should a user know?", points=cautions.limitations(account, facts)),
        Answer("What may follow from its use?", [cautions.IMPACT]),
    ]


def _distribution(account: Account, facts: Facts) -> list[Answer]:
    listed = collected.licences(facts.licences)
    heads = ("licence of the source", "videos", "clips", "length")
    shown = table(heads, listed[:MOST_ROWS], facts.licences.of - len(listed[:MOST_ROWS]), "licence")
    return [Answer("Under which licences?", kept.rights(account.recipe, facts), shown=shown)]


def _maintenance(account: Account, facts: Facts) -> list[Answer]:
    return [
        Answer("Who looks after it, and how is something removed?", kept.takedown(account, facts)),
        Answer("Will it change?", kept.versions(account)),
    ]
