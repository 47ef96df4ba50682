"""One class for each video, such that every split has a clip of every class: loaders of VGGSound's layout insist.

SparseSync and Synchformer take the class of a clip from its video, number all classes that vggsound.csv names, and
stop with `Some classes have 0 count` when the split that they open lacks one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

OTHER = "other"
UNLABELLED = "unlabelled"
_TIERS = ("list", "scenario", "audio_event", "none")
"""Where a label comes from, the one that counts most first."""


class VideoLabels:
    """What the clips of each video are labelled with. Memory: a few entries for each video."""

    def __init__(self) -> None:
        self._weights: dict[str, dict[tuple[int, str], float]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """A clip's label: what its list says of it, else its scenario, else what is heard longest and surest."""
        weights = self._weights.setdefault(row["video_id"], defaultdict(float))
        for tier, name, weight in _labels(row):
            weights[_TIERS.index(tier), _plain(name)] += weight

    def label(self, video_id: str) -> tuple[str, str]:
        """A video's label, and where it comes from: list, scenario, audio_event or none."""
        weights = self._weights[video_id]
        # The best kind of label; of that kind the weightiest; then by name.
        tier, name = min(weights, key=lambda each: (each[0], -weights[each], each[1]))
        return name, _TIERS[tier]

    def videos(self) -> list[str]:
        return list(self._weights)


def _labels(row: Mapping[str, Any]) -> list[tuple[str, str, float]]:
    if row["list_label"]:
        return [("list", row["list_label"], row["duration_ms"])]
    if row["scenario"]:
        return [("scenario", row["scenario"], row["duration_ms"])]
    events = row["audio_events"] or ()
    heard = [
        ("audio_event", event["name"], event["score"] * (event["end_ms"] - event["start_ms"]))
        for event in events
    ]
    return heard or [("none", UNLABELLED, 0.0)]


def _plain(label: str) -> str:
    """A label on one line, without what takes lists of the loaders apart."""
    return " ".join(label.replace('"', "'").split()) or UNLABELLED


def classes_of(labels: Mapping[str, str], split_of: Mapping[str, str]) -> dict[str, str]:
    """The class of each video: its label, or `other` for labels that some split has no clip of.

    Splits without any clip do not count: no class could be in them.

    Args:
        labels, split_of: of every video of which something was exported.
    """
    found: dict[str, set[str]] = defaultdict(set)
    size: dict[str, int] = defaultdict(int)
    for video, label in labels.items():
        found[label].add(split_of[video])
        size[label] += 1
    wanted = set(split_of.values())
    kept = {label for label, splits in found.items() if splits == wanted and label != OTHER}
    others = set().union(*(found[label] for label in found if label not in kept))
    if others and others != wanted and kept:
        # The smallest class joins the others, and so there is one of them in every split.
        kept.remove(min(kept, key=lambda label: (size[label], label)))
    return {video: label if label in kept else OTHER for video, label in labels.items()}
