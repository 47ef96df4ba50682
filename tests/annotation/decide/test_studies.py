"""The tolerance study and machine labels: thresholds that were put in are found, shares are right by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.decide.count import counted
from annotation.decide.studies import half_point, machine_labels, tolerance
from schemas.forms import FORMS
from schemas.judging import Review
from tests.annotation.decide.simulated import answer, item, tolerance_of

OFFSETS = Review().offsets


def found_of(made) -> list:
    return list(counted(made.items, made.answers, 3).values())


@pytest.mark.parametrize("half_ms", [180, 300, 520])
def test_the_offset_that_half_notice_is_found_on_both_sides(half_ms):
    study = tolerance(found_of(tolerance_of(120, OFFSETS, half_ms)), 500)
    assert [each.offset_ms for each in study.offsets] == sorted(OFFSETS)
    assert study.clips == 120
    for threshold, sign in zip(study.thresholds, (-1, 1), strict=True):
        assert threshold.offset_ms == pytest.approx(sign * half_ms, abs=35)
        assert threshold.low_ms < threshold.offset_ms < threshold.high_ms
        assert threshold.high_ms - threshold.low_ms < 100
    shares = {each.offset_ms: each.in_sync for each in study.offsets}
    assert (shares[0].n, shares[800].n) == (360, 360)
    assert shares[0].value > 0.95 and shares[800].value < 0.1


def test_one_pair_by_hand_and_unclear_is_apart():
    pairs = [item("0", kind="offset", offset_ms=0), item("1", kind="offset", offset_ms=200)]
    answers = [
        *(answer("0", name, {"in_sync": "yes"}) for name in ("A1", "A2")),
        answer("0", "A3", {"in_sync": "unclear"}),
        *(answer("1", name, {"in_sync": "no"}) for name in ("A1", "A2", "A3")),
    ]
    study = tolerance(list(counted(pairs, answers, 3).values()), 100)
    assert [(each.in_sync.value, each.in_sync.n, each.unclear) for each in study.offsets] == [
        (1, 2, 1),
        (0, 3, 0),
    ]
    late, early = study.thresholds
    assert (late.offset_ms, early.offset_ms, early.low_ms) == (None, 100.0, None)
    assert "fall through one half" in late.why and "2 clips are too few" in early.why


def test_without_pairs_there_is_no_study():
    assert tolerance([], 100) is None
    assert tolerance(list(counted([item("0", kind="offset")], [], 3).values()), 100) is None


@pytest.mark.parametrize(
    ("shares", "sign", "expected"),
    [
        ((10, 10, 10, 0, 0), 1, 50.0),
        ((0, 5, 10, 5, 0), 1, 100.0),  # exactly half is not yet less than half
        ((0, 4, 10, 8, 4), 1, 175.0),
        ((0, 4, 10, 8, 4), -1, -100 * 5 / 6),
        ((0, 0, 4, 8, 0), 1, None),
        ((10, 10, 10, 10, 10), -1, None),
    ],
)
def test_half_point_by_hand(shares, sign, expected):
    yes = np.array(shares)
    found = half_point((-200, -100, 0, 100, 200), np.stack([yes, 10 - yes], axis=1), sign)
    assert found == (pytest.approx(expected) if expected is not None else None)


@given(shares=st.lists(st.integers(0, 20), min_size=5, max_size=5))
def test_sides_mirror_each_other_and_lie_among_what_was_shown(shares):
    offsets, yes = (-400, -120, 0, 120, 400), np.array(shares)
    yes_no = np.stack([yes, 20 - yes], axis=1)
    early, mirrored = half_point(offsets, yes_no, 1), half_point(offsets, yes_no[::-1], -1)
    assert mirrored == (-early if early is not None else None)
    assert early is None or 0 <= early <= 400


def test_machine_labels_by_hand():
    said = [  # machine, then three people
        ("talking_head", ("talking_head",) * 3),
        ("talking_head", ("talking_head", "talking_head", "other")),
        ("talking_head", ("voice_over", "voice_over", "unclear")),
        ("other", ("other",) * 3),
        ("other", ("talking_head",) * 3),
        ("other", ("talking_head", "voice_over", "other")),
        ("other", ("unclear",) * 3),
        ("other", ("other", "other")),
        ("cannot_tell", ("other",) * 3),
    ]
    items = [
        item(f"{number}", kind="excerpt", machine={"label": machine})
        for number, (machine, _) in enumerate(said)
    ]
    answers = [
        answer(f"{number}", f"A{who}", {"label": label}, who)
        for number, (_, people) in enumerate(said)
        for who, label in enumerate(people, 1)
    ]
    (labels,) = machine_labels(
        list(counted(items, answers, 3).values()), FORMS["label-check"], Review(form="label-check")
    )
    assert (labels.question, labels.undecided) == ("label", 2)
    assert (labels.right.value, labels.right.n) == (3 / 5, 5)
    assert labels.confusion == {
        ("other", "other"): 1,
        ("talking_head", "other"): 1,
        ("talking_head", "talking_head"): 2,
        ("voice_over", "talking_head"): 1,
    }
    shares = {each.answer: (each.precision.value, each.recall.value) for each in labels.labels}
    assert shares == {
        "talking_head": (2 / 3, 2 / 3),
        "voice_over": (None, 0.0),
        "other": (0.5, 1.0),
    }
