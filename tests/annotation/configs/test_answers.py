"""Every answer to a page is read as it was given, and nothing else gets through."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.configs.answers import LONGEST_COMMENT, REASONS, Parsed, Refused, parse_answer
from annotation.configs.pages import page_of
from schemas.forms import FORMS

FRAMES = 200
PAGE = page_of("clip-review")
GOOD = {
    "source": "visible",
    "aligned": "in_time",
    "audio": "good",
    "scenario": "object_sound",
    "speech": "neither",
}


def choice(name: str, *answers: str) -> dict:
    return {"from_name": name, "to_name": "clip", "type": "choices", "value": {"choices": list(answers)}}


def region(start=1, end=FRAMES, labels=("keep",)) -> dict:
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": list(labels)}
    return {"id": "t", "from_name": "trim", "to_name": "clip", "type": "timelinelabels", "value": value}


def comment(text) -> dict:
    return {"from_name": "comment", "to_name": "clip", "type": "textarea", "value": {"text": text}}


def annotation(*more: dict, answers=GOOD, **fields) -> dict:
    result = [choice(name, answer) for name, answer in answers.items()]
    return {"result": [*result, *more], "was_cancelled": False, "lead_time": 12.34} | fields


def test_a_whole_answer_is_read():
    given_answer = annotation(region(26, 150), comment(["the bell is late"]))
    assert parse_answer(PAGE, given_answer, FRAMES) == Parsed(
        GOOD, keep_start_ms=1000, keep_end_ms=6000, comment="the bell is late", lead_time_ms=12340
    )


def test_answers_come_in_the_order_of_the_form_whatever_their_order():
    shuffled = annotation(answers=dict(reversed(GOOD.items())))
    assert list(parse_answer(PAGE, shuffled, FRAMES).answers) == list(GOOD)


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [(1, 200, (0, 8000)), (1, 1, (0, 40)), (200, 200, (7960, 8000)), (2.0, 3.0, (40, 120))],
)
def test_frames_count_from_one_and_the_last_is_kept(start, end, kept):
    parsed = parse_answer(PAGE, annotation(region(start, end)), FRAMES)
    assert (parsed.keep_start_ms, parsed.keep_end_ms) == kept


def test_without_a_part_there_is_none():
    parsed = parse_answer(PAGE, annotation(), FRAMES)
    assert (parsed.keep_start_ms, parsed.keep_end_ms) == (None, None)


@pytest.mark.parametrize("result", [[], [{"from_name": "gone"}], None])
def test_a_skip_has_no_answers_and_is_not_refused(result):
    skip = {"was_cancelled": True, "result": result, "lead_time": 3}
    assert parse_answer(PAGE, skip, FRAMES) == Parsed(skipped=True, lead_time_ms=3000)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("one", "one"),
        (["one", "two"], "one\ntwo"),
        ([], ""),
        (["  "], ""),
        (["a\ud800b\0c"], "a?bc"),
        (["ж" * LONGEST_COMMENT], "ж" * LONGEST_COMMENT),
    ],
)
def test_comments_can_be_written_to_a_file(text, read):
    parsed = parse_answer(PAGE, annotation(comment(text)), FRAMES)
    assert parsed.comment == read
    parsed.comment.encode("utf-8")


WRONG = {
    "no object": ([], "not_an_object"),
    "text": ("yes", "not_an_object"),
    "no result": ({"was_cancelled": False}, "not_an_object"),
    "result of a word": (annotation() | {"result": ["x"]}, "not_an_object"),
    "skip of a word": (annotation(was_cancelled="no"), "not_an_object"),
    "skip of a number": (annotation(was_cancelled=0), "not_an_object"),
    "nothing given": (annotation() | {"result": []}, "empty"),
    "unknown control": (annotation(choice("mood", "good")), "unknown_control"),
    "no control": (annotation({"type": "relation"}), "unknown_control"),
    "control is a list": (annotation({"from_name": ["source"]}), "unknown_control"),
    "other video": (annotation(choice("source", "visible") | {"to_name": "clip2"}), "wrong_control"),
    "other type": (annotation(comment("x") | {"type": "choices"}), "wrong_control"),
    "no value": (annotation(comment("x") | {"value": None}), "wrong_control"),
    "unknown answer": (annotation(answers=GOOD | {"audio": "superb"}), "unknown_answer"),
    "answer of another": (annotation(answers=GOOD | {"audio": "visible"}), "unknown_answer"),
    "as shown, not as stored": (annotation(answers=GOOD | {"aligned": "in time"}), "unknown_answer"),
    "answer is a number": (annotation(answers=GOOD | {"audio": 1}), "unknown_answer"),
    "no choice": (annotation(choice("source")), "several_answers"),
    "two at once": ({"result": [choice("source", "visible", "off_screen")]}, "several_answers"),
    "twice": (annotation(choice("source", "visible")), "several_answers"),
    "one missing": (annotation(answers={"source": "visible"}), "missing_question"),
    "part only": ({"result": [region()]}, "missing_question"),
    "frame 0": (annotation(region(0, 10)), "bad_region"),
    "past the end": (annotation(region(1, FRAMES + 1)), "bad_region"),
    "reversed": (annotation(region(20, 10)), "bad_region"),
    "half a frame": (annotation(region(1.5, 10)), "bad_region"),
    "no number": (annotation(region("1", 10)), "bad_region"),
    "truth": (annotation(region(True, 10)), "bad_region"),
    "not a number": (annotation(region(float("nan"), 10)), "bad_region"),
    "two parts": (annotation(region(1, 10), region(20, 30)), "bad_region"),
    "other label": (annotation(region(labels=("problem",))), "bad_region"),
    "no label": (annotation(region(labels=())), "bad_region"),
    "comment of a number": (annotation(comment(7)), "bad_comment"),
    "comment of numbers": (annotation(comment([7])), "bad_comment"),
    "comment twice": (annotation(comment("a"), comment("b")), "bad_comment"),
    "long comment": (annotation(comment("x" * (LONGEST_COMMENT + 1))), "long_comment"),
    "negative time": (annotation(lead_time=-1), "bad_lead_time"),
    "endless time": (annotation(lead_time=float("inf")), "bad_lead_time"),
    "no time": (annotation(lead_time=float("nan")), "bad_lead_time"),
    "more than a year": (annotation(lead_time=1e9), "bad_lead_time"),
    "time in words": (annotation(lead_time="long"), "bad_lead_time"),
    "skip with a bad time": ({"was_cancelled": True, "lead_time": -1}, "bad_lead_time"),
}


@pytest.mark.parametrize(("wrong", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(wrong, reason):
    with pytest.raises(Refused) as refused:
        parse_answer(PAGE, wrong, FRAMES)
    assert refused.value.reason == reason
    assert refused.value.detail.isascii()


def test_every_reason_is_met():
    assert {reason for _, reason in WRONG.values()} == set(REASONS)


def test_a_form_without_a_part_takes_none():
    yes = annotation(region(), answers={"in_sync": "yes"})
    with pytest.raises(Refused, match="unknown_control"):
        parse_answer(page_of("in-sync"), yes, FRAMES)


def test_a_refusal_crosses_processes():
    refused = pickle.loads(pickle.dumps(Refused("empty", "nothing")))
    assert (refused.reason, refused.detail) == ("empty", "nothing")


def test_details_are_short():
    with pytest.raises(Refused) as refused:
        parse_answer(PAGE, annotation(choice("x" * 100_000, "y")), FRAMES)
    assert len(refused.value.detail) < 300


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def read_or_refused(value) -> Parsed | None:
    before = json.dumps(value)
    try:
        parsed = parse_answer(PAGE, value, FRAMES)
    except Refused as refused:
        assert refused.reason in REASONS
        return None
    finally:
        assert json.dumps(value) == before
    assert parsed.skipped or [name in GOOD for name in parsed.answers] == [True] * len(GOOD)
    return parsed


@given(ANY_JSON)
def test_any_json_is_read_or_refused(value):
    read_or_refused(value)


@given(st.data())
def test_a_good_answer_with_anything_changed_is_read_or_refused(data):
    value = annotation(region(), comment(["fine"]))
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(data, value)
    parsed = read_or_refused(value)
    if parsed is not None and parsed.keep_end_ms is not None:
        assert 0 <= parsed.keep_start_ms < parsed.keep_end_ms <= FRAMES * 40


def spoil(data, value) -> None:
    """Put anything in the place of something, however deep."""
    place = value
    while True:
        keys = sorted(place, key=str) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(ANY_JSON | st.sampled_from([{}, [], "keep", 1, -1, 201]))
            return
        place = place[key]


@given(st.data())
def test_every_valid_answer_is_read_as_given(data):
    name = data.draw(st.sampled_from(sorted(FORMS)))
    form = FORMS[name]
    answers = {question.name: data.draw(st.sampled_from(question.answers)) for question in form.questions}
    parts = []
    if form.trims and data.draw(st.booleans()):
        start = data.draw(st.integers(1, FRAMES))
        parts = [region(start, data.draw(st.integers(start, FRAMES)))]
    for adjudication in (False, True):
        given_answer = copy.deepcopy(annotation(*parts, answers=answers))
        parsed = parse_answer(page_of(name, adjudication), given_answer, FRAMES)
        assert parsed.answers == answers
        assert (parsed.keep_start_ms is None) == (not parts)
