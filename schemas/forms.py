"""What people are asked about a clip: the forms, their questions, and which answers let a clip pass.

The pages that ask are in annotation/configs, one file for each form, with the same names and answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from schemas.scenarios import Scenario

FormName = Literal["clip-review", "label-check", "in-sync"]

UNCLEAR = "unclear"
"""What may be answered to every question: the annotator cannot tell."""


@dataclass(frozen=True)
class Question:
    """One question with one answer.

    Attributes:
        name: the name of its control on the page.
        answers: what may be answered, in the order of the page; the last is `unclear`.
        accepts: the answers with which a clip is fit; none where the question decides nothing.
    """

    name: str
    answers: tuple[str, ...]
    accepts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """The questions of one page.

    Attributes:
        trims: whether the annotator also marks the part to keep (the control `trim`, label `keep`).
    """

    name: str
    questions: tuple[Question, ...]
    trims: bool = False

    @property
    def deciding(self) -> tuple[Question, ...]:
        """The questions that a clip can fail by, in the order in which a failure is told."""
        return tuple(question for question in self.questions if question.accepts)


def words(name: str) -> str:
    """A question or an answer as people read it."""
    return name.replace("_", " ")


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "clip-review",
            (
                Question("source", ("visible", "off_screen", UNCLEAR), ("visible",)),
                Question("aligned", ("in_time", "out_of_time", "other_sound", UNCLEAR), ("in_time",)),
                Question("audio", ("good", "poor", UNCLEAR), ("good",)),
                Question("scenario", (*get_args(Scenario), UNCLEAR), get_args(Scenario)),
                Question("speech", ("talking_head", "voice_over", "neither", UNCLEAR)),
            ),
            trims=True,
        ),
        Form(
            "label-check",
            (
                Question("label", ("talking_head", "voice_over", "other", UNCLEAR)),
                Question("event", ("heard", "not_heard", UNCLEAR)),
            ),
        ),
        Form("in-sync", (Question("in_sync", ("yes", "no", UNCLEAR)),)),
    )
}
"""`clip-review`: AV-SyncBench §2.2, where `other_sound` says that what is heard is not of what is seen, and an
unclear scenario that the clip has no clear meaning. `label-check`: RealSync's machine labels, asked blind.
`in-sync`: the tolerance study of VGG-Sound Sync, on pairs with a hidden offset. Disputes are asked again with the
form itself."""
