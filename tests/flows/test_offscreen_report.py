"""What the off-screen filter costs and how good it is, as people and programs read it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from flows.offscreen_report import as_json, estimate_as_json, report_on, show_estimate, show_report
from schemas.judgement import Judgement
from schemas.judging import LeaveOut, Offscreen
from tasks.offscreen.answers import Question
from tasks.offscreen.measure.scores import Judged
from tasks.offscreen.money.accounts import Budgets, Line, Spent
from tasks.offscreen.money.estimate import estimate
from tasks.offscreen.money.prices import DOLLAR, price_of
from tasks.offscreen.reply import Usage

NOTHING_SPENT = Spent(0, 0, 0)
LINE = Line(
    run="2026-11-21 [bold]otter", model="gemini-3-flash-preview", requests=12, answered=9, under_way=1,
    faults={"rate_limited": 2}, counted_tokens=30_000, billed=Usage(27_000, 3_000, 1_800), money=21_000_000_000,
    uncertain=0,
)  # fmt: skip


def clip(number: int, source: str) -> Judged:
    judgement = Judgement(
        source_name="a dog", source=source, source_confidence=0.95, mismatch="none", mismatch_confidence=0.95,
        audio="good", audio_confidence=0.95, scenario="animal_sound", domain="sound", scenario_confidence=0.9,
        evidence="A dog barks.", evidence_seconds=1.0,
    )  # fmt: skip
    return Judged(f"c{number}", judgement, "v1", source == "off_screen")


CLIPS = [clip(number, "off_screen" if number % 4 == 0 else "visible") for number in range(40)]


def reviews(clips: list[Judged]) -> list[dict]:
    return [
        {"clip_id": each.clip_id, "question": "source", "answer": each.judgement.source, "annotators": 3}
        for each in clips
    ]


def shown(show, *arguments: object, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(console, *arguments)
    return console.file.getvalue()


def words_of(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_report_tells_costs_shares_and_points(width):
    report = report_on(CLIPS, reviews(CLIPS), LeaveOut())
    text = shown(show_report, report, [LINE], Spent(21_000_000_000, 5_000_000_000, 0), width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    for words in (
        "[bold]otter",
        "Billed $0.0210; at most $0.0050 more",
        "40 of 40 judged clips",
        "│ all ",
        "0.722–1.000 │",
        "0.90 ◀",
        "◀ the recipe's point",
    ):
        assert words in words_of(text)
    assert "mismatch: no clip has a review of this question yet" in words_of(text)
    assert "at least 63 more clips that the model calls off_screen" in words_of(text)


def test_without_reviews_the_report_says_what_to_do_and_claims_nothing():
    text = shown(show_report, report_on(CLIPS, [], LeaveOut()), [], NOTHING_SPENT)
    assert "No clip has been reviewed, of 40 that were judged" in text
    assert "clapper review start" in text
    assert "--reviews FILE" in text
    assert "answers to source: visible, off_screen, unclear" in text
    assert "precision  " not in text and "recall" not in text


def test_where_nothing_was_judged_the_report_asks_for_the_settings_of_the_run():
    text = words_of(shown(show_report, report_on([], [], LeaveOut()), [LINE], NOTHING_SPENT))
    assert "No clip of this workspace was judged under these settings" in text
    assert "the --profile and the --set of the run" in text


def test_no_number_of_the_ledger_is_broken_at_80_columns():
    large = replace(LINE, billed=Usage(127_000_000, 13_000_000, 21_800_000), counted_tokens=131_000_000)
    text = shown(show_report, report_on(CLIPS, [], LeaveOut()), [large], NOTHING_SPENT, width=80)
    for number in ("127,000,000", "13,000,000", "21,800,000", "131,000,000", "$0.0210"):
        assert number in text
    assert "gemini-3" in text


def test_what_is_left_out_unseen_and_strangers_are_said():
    kept = [each for each in CLIPS if not each.left_out]
    text = shown(show_report, report_on(kept[:5] + CLIPS[:1], reviews(kept), LeaveOut()), [], NOTHING_SPENT)
    assert "nobody has seen what is left out" in text
    assert "25 reviewed clips that no model judged" in text


def test_the_report_is_json():
    report = report_on(CLIPS, reviews(CLIPS), LeaveOut())
    data = json.loads(json.dumps(as_json(report, [LINE], Spent(21_000_000_000, 0, 0))))
    assert data["costs"]["billed_usd"] == data["costs"]["lines"][0]["billed_usd"] == 0.021
    assert data["questions"]["source"]["scores"][0]["recall"]["value"] == 1.0
    assert data["questions"]["source"]["confusion"][0] == {
        "people": "off_screen",
        "model": "off_screen",
        "clips": 10,
    }
    assert data["questions"]["source"]["suggestion"]["more_reviews"] == 63
    assert data["questions"]["scenario"]["suggestion"] is None


def test_an_estimate_says_what_the_budgets_do_not_allow():
    section = Offscreen()
    questions = [Question(str(number), Path("clip.mp4"), str(number), 10_000) for number in range(100)]
    told = estimate(questions, ["0"], section, price_of("gemini", section), "Look.", DOLLAR // 10)
    text = shown(show_estimate, told, Budgets(DOLLAR // 10, DOLLAR), NOTHING_SPENT, NOTHING_SPENT)
    assert "gemini-3-flash-preview" in text
    assert "$0.10 of $0.10" in text
    assert "not surely within budget" in text
    data = json.loads(json.dumps(estimate_as_json(told)))
    assert data["expected_usd"] == data["online_usd"] == pytest.approx(2 * data["batch_usd"])
    assert data["room_usd"] == 0.1
