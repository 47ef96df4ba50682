"""The model against people: shares by hand, weights that make the audit count for all that was left out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from schemas.judgement import Judgement
from schemas.judging import LeaveOut, Offscreen
from schemas.scenarios import DOMAIN_OF
from tasks.offscreen.measure.intervals import NOTHING, needed, weighted_share, wilson
from tasks.offscreen.measure.points import curve, point_at, suggested_point
from tasks.offscreen.measure.scores import Judged, Seen, audit_of, beside_people, confusion, judged, scores

SECTION = Offscreen(leave_out=LeaveOut(off_screen=0.9), audit=0.1)


def judgement(source="visible", confidence=0.95, scenario="singing") -> Judgement:
    return Judgement(
        source_name="a voice", source=source, source_confidence=confidence, mismatch="none", mismatch_confidence=0.95,
        audio="good", audio_confidence=0.95, scenario=scenario, domain=DOMAIN_OF[scenario], scenario_confidence=0.9,
        evidence="Somebody sings.", evidence_seconds=1.0,
    )  # fmt: skip


def review(clip_id: str, answer: str, question: str = "source") -> dict:
    return {"clip_id": clip_id, "question": question, "answer": answer, "annotators": 3}


def test_wilson_by_hand():
    # 8 of 10, z = 1.96: middle (0.8 + 0.192)/(1.384) = 0.7167, half width 0.2265.
    low, high = wilson(0.8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


@given(n=st.integers(1, 5000), hits=st.integers(0, 5000))
def test_wilson_is_scipys_where_all_weigh_the_same(n, hits):
    hits = min(hits, n)
    theirs = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="wilson")
    among = np.ones(n, dtype=bool)
    ours = weighted_share(np.full(n, 3.7), np.arange(n) < hits, among)
    assert (ours.low, ours.high) == (
        pytest.approx(theirs.low, abs=1e-9),
        pytest.approx(theirs.high, abs=1e-9),
    )
    assert (ours.value, ours.n) == (pytest.approx(hits / n), n)
    assert ours.effective == pytest.approx(n)


@given(
    rows=st.lists(st.tuples(st.floats(0.1, 50), st.booleans(), st.booleans()), min_size=1, max_size=60),
)
def test_a_weighted_share_lies_in_its_interval_and_tells_no_more_than_its_clips(rows):
    weights, hits, among = (np.array(column) for column in zip(*rows, strict=True))
    share = weighted_share(weights, hits, among)
    if not among.any():
        assert share == NOTHING
        return
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert 0 < share.effective <= share.n + 1e-6


def test_needed_reviews_for_a_precision_of_095():
    # All right: n/(n + z²) ≥ 0.95 from n = 73.
    assert needed(1.0, 0.95) == 73
    assert wilson(1.0, 72)[0] < 0.95 <= wilson(1.0, 73)[0]
    assert needed(0.95, 0.95) is None
    n = needed(0.97, 0.95)
    assert wilson(0.97, n)[0] >= 0.95 > wilson(0.97, n - 1)[0]


def test_left_out_is_what_the_point_leaves_out_whether_or_not_it_is_audited():
    clips = [judged(f"c{number}", judgement("off_screen", 0.95), "v1", SECTION) for number in range(50)]
    assert all(each.left_out for each in clips)
    assert not judged("c", judgement("off_screen", 0.85), "v1", SECTION).left_out
    assert not judged("c", judgement("visible", 0.95), "v1", SECTION).left_out


def test_each_reviewed_clip_stands_for_those_of_its_kind():
    # 20 are left out, of which 2 were audited: one is bad. 10 are kept, of which 5 were reviewed: one is bad.
    clips = [Judged(f"o{number}", judgement("off_screen"), "v1", True) for number in range(20)]
    clips += [Judged(f"k{number}", judgement("visible"), "v1", False) for number in range(10)]
    reviews = [review("o0", "off_screen"), review("o1", "visible"), review("k0", "off_screen")]
    reviews += [review(f"k{number}", "visible") for number in range(1, 5)]
    seen = beside_people("source", clips, reviews)
    assert seen.weights.tolist() == [10.0] * 20 + [2.0] * 10
    (score,) = [each for each in scores(seen) if each.group == "all"]
    assert score.precision.value == pytest.approx(0.5)
    assert score.recall.value == pytest.approx(10 / 12)
    audit = audit_of("source", clips, seen)
    assert (audit.kept, audit.kept_reviewed, audit.left_out, audit.left_out_reviewed, audit.blind) == (
        10,
        5,
        20,
        2,
        False,
    )


def test_where_nobody_saw_what_is_left_out_the_report_says_so():
    clips = [Judged("o", judgement("off_screen"), "v1", True), Judged("k", judgement(), "v1", False)]
    seen = beside_people("source", clips, [review("k", "visible")])
    assert audit_of("source", clips, seen).blind
    assert scores(seen)[0].precision == NOTHING


def test_unclear_is_counted_and_neither_right_nor_wrong():
    clips = [
        Judged(f"c{number}", judgement(source), "v1", False)
        for number, source in enumerate(["off_screen", "off_screen", "unclear", "visible", "off_screen"])
    ]
    said = ["off_screen", "unclear", "off_screen", "visible", "visible"]
    seen = beside_people(
        "source", clips, [review(f"c{number}", answer) for number, answer in enumerate(said)]
    )
    score = scores(seen)[0]
    assert (score.reviewed, score.undecided, score.people, score.model) == (4, 1, 2, 2)
    assert (score.precision.value, score.recall.value) == (0.5, 0.5)
    assert confusion(seen) == {
        ("off_screen", "off_screen"): 1, ("unclear", "off_screen"): 1, ("off_screen", "unclear"): 1,
        ("visible", "visible"): 1, ("visible", "off_screen"): 1,
    }  # fmt: skip


def test_scores_by_prompt_and_by_peoples_scenario():
    clips = [
        Judged("a", judgement("off_screen", scenario="singing"), "v1", False),
        Judged("b", judgement("off_screen", scenario="singing"), "v2", False),
        Judged("c", judgement("visible", scenario="dialogue"), "v2", False),
    ]
    reviews = [review("a", "off_screen"), review("b", "visible"), review("c", "visible")]
    reviews += [
        review("a", "singing", "scenario"),
        review("b", "action", "scenario"),
        review("c", "unclear", "scenario"),
    ]
    found = {score.group: score for score in scores(beside_people("source", clips, reviews))}
    assert set(found) == {"all", "prompt v1", "prompt v2", "scenario singing", "scenario action"}
    assert (found["prompt v1"].precision.value, found["prompt v2"].precision.value) == (1.0, 0.0)
    assert found["scenario action"].reviewed == 1
    of_scenario = {
        (score.group, score.answer): score for score in scores(beside_people("scenario", clips, reviews))
    }
    assert of_scenario["all", "any"].precision.value == 0.5
    assert of_scenario["all", "singing"].precision.value == 0.5
    assert of_scenario["all", "action"].recall.value == 0.0
    assert of_scenario["all", "any"].undecided == 1


def seen_of(answers, confidence, truth, weights=None) -> Seen:
    n = len(answers)
    return Seen(
        "source", np.array(answers, dtype=str), np.array(confidence, dtype=float), np.array(truth, dtype=str),
        np.ones(n) if weights is None else np.array(weights, dtype=float), np.full(n, "v1"), np.full(n, ""),
    )  # fmt: skip


def test_a_point_by_hand():
    seen = seen_of(
        ["off_screen", "off_screen", "off_screen", "visible", "unclear", "visible"],
        [0.95, 0.92, 0.80, 0.99, 0.99, 0.5],
        ["off_screen", "visible", "off_screen", "visible", "off_screen", ""],
    )
    point = point_at(seen, 0.9)
    assert (point.left_out, point.to_people) == (2 / 6, 3 / 6)
    assert (point.precision.value, point.caught.value, point.lost.value) == (0.5, pytest.approx(1 / 3), 0.5)
    assert [each.threshold for each in curve(seen, (0.5, 0.9))] == [0.5, 0.9]


def made(rng: np.random.Generator, clips: int, audit: float, point: float = 0.9) -> tuple[Seen, np.ndarray]:
    """Clips of which a fifth are bad; a call is right the more often the surer it is. Reviewed are all that the point
    keeps, and `audit` of the others. Returns what is seen, and for every clip whether it is bad."""
    bad = rng.random(clips) < 0.2
    confidence = np.round(rng.beta(4, 1.2, clips), 2)
    called = np.where(bad, rng.random(clips) < 0.85, rng.random(clips) < 0.5 * (1 - confidence) ** 2)
    out = called & (confidence >= point)
    reviewed = np.where(out, rng.random(clips) < audit, True)
    weights = np.where(out, out.sum() / max(1, (out & reviewed).sum()), 1.0)
    truth = np.where(reviewed, np.where(bad, "off_screen", "visible"), "")
    return seen_of(np.where(called, "off_screen", "visible"), confidence, truth, weights), bad


def test_weights_take_the_bias_out_and_intervals_hold_what_is_true():
    rng = np.random.default_rng(20261121)
    precisions, recalls, plain, held = [], [], [], [0, 0]
    population, bad = made(rng, 300_000, 1.0)
    called = population.answers == "off_screen"
    true_precision, true_recall = (bad & called).sum() / called.sum(), (bad & called).sum() / bad.sum()
    draws = 200
    for _ in range(draws):
        seen, bad = made(rng, 2000, 0.1)
        score = scores(seen)[0]
        precisions.append(score.precision.value)
        recalls.append(score.recall.value)
        found, all_bad = (
            (seen.decided & bad & (seen.answers == "off_screen")).sum(),
            (seen.decided & bad).sum(),
        )
        plain.append(found / all_bad)
        held[0] += score.precision.low <= true_precision <= score.precision.high
        held[1] += score.recall.low <= true_recall <= score.recall.high
    assert np.mean(precisions) == pytest.approx(true_precision, abs=0.01)
    assert np.mean(recalls) == pytest.approx(true_recall, abs=0.01)
    assert np.mean(plain) < true_recall - 0.025
    assert min(held) >= 0.93 * draws


def test_a_suggested_point_is_as_precise_as_it_says_and_low():
    rng = np.random.default_rng(7)
    population, bad = made(rng, 300_000, 1.0)

    def truly(threshold: float) -> float:
        gone = (population.answers == "off_screen") & (population.confidence >= threshold)
        return (bad & gone).sum() / gone.sum()

    lowest = min(each / 100 for each in range(50, 97) if truly(each / 100) >= 0.95)
    suggested = [suggested_point(made(rng, 10_000, 1.0)[0]).point for _ in range(20)]
    thresholds = [point.threshold for point in suggested if point]
    assert len(thresholds) >= 18
    assert sum(truly(threshold) < 0.95 for threshold in thresholds) <= 2
    assert lowest - 0.03 <= float(np.median(thresholds)) <= lowest + 0.06


def test_a_few_heavy_clips_do_not_make_a_point():
    # 12 audited clips that stand for 240, all rightly left out, say less than 240 reviewed ones would.
    seen = seen_of(["off_screen"] * 312, [0.95] * 12 + [0.85] * 300, ["off_screen"] * 300 + ["visible"] * 12,
                   [20.0] * 12 + [1.0] * 300)  # fmt: skip
    assert suggested_point(seen).point is None


@pytest.mark.parametrize(
    ("right", "wrong", "more", "told"),
    [
        (0, 0, 73, "none was reviewed"),
        (40, 0, 33, "40 were reviewed"),
        (10, 200, None, "at no threshold is the model so precise"),
    ],
)
def test_too_little_data_says_how_many_reviews_are_needed(right, wrong, more, told):
    n = right + wrong
    seen = seen_of(
        ["off_screen"] * (n + 5), [0.9] * (n + 5), ["off_screen"] * right + ["visible"] * wrong + [""] * 5
    )
    suggestion = suggested_point(seen)
    assert (suggestion.point, suggestion.more_reviews) == (None, more)
    assert told in suggestion.why


def test_the_reviews_that_were_asked_for_are_enough():
    seen = seen_of(["off_screen"] * 73, [0.29] * 73, ["off_screen"] * 73)
    suggestion = suggested_point(seen)
    assert suggestion.point is not None
    assert suggestion.point.threshold == 0.29
    assert math.isclose(suggestion.point.precision.low, 73 / (73 + 1.959963984540054**2))
