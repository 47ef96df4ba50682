"""The classes of AudioSet: the 527 that models name, and the ontology above them.

`audioset.csv` has index, id and display name, from `class_labels_indices.csv` of AudioSet (Google LLC; Gemmeke et
al., ICASSP 2017), licensed CC BY 4.0: https://research.google.com/audioset/download.html

`audioset_parents.csv` has ids, names and parents of these classes and of all that lie above them, 557 in all,
from AudioSet's ontology (Google LLC), licensed CC BY-SA 4.0: https://github.com/audioset/ontology. Changed:
descriptions, examples and classes that no model names are left out, and links lead upwards. A class
may have several parents (Growling: dogs, cats, big cats), and the ontology seven roots, from Human sounds to Channel,
environment and background.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from schemas.errors import AnalysisError

PARENTS_FILE = Path(__file__).with_name("audioset_parents.csv")


@dataclass(frozen=True)
class SoundClass:
    """One class: `index` is its place in the output of a model with all 527, `id` such as /m/09x0r."""

    index: int
    id: str
    name: str


@dataclass(frozen=True)
class OntologyNode:
    """One class of the ontology, also those that no model names: `parents` are the ids just above it."""

    id: str
    name: str
    parents: tuple[str, ...]


@cache
def audioset_classes() -> tuple[SoundClass, ...]:
    """All 527 classes, by index."""
    with Path(__file__).with_name("audioset.csv").open(encoding="utf-8", newline="") as file:
        return tuple(SoundClass(int(row["index"]), row["id"], row["name"]) for row in csv.DictReader(file))


@cache
def names_by_id() -> Mapping[str, str]:
    """AudioSet id to display name."""
    return {one.id: one.name for one in audioset_classes()}


@cache
def ids_by_name() -> Mapping[str, str]:
    """Display name to AudioSet id; names are unique."""
    return {one.name: one.id for one in audioset_classes()}


@cache
def ontology() -> Mapping[str, OntologyNode]:
    """The 527 classes and all above them, by id, in the ontology's order."""
    with PARENTS_FILE.open(encoding="utf-8", newline="") as file:
        nodes = [
            OntologyNode(row["id"], row["name"], tuple(row["parents"].split("|")) if row["parents"] else ())
            for row in csv.DictReader(file)
        ]
    return {node.id: node for node in nodes}


@cache
def parents_of(id: str) -> tuple[str, ...]:
    """Display names of all that a class belongs to, from its parents up to its roots; a root has none.

    Nearer ones come first, each name once: Bark belongs to Dog, Domestic animals, pets, Animal.

    Raises:
        AnalysisError: no such class.
    """
    return tuple(ontology()[one].name for one in _above(id))


@cache
def roots_of(id: str) -> tuple[str, ...]:
    """Display names of the roots that a class belongs to, nearest first; of a root, itself.

    Raises:
        AnalysisError: no such class.
    """
    return tuple(ontology()[one].name for one in (id, *_above(id)) if not ontology()[one].parents)


def _above(id: str) -> list[str]:
    if id not in ontology():
        raise AnalysisError(id, "is no id of AudioSet's classes", "take one of those in audioset.csv")
    above: list[str] = []
    level = [id]
    while level:
        parents = dict.fromkeys(parent for one in level for parent in ontology()[one].parents)
        # A class that is both near and far stands where it is first reached.
        level = [parent for parent in parents if parent not in above]
        above += level
    return above
