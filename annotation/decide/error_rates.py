"""How often each annotator errs, where nobody knows the truth: the model of Dawid and Skene (1979), by crowd-kit.

Truth and error rates explain each other: what careful annotators say is likely true, and careful is who says what is
likely true. Gold clips enter with their known answers. Where most err in the same way, the model takes their error
for the truth; only gold shows it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from annotation.decide.count import Counted

FEWEST_CLIPS = 20
"""With fewer clips the model has more unknowns than it can tell."""

ITERATIONS = 100
TOLERANCE = 1e-4
"""The model stops at a gain in likelihood below this, per answer: rates then change in the third digit at most."""

FEWEST_OF_ONE_ANSWER = 5
"""An annotator's error rates are told for those true answers that so many of her clips likely have."""


@dataclass(frozen=True)
class ErrorRates:
    """One annotator on one question.

    Attributes:
        accuracy: share of her answers that are likely right, 0–1.
        answered: true answer to the share of each answer that she gives then; true answers that were met too seldom
            are left out.
    """

    accuracy: float
    answered: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def error_rates(found: Sequence[Counted], question: str) -> dict[str, ErrorRates]:
    """The error rates of every annotator on one question; none with too few clips, or where all say the same.

    Args:
        found: the judgements of clips and of gold; a clip with one judgement tells nothing and is passed over.
    """
    data, truth = _table(found, question)
    if data["task"].nunique() < FEWEST_CLIPS or data["label"].nunique() < 2:
        return {}
    numbers, names = _numbered(data)
    tasks, people, labels = (names[column] for column in ("task", "worker", "label"))
    known = pd.Series(labels.get_indexer(truth.to_numpy()), index=tasks.get_indexer(truth.index))
    likely, errors = _fitted(numbers, known if len(known) else None)
    rows = likely.loc[numbers["task"], range(len(labels))].to_numpy()
    right = rows[np.arange(len(rows)), numbers["label"]]
    rates = {}
    for number, name in enumerate(people):
        hers = (numbers["worker"] == number).to_numpy()
        table = errors.loc[number].reindex(index=range(len(labels)), columns=range(len(labels)), fill_value=0)
        answered = _answered(table.to_numpy(), rows[hers].sum(axis=0), list(labels))
        rates[name] = ErrorRates(float(right[hers].mean()), answered)
    return rates


def _fitted(data: pd.DataFrame, truth: pd.Series | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How likely each answer is the true one of each task, and each worker's errors, as the model gives them."""
    from crowdkit.aggregation import DawidSkene  # takes two seconds to import

    with warnings.catch_warnings():
        # It calls pandas in ways that a later pandas will not take.
        warnings.simplefilter("ignore")
        model = DawidSkene(n_iter=ITERATIONS, tol=TOLERANCE).fit(data, true_labels=truth)
    return model.probas_, model.errors_


def _numbered(data: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.Index]]:
    """The table with numbers for names, which halves the time of the model, and the names in their order."""
    coded = {column: pd.factorize(data[column], sort=True) for column in data}
    numbers = pd.DataFrame({column: codes for column, (codes, _) in coded.items()})
    return numbers, {column: pd.Index(names) for column, (_, names) in coded.items()}


def _table(found: Sequence[Counted], question: str) -> tuple[pd.DataFrame, pd.Series]:
    """One row for each answer, in a fixed order, and the truth of gold among the answers that were given."""
    tasks = [(clip, clip.item["expected"].get(question)) for clip in found]
    rows = [
        (clip.item["item_key"], row["annotator"], row["answers"][question])
        for clip, known in tasks
        if (known or not clip.item["expected"]) and (known or len(clip.answers) > 1)
        for row in clip.answers
        if question in row["answers"]
    ]
    data = pd.DataFrame(sorted(rows), columns=["task", "worker", "label"])
    given, judged = set(data["label"]), set(data["task"])
    known_answers = {
        clip.item["item_key"]: known
        for clip, known in tasks
        if known in given and clip.item["item_key"] in judged
    }
    return data, pd.Series(dict(sorted(known_answers.items())), dtype=object)


def _answered(errors: np.ndarray, met: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """True answer to the share of each answer.

    Args:
        errors: float [answers, truths].
        met: float [truths]: how many of the annotator's clips likely have each truth.
    """
    return {
        truth: {answer: float(errors[row, column]) for row, answer in enumerate(labels)}
        for column, truth in enumerate(labels)
        if met[column] >= FEWEST_OF_ONE_ANSWER
    }
