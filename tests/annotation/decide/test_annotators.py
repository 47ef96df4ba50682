"""Annotators: the faults that an invented team has are found, and careful ones are left alone."""

from __future__ import annotations

import pytest

from annotation.decide.annotators import annotators
from annotation.decide.count import counted
from annotation.decide.error_rates import error_rates
from annotation.decide.flags import flags
from schemas.forms import FORMS
from schemas.judging import Review
from tests.annotation.decide.simulated import TEAM, Hand, Simulated, answer, item, review_of

FORM = FORMS["clip-review"]
FIT = {"source": "visible", "aligned": "in_time", "audio": "good", "scenario": "singing", "speech": "neither"}


def people_of(made: Simulated, **recipe) -> dict:
    found = list(counted(made.items, made.answers, 3).values())
    return {one.pseudonym: one for one in annotators(found, made.answers, FORM, Review(**recipe))}


def signs_of(made: Simulated) -> set[tuple[str, str]]:
    return {(flag.annotator, flag.sign) for flag in flags(list(people_of(made).values()), 0.8)}


@pytest.fixture
def without_model(monkeypatch):
    """Signs do not need the model of Dawid and Skene, which takes seconds."""
    monkeypatch.setattr("annotation.decide.annotators.error_rates", lambda found, question: {})


@pytest.fixture(scope="module")
def team_review() -> Simulated:
    return review_of(600)


@pytest.fixture(scope="module")
def team(team_review) -> dict:
    return people_of(team_review)


def test_the_careless_one_and_the_one_who_tires_are_told_and_nobody_else(team):
    signs = {(flag.annotator, flag.sign) for flag in flags(list(team.values()), 0.8)}
    assert {("A3", "gold"), ("A3", "too_fast"), ("A3", "against_others"), ("A4", "drift")} <= signs
    assert {annotator for annotator, _ in signs} == {"A3", "A4"}


def test_words_name_the_numbers(without_model):
    faulty = [
        item(f"g{number}", kind="gold_shifted", expected={"aligned": "out_of_time"}) for number in range(6)
    ]
    answers = [
        answer(f"g{number}", "A3", FIT | {"aligned": "in_time" if number < 4 else "out_of_time"})
        for number in range(6)
    ]
    (flag,) = flags(list(people_of(Simulated(faulty, answers, {})).values()), 0.8)
    assert (flag.annotator, flag.words) == ("A3", "missed 4 of 6 shifted clips")


@pytest.mark.parametrize("seed", range(8))
def test_a_careful_team_has_no_signs(seed, without_model):
    even = [Hand(f"A{number}", errs=0.06) for number in range(1, 6)]
    assert signs_of(review_of(300, even, seed=seed)) == set()


@pytest.mark.parametrize(
    ("hand", "sign"),
    [
        (Hand("A2", unclear=0.3), "unclear"),
        (Hand("A2", skips=0.4), "skips"),
        (Hand("A2", sees_gold=0.2), "gold"),
        (Hand("A2", pace=0.6), "too_fast"),
        (Hand("A2", errs_on={"audio": 0.5}), "against_others"),
    ],
)
def test_each_fault_by_itself(hand, sign, without_model):
    others = [Hand(name) for name in ("A1", "A3", "A4", "A5")]
    signs = signs_of(review_of(400, [*others, hand]))
    assert ("A2", sign) in signs
    assert {annotator for annotator, _ in signs} == {"A2"}


def test_error_rates_are_those_put_in(team_review, team):
    """Each is likely right as often as she was made to be, on answers that everybody meets often."""
    truth, by_name = team_review.truth, {hand.name: hand for hand in TEAM}
    right: dict[str, list[bool]] = {name: [] for name in by_name}
    for row in team_review.answers:
        if row["answers"]:
            right[row["annotator"]].append(row["answers"]["speech"] == truth[row["item_key"]]["speech"])
    for name, seen in right.items():
        (speech,) = [each for each in team[name].questions if each.question == "speech"]
        assert speech.errors.accuracy == pytest.approx(sum(seen) / len(seen), abs=0.04)
        assert all(sum(shares.values()) == pytest.approx(1) for shares in speech.errors.answered.values())


def test_gold_tells_the_model_what_most_people_miss():
    """Where all but one let shifted clips pass, only the known answers of gold show who is right."""
    team = [
        Hand("A1", errs=0, sees_gold=1.0),
        *(Hand(f"A{number}", errs=0, sees_gold=0) for number in (2, 3)),
    ]
    made = review_of(200, team, gold=0.3)
    found = list(counted(made.items, made.answers, 3).values())
    rates = error_rates(found, "aligned")
    assert rates["A1"].accuracy > rates["A2"].accuracy + 0.2
    assert rates["A2"].answered["out_of_time"]["in_time"] > 0.5


def test_too_few_clips_or_one_answer_only_have_no_error_rates():
    made = review_of(10, gold=0)
    assert error_rates(list(counted(made.items, made.answers, 3).values()), "speech") == {}
    items = [item(f"{number}") for number in range(30)]
    answers = [answer(f"{number}", f"A{who}", FIT) for number in range(30) for who in (1, 2, 3)]
    assert error_rates(list(counted(items, answers, 3).values()), "speech") == {}


def test_counts_of_one_annotator_by_hand(without_model):
    items = [item(f"{number}", duration_ms=10_000) for number in range(5)]
    items.append(item("g", kind="gold_swapped", expected={"aligned": "other_sound"}))
    answers = [
        answer("0", "A1", FIT, lead_time_ms=7_999),
        answer("1", "A1", FIT | {"source": "unclear"}, lead_time_ms=8_000),
        answer("2", "A1", FIT, lead_time_ms=None),
        answer("3", "A1", {}, skipped=True),
        answer("4", "A1", {}, refused="missing_answer"),
        answer("g", "A1", FIT | {"aligned": "out_of_time"}, lead_time_ms=30_000),
        answer("g", "A2", FIT | {"aligned": "unclear"}),
        answer("g", "L1", FIT),
    ]
    people = people_of(Simulated(items, answers, {}))
    assert list(people) == ["A1", "A2"]
    one = people["A1"]
    assert (one.judged, one.skipped, one.refused, one.extra, one.unknown_times) == (4, 1, 1, 0, 1)
    assert (one.seconds, one.too_fast.value, one.too_fast.n) == (8.0, pytest.approx(1 / 3), 3)
    assert (one.unclear.value, one.unclear.n) == (pytest.approx(1 / 20), 20)
    # Another fault than the true one is a fault found; unclear lets it pass.
    assert [(gold.missed.value, gold.missed.n, gold.otherwise) for gold in one.gold] == [(0.0, 1, 1)]
    assert people["A2"].gold[0].missed.value == 1.0


def test_the_others_need_a_majority_to_be_agreed_with(without_model):
    items = [item("a"), item("b"), item("c")]
    answers = [
        *(answer("a", name, FIT, number) for number, name in enumerate(("A1", "A2", "A3"))),
        *(answer("b", name, FIT | {"source": said}, 9) for name, said in
          (("A1", "off_screen"), ("A2", "visible"), ("A3", "unclear"))),
        *(answer("c", name, FIT | {"source": said}, 19) for name, said in
          (("A1", "off_screen"), ("A2", "visible"), ("A3", "visible"))),
    ]  # fmt: skip
    people = people_of(Simulated(items, answers, {}))
    source = {name: one.questions[0].with_others for name, one in people.items()}
    assert (source["A1"].value, source["A1"].n) == (0.5, 2)
    assert (source["A2"].value, source["A2"].n) == (1.0, 1)
