"""What people said of the machine labels and how far they agree, for the documents of a release."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from annotation.store import read_answers, read_items
from flows.survey import Workbench
from tasks.offscreen.measure.intervals import Share
from tasks.releases.account import Checked

if TYPE_CHECKING:
    from annotation.decide.studies import MachineLabels


def checked_by_people(bench: Workbench) -> list[Checked]:
    """Every number that the answers so far give; none where nobody was asked, or what measures is not installed."""
    review = bench.recipe.review
    items = read_items(bench.root, bench.recipe.name) if review else []
    if not items or any(find_spec(package) is None for package in ("crowdkit", "krippendorff")):
        return []
    from annotation.decide.report import report_on  # its packages are an extra, which only a review needs

    report = report_on(bench.recipe.name, review, items, read_answers(bench.root, bench.recipe.name))
    alphas = [
        Checked(each.name, None, "alpha", each.alpha, each.low, each.high, each.clips)
        for each in report.agreement
        if each.kind == "question" and each.alpha is not None
    ]
    return [*alphas, *(one for machine in report.machine for one in _of_machine(machine))]


def _of_machine(machine: MachineLabels) -> Iterator[Checked]:
    shares = [(None, "right", machine.right)]
    shares += [
        (label.answer, name, getattr(label, name))
        for label in machine.labels
        for name in ("precision", "recall")
    ]
    for of, measure, share in shares:
        if share.value is not None:
            yield _checked(machine.question, of, measure, share)


def _checked(question: str, of: str | None, measure: str, share: Share) -> Checked:
    return Checked(question, of, measure, share.value, share.low, share.high, share.n)
