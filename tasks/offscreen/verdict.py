"""From a model's judgement to what becomes of the clip: left out, kept, or for people to say.

Only what the model is sure enough of leaves a clip out or keeps it; everything else goes to people, never to the
bin. So does a sample of what would be left out, drawn by the clip's id: without it nobody could ever say how many
good clips the model throws away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.judgement import Judgement
from schemas.judging import LeaveOut, Offscreen


@dataclass(frozen=True)
class Verdict:
    """What becomes of a clip; `reason` is a stable word, None for a clip that is kept; `detail` has numbers."""

    kind: Literal["keep", "people", "drop"]
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True)
class Flaw:
    """One way in which a clip may be unfit: the question, the answer that says so, and the point of the recipe."""

    name: str
    question: str
    bad: str


FLAWS = (
    Flaw("off_screen", "source", "off_screen"),
    Flaw("mismatch", "mismatch", "obvious"),
    Flaw("poor_audio", "audio", "poor"),
)
"""By importance: a clip with several is left out for the first of which the model is sure enough."""


def verdict_on(judgement: Judgement, section: Offscreen, clip_id: str) -> Verdict:
    """What the recipe's operating point makes of a judgement."""
    answers = {flaw: getattr(judgement, flaw.question) for flaw in FLAWS}
    confidence = {flaw: getattr(judgement, f"{flaw.question}_confidence") for flaw in FLAWS}
    points = points_of(section.leave_out)
    sure = {flaw for flaw in FLAWS if confidence[flaw] >= points[flaw.name]}
    for flaw in FLAWS:
        if answers[flaw] == flaw.bad and flaw in sure:
            detail = f"{confidence[flaw]:.2f} sure, {points[flaw.name]:.2f} is enough: {judgement.evidence}"
            if is_audited(clip_id, section.audit):
                return Verdict("people", "audit", f"{flaw.name}, {detail}")
            return Verdict("drop", flaw.name, detail)
    for flaw in FLAWS:
        if answers[flaw] == "unclear":
            return Verdict("people", "unclear", f"{flaw.question}: {judgement.evidence}")
    for flaw in FLAWS:
        if flaw not in sure:
            sure_of = f"{flaw.question}: {confidence[flaw]:.2f} sure of {answers[flaw]}"
            return Verdict("people", "below_point", f"{sure_of}, {points[flaw.name]:.2f} is enough")
    return Verdict("keep")


def points_of(leave_out: LeaveOut) -> Mapping[str, float]:
    """The operating point of each flaw, by its name."""
    return {flaw.name: getattr(leave_out, flaw.name) for flaw in FLAWS}


def is_audited(clip_id: str, share: float) -> bool:
    """Whether people judge a clip that the model would leave out: a fixed draw, the same in every run.

    Of many clips `share` are drawn, and who is drawn for a share is drawn for every larger one.
    """
    number = int.from_bytes(hashlib.sha256(f"audit {clip_id}".encode()).digest()[:8], "big")
    return number < share * 2**64
