"""What the documents of a version are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from schemas.leakage import Leakage
from schemas.recipe import Recipe
from tasks.releases.folder import Release, manifest_files
from tasks.workspace.ledger import Loss


@dataclass(frozen=True)
class Change:
    """How many clips, and how long together, underwent one change since the version before.

    Attributes:
        change, reason: as in CHANGES.
    """

    change: str
    reason: str | None
    clips: int
    milliseconds: int


@dataclass(frozen=True)
class Checked:
    """One number that people's answers gave, with its 95 % interval.

    Attributes:
        question: as in `schemas.forms`.
        of: the machine's answer that it is about; null for all of them.
        measure: precision or recall of that answer, right (the share of all), or alpha (Krippendorff's).
        low, high: null where there is too little to say.
        clips: on how many it rests.
    """

    question: str
    of: str | None
    measure: str
    value: float
    low: float | None
    high: float | None
    clips: int


@dataclass(frozen=True)
class Account:
    """A version whose manifest, media and tables are written, and what is known beside them.

    Attributes:
        folder: the folder in the making; with all tables of `tasks.releases.folder`, and the clips if it has any.
        changes: what differs from the version before, most first; the first version has none.
        funnel: (what, number) from discovered to released, top down.
        losses: what was left out, by station and reason.
        provenance: as in provenance.json.
        today: the date that all documents carry.
        collected: the first and the last day on which a source was fetched; null where none was.
        checked: what people said of the machine labels, and how far they agree; empty where nobody was asked.
    """

    recipe: Recipe
    version: str
    today: date
    folder: Path
    before: Release | None
    changes: Sequence[Change]
    funnel: Sequence[tuple[str, int]]
    losses: Sequence[Loss]
    leakage: Leakage
    provenance: Mapping[str, Any]
    collected: tuple[date, date] | None = None
    checked: Sequence[Checked] = ()

    def files(self) -> list[Path]:
        """The Parquet files of the manifest."""
        return manifest_files(self.folder)
