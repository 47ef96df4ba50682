"""Krippendorff's alpha: published numbers, the library on the same draws, intervals, groups, what has none."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.decide.agreement import agreement, alpha_of, resampled
from annotation.decide.count import counted
from schemas.forms import FORMS, Form, Question
from tests.annotation.decide.simulated import Hand, answer, item, review_of

COLOURS = Form("one-question", (Question("colour", ("1", "2", "3", "4", "5")),))

KRIPPENDORFF_2011 = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3),
    (None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None),
)
"""Four observers, twelve units: the example of "Computing Krippendorff's Alpha-Reliability" (2011), part C."""


def found_of(table) -> list:
    """The judgements of a table of people (rows) by clips (columns)."""
    clips = [item(f"{number:02}") for number in range(len(table[0]))]
    answers = [
        answer(f"{clip:02}", f"A{person}", {"colour": str(value)}, person)
        for person, row in enumerate(table, 1)
        for clip, value in enumerate(row)
        if value is not None
    ]
    return list(counted(clips, answers, len(table)).values())


def only(groups, kind: str, name: str = ""):
    (group,) = [group for group in groups if (group.kind, group.name) == (kind, name)]
    return group


def test_the_published_example():
    groups = agreement(found_of(KRIPPENDORFF_2011), COLOURS, {}, 500)
    question, all_questions = only(groups, "question", "colour"), only(groups, "all")
    assert question.alpha == pytest.approx(0.743, abs=5e-4)
    assert all_questions.alpha == pytest.approx(question.alpha)
    # The twelfth unit has one value only, so it is no part of it.
    assert (question.clips, question.annotators) == (11, 4)
    assert question.low < 0.743 < question.high


def sums_of(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=1)
    disagreeing = (total**2 - (counts**2).sum(axis=1)) / (total - 1)
    return np.column_stack([disagreeing, counts])[:, None]


def library(counts: np.ndarray) -> float:
    return krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")


votes = st.lists(st.integers(0, 3), min_size=3, max_size=3).filter(lambda row: sum(row) > 1)
counts_of_clips = (
    st.lists(votes, min_size=2, max_size=30)
    .map(np.array)
    .filter(lambda counts: np.count_nonzero(counts.sum(axis=0)) > 1)
)


@given(counts=counts_of_clips, seed=st.integers(0, 99))
@settings(deadline=None)
def test_alpha_of_a_resample_is_the_librarys_of_the_same_clips(counts, seed):
    drawn = np.random.default_rng(seed).integers(len(counts), size=len(counts))
    sample = counts[drawn]
    ours = alpha_of(sums_of(counts)[drawn].sum(axis=0))
    if (sample.sum(axis=0) > 0).sum() < 2:
        assert np.isnan(ours)
    else:
        assert ours == pytest.approx(library(sample), abs=1e-12)


@given(counts=counts_of_clips, seed=st.integers(0, 99))
@settings(deadline=None)
def test_every_draw_has_as_many_clips_and_only_those_there_are(counts, seed):
    sums = np.ones((len(counts), 1, 1))
    drawn = resampled(sums, 20, np.random.default_rng(seed))
    assert drawn.ravel().tolist() == [len(counts)] * 20
    pooled = resampled(sums_of(counts), 20, np.random.default_rng(seed))
    assert (pooled[:, 0, 1:][:, counts.sum(axis=0) == 0] == 0).all()


def test_the_interval_is_that_of_clips_drawn_one_by_one():
    rng = np.random.default_rng(5)
    truth = rng.choice(3, size=200, p=[0.7, 0.2, 0.1])
    said = np.where(rng.random((3, 200)) < 0.85, truth, rng.integers(3, size=(3, 200)))
    counts = np.stack([(said == value).sum(axis=0) for value in range(3)], axis=1)
    plain = [library(counts[rng.integers(200, size=200)]) for _ in range(2000)]
    found = found_of((said + 1).tolist())
    group = only(agreement(found, COLOURS, {}, 2000), "question", "colour")
    assert (group.low, group.high) == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=0.012)


@pytest.mark.slow
def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 200 invented reviews of 80 clips, about 95 in 100 intervals hold the alpha of very many clips."""
    rng = np.random.default_rng(11)

    def review(clips: int) -> np.ndarray:
        truth = rng.choice(2, size=clips, p=[0.7, 0.3])
        said = np.where(rng.random((3, clips)) < 0.88, truth, 1 - truth)
        return np.stack([(said == value).sum(axis=0) for value in range(2)], axis=1)

    true_alpha = library(review(300_000))
    held = 0
    for seed in range(200):
        drawn = alpha_of(resampled(sums_of(review(80)), 600, np.random.default_rng(seed)))
        low, high = np.percentile(drawn, [2.5, 97.5])
        held += low <= true_alpha <= high
    assert 0.89 <= held / 200 <= 0.99


def test_over_several_questions_chance_is_reckoned_within_each():
    """Two questions that are answered alike have together the alpha of each; pooled as one they would have more."""
    form = Form("two", (Question("a", ("1", "2")), Question("b", ("1", "2"))))
    table = ((1, 1, 2, 2, 1, 2, 1, 1), (1, 1, 2, 1, 1, 2, 2, 1), (1, 2, 2, 2, 1, 2, 1, 1))
    clips = [item(f"{number}") for number in range(8)]
    answers = [
        answer(f"{clip}", f"A{person}", {"a": str(value), "b": str(value)}, person)
        for person, row in enumerate(table, 1)
        for clip, value in enumerate(row)
    ]
    groups = agreement(list(counted(clips, answers, 3).values()), form, {}, 200)
    assert only(groups, "all").alpha == pytest.approx(only(groups, "question", "a").alpha)


def test_where_nothing_varies_there_is_no_alpha_and_a_reason():
    group = only(agreement(found_of(((1,) * 8, (1,) * 8)), COLOURS, {}, 200), "question", "colour")
    assert (group.alpha, group.low, group.clips) == (None, None, 8)
    assert "all 16 answers are the same" in group.why


def test_where_hardly_anything_varies_there_is_no_interval_and_a_reason():
    group = only(agreement(found_of(((1,) * 30, (1,) * 29 + (2,))), COLOURS, {}, 200), "question", "colour")
    assert group.alpha == pytest.approx(0, abs=0.02)
    assert group.low is None and "too few draws" in group.why


def test_too_few_clips_have_no_alpha():
    group = only(agreement(found_of(((1, 2, 1, 1), (1, 2, 2, 1))), COLOURS, {}, 200), "all")
    assert (group.alpha, group.why) == (None, "5 clips with two judgements are needed, there are 4")
    assert only(agreement([], COLOURS, {}, 200), "all").clips == 0


def test_groups_by_verdict_scenario_and_week_and_the_same_every_time():
    made = review_of(300, gold=0)
    found = list(counted(made.items, made.answers, 3).values())
    scenarios = {key: truth["scenario"] for key, truth in made.truth.items()}
    groups = agreement(found, FORMS["clip-review"], scenarios, 300)
    assert groups == agreement(found[::-1], FORMS["clip-review"], scenarios, 300)
    names = {kind: [group.name for group in groups if group.kind == kind] for kind in ("scenario", "week")}
    assert names["scenario"] == sorted(set(scenarios.values()))
    assert names["week"][:3] == ["2026-W37", "2026-W38", "2026-W39"]
    assert sum(group.clips for group in groups if group.kind == "week") == 300
    assert only(groups, "verdict").clips == 300


@pytest.mark.parametrize("errs", [0.02, 0.1, 0.25])
def test_alpha_is_that_of_the_error_rates_put_in(errs):
    """Two answers, errors independent and alike: alpha tends to (1 − 2e)² p(1 − p) / q(1 − q), q the share said."""
    team = [Hand(f"A{number}", errs=errs, unclear=0, skips=0) for number in range(1, 6)]
    made = review_of(4000, team, gold=0)
    groups = agreement(list(counted(made.items, made.answers, 3).values()), FORMS["clip-review"], {}, 300)
    bad = 0.1
    said = bad * (1 - errs) + (1 - bad) * errs
    expected = (1 - 2 * errs) ** 2 * bad * (1 - bad) / (said * (1 - said))
    group = only(groups, "question", "audio")
    assert group.alpha == pytest.approx(expected, abs=0.05)
    assert group.low - 0.03 < expected < group.high + 0.03
