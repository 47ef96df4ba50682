"""The leakage certificate: what was checked before a version was published, over how much, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One way in which something could leak from one split into another.

    Attributes:
        name: a stable word: one_split_per_video, no_change_of_sides, held_out_channels, near_duplicates, same_file …
        says: what was looked at, in one sentence.
        compared: how many (videos, clips, pairs) were looked at, by what they are.
        across: how many cross from one split into another; 0 passes.
        examples: of those, at most ten, in words.
        done: false where the recipe leaves out what the check needs; such a check neither passes nor fails.
    """

    name: str
    says: str
    compared: Mapping[str, int]
    across: int
    examples: Sequence[str] = ()
    done: bool = True


@dataclass(frozen=True)
class Balance:
    """How a split compares with all that is released, in one measure.

    Attributes:
        measure: what: duration of a video, share of a channel, talking heads, voice-overs, a class of sounds …
        everywhere: its value over all splits.
        splits: its value in each split that is not empty.
        unit: of both: s, share.
    """

    measure: str
    everywhere: float
    splits: Mapping[str, float]
    unit: str


@dataclass(frozen=True)
class Leakage:
    """The certificate of a version.

    Attributes:
        thresholds: what counts as alike, as in the recipe (`duplicates`, `splits`), flat: key to number or words.
        shares: what each split has of all released time, and what the recipe asks.
    """

    checks: Sequence[Check]
    thresholds: Mapping[str, float | str]
    shares: Mapping[str, tuple[float, float]]
    balance: Sequence[Balance] = ()

    @property
    def passed(self) -> bool:
        return all(check.across == 0 for check in self.checks if check.done)
