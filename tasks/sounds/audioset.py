"""The 527 classes of AudioSet: index, id and display name, as in `audioset.csv` beside this file.

From `class_labels_indices.csv` of AudioSet (Google LLC; Gemmeke et al., ICASSP 2017), licensed CC BY 4.0:
https://research.google.com/audioset/download.html
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class SoundClass:
    """One class: `index` is its place in the output of a model with all 527, `id` such as /m/09x0r."""

    index: int
    id: str
    name: str


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
