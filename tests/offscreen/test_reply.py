"""From an answer to a judgement: whole, or not at all and why."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judgement import Judgement
from schemas.scenarios import DOMAIN_OF
from tasks.offscreen.reply import AT_LIMIT, DONE, NoJudgement, Reply, Usage, judgement_of

WHOLE = {
    "source_name": "a violin", "source": "visible", "source_confidence": 0.9, "mismatch": "none",
    "mismatch_confidence": 1, "audio": "good", "audio_confidence": 0.75, "scenario": "single_instrument",
    "domain": "music", "scenario_confidence": 0.8, "evidence": "The bow moves on the strings.",
    "evidence_seconds": 2.4,
}  # fmt: skip
TEXT = json.dumps(WHOLE)


def reply(text: str | None, finish: str | None = DONE, blocked: str | None = None) -> Reply:
    return Reply(text, finish, blocked, Usage(100, 50, 20), "some-model-001")


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in WHOLE.items() if key != name}


@pytest.mark.parametrize(
    "text",
    [TEXT, f"\n {TEXT}\n", f"```json\n{TEXT}\n```", f"```\n{TEXT}\n```\n", f"```JSON\r\n{TEXT}\r\n```"],
    ids=["bare", "spaces", "fence of JSON", "fence", "fence of Windows"],
)
def test_a_whole_answer_is_a_judgement(text):
    assert judgement_of(reply(text)) == Judgement(**WHOLE)
    assert judgement_of(reply(text, finish=None)) == Judgement(**WHOLE)


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (reply(None, None, "SAFETY"), "blocked", "SAFETY"),
        (reply(TEXT, DONE, "OTHER"), "blocked", "OTHER"),
        (reply(None, "PROHIBITED_CONTENT"), "blocked", "PROHIBITED_CONTENT"),
        (reply(TEXT, "RECITATION"), "blocked", "RECITATION"),
        (reply(None), "empty", ""),
        (reply(" \n"), "empty", ""),
        (reply(None, "OTHER"), "empty", "ended with OTHER"),
        (reply(None, None), "empty", ""),
        (reply(TEXT[:40], AT_LIMIT), "cut_short", "20 tokens"),
        (reply(TEXT, AT_LIMIT), "cut_short", "20 tokens"),
        (reply(None, AT_LIMIT), "cut_short", "20 tokens"),
        (reply(TEXT, "OTHER"), "malformed", "ended with OTHER"),
        (reply(TEXT[:-1]), "malformed", "the answer: Invalid JSON"),
        (reply(TEXT + TEXT), "malformed", "the answer: Invalid JSON"),
        (reply(f"Here it is:\n```json\n{TEXT}\n```"), "malformed", "the answer"),
        (reply(f"```json\n{TEXT}"), "malformed", "the answer"),
        (reply("[]"), "malformed", "the answer"),
        (reply("null"), "malformed", "the answer"),
        (reply(json.dumps(without("audio"))), "malformed", "audio: Field required"),
        (reply(json.dumps(WHOLE | {"more": 1})), "malformed", "more: Extra inputs"),
        (reply(json.dumps(WHOLE | {"source": "seen"})), "malformed", "source: Input should be"),
        (reply(json.dumps(WHOLE | {"source_confidence": "0.9"})), "malformed", "source_confidence"),
        (reply(json.dumps(WHOLE | {"source_confidence": 1.01})), "malformed", "source_confidence"),
        (reply(json.dumps(WHOLE | {"audio_confidence": True})), "malformed", "audio_confidence"),
        (reply(json.dumps(WHOLE | {"audio_confidence": float("nan")})), "malformed", "audio_confidence"),
        (reply(json.dumps(WHOLE | {"evidence_seconds": -1})), "malformed", "evidence_seconds"),
        (reply(json.dumps(WHOLE | {"evidence_seconds": float("inf")})), "malformed", "evidence_seconds"),
        (reply(TEXT.replace("2.4", "1e999")), "malformed", "evidence_seconds"),
        (reply(json.dumps(WHOLE | {"evidence": "x" * 401})), "malformed", "evidence: String should have"),
        (reply(json.dumps(WHOLE | {"domain": "voice"})), "malformed", "belongs to music"),
        (reply("{}"), "malformed", "and 9 more"),
        (reply("[" * 100_000), "malformed", "the answer"),
    ],
)
def test_anything_else_says_why_not(answer, reason, told):
    with pytest.raises(NoJudgement) as caught:
        judgement_of(answer)
    assert caught.value.reason == reason
    assert told in caught.value.detail


@given(st.integers(0, len(TEXT) - 1))
def test_no_part_of_an_answer_is_taken_for_it(length):
    with pytest.raises(NoJudgement):
        judgement_of(reply(TEXT[:length]))


def test_what_is_wrong_is_told_without_the_answers_own_words():
    for answer in (WHOLE | {"source": "hunter2"}, WHOLE | {"evidence": "hunter2 " * 100}):
        with pytest.raises(NoJudgement) as caught:
            judgement_of(reply(json.dumps(answer)))
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_the_reason_survives_the_way_from_a_worker():
    same = pickle.loads(pickle.dumps(NoJudgement("malformed", "audio: Field required")))
    assert (same.reason, same.detail) == ("malformed", "audio: Field required")
    assert str(same) == "malformed: audio: Field required"


@pytest.mark.parametrize("scenario", DOMAIN_OF)
def test_every_scenario_is_read_with_its_domain(scenario):
    answer = WHOLE | {"scenario": scenario, "domain": DOMAIN_OF[scenario]}
    assert judgement_of(reply(json.dumps(answer))).scenario == scenario
