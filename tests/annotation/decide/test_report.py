"""The report: in a terminal, as JSON and as a page; complete, the same every time, and safe to open."""

from __future__ import annotations

import json
import random
import re
import shutil
from html.parser import HTMLParser
from io import StringIO

import pytest
from playwright.sync_api import sync_playwright
from rich.console import Console

from annotation.decide.advice import next_steps
from annotation.decide.page import html_of, write_html
from annotation.decide.report import Report, as_json, report_on
from annotation.decide.terminal import show_report
from schemas.judging import Review
from tests.annotation.decide.simulated import START, Simulated, answer, item, review_of, tolerance_of

HOSTILE = '<script>alert("clip")</script>[bold]\x1b[31m'
FIT = {"source": "visible", "aligned": "in_time", "audio": "good", "scenario": "singing", "speech": "neither"}
REVIEW = Review(bootstrap=200)


def with_oddities() -> Simulated:
    """An invented review with one of everything that can be odd."""
    made = review_of(120)
    made.items.append(item("odd", clip_id=HOSTILE))
    for number, said in enumerate(("visible", "off_screen", "unclear"), 1):
        made.answers.append(answer("odd", f"A{number}", FIT | {"source": said}, number, comment=HOSTILE))
    made.items.append(item("waits", task=None, pushed_at=None))
    made.answers.append(answer("waits", "A1", FIT, 3, lead_time_ms=None))
    made.answers.append(answer("waits", "A2", {}, 3, refused="missing_answer", detail=HOSTILE))
    made.answers.append(answer("waits", None, {}, 4, refused="not_an_annotator"))
    made.answers.append(answer("stranger", "A1", FIT, 5))
    return made


@pytest.fixture(scope="module")
def made() -> Simulated:
    return with_oddities()


@pytest.fixture(scope="module")
def report(made) -> Report:
    return report_on("av-syncbench", REVIEW, made.items, made.answers)


@pytest.fixture(scope="module")
def page(report) -> str:
    return html_of(report)


@pytest.fixture(scope="module")
def study() -> Report:
    offsets = tolerance_of(40, REVIEW.offsets, 300)
    return report_on("vggsound-sync", Review(form="in-sync", bootstrap=200), offsets.items, offsets.answers)


@pytest.fixture(scope="module")
def nothing() -> Report:
    return report_on("empty", REVIEW, [], [])


def printed(report: Report, width: int = 100) -> str:
    console = Console(width=width, record=True, file=StringIO(), color_system=None)
    show_report(console, report)
    return console.export_text()


def test_numbers_add_up(report, made):
    progress = report.progress
    clips = [each for each in made.items if each["kind"] == "clip"]
    assert sum(progress.clips.values()) == len(clips)
    assert sum(progress.rejected_by.values()) == progress.clips["rejected"]
    assert len(report.waiting) == progress.clips["disputed"] > 0
    assert progress.clips["pending"] == 1
    assert progress.missing == 2
    assert progress.refused == {"missing_answer": 1, "not_an_annotator": 1}
    assert report.strangers == 1
    assert sum(sum(day.answers.values()) for day in progress.days) == progress.judgements
    assert sum(one.judged for one in report.people) == progress.judgements
    for votes in report.votes:
        assert sum(votes.decided.values()) + votes.undecided == len(clips) - 1
        judged = [each for each in made.answers if each["answers"] and each["item_key"] != "stranger"]
        gold = {each["item_key"] for each in made.items if each["kind"] != "clip"}
        assert sum(votes.given.values()) == sum(row["item_key"] not in gold for row in judged)
    (item_row,) = [each for each in progress.items if each.kind == "clip"]
    assert (item_row.waiting, item_row.finished) == (1, len(clips) - 1)


def test_the_same_rows_in_any_order_give_the_same_page(report, made, page):
    draw = random.Random(7)
    items, answers = made.items.copy(), made.answers.copy()
    draw.shuffle(items)
    draw.shuffle(answers)
    again = report_on("av-syncbench", REVIEW, items, answers)
    assert as_json(again) == as_json(report)
    assert html_of(again) == page


def test_json_holds_everything_and_nothing_that_json_has_not(report, study, nothing):
    for each in (report, study, nothing):
        plain = json.loads(json.dumps(as_json(each), allow_nan=False))
        assert plain["progress"]["clips"] == dict(each.progress.clips)
        assert len(plain["agreement"]) == len(each.agreement)
        assert len(plain["people"]) == len(each.people)


def test_what_to_do_next_names_all_that_waits(report):
    steps = "\n".join(next_steps(report))
    waiting = len(report.waiting)
    for words in (
        f"For a lead: {waiting} disputed clips in the project “av-syncbench adjudication”",
        "Not on the server: 1 item;",
        "Cannot count: 2 answers (1 missing_answer, 1 not_an_annotator)",
        "Of no known item: 1 answer;",
        "Still to come: 2 judgements; at the last days' pace",
        "with A3, who missed",
    ):
        assert words in steps


def test_of_an_empty_review_it_says_so(nothing):
    assert next_steps(nothing) == [
        "Nobody has been asked about any clip yet: a run plans what people are shown and pushes it."
    ]
    assert "Nobody has been asked" in printed(nothing)
    assert "Nobody has been asked" in html_of(nothing)


def test_a_finished_review_waits_for_nobody():
    items = [item(f"{number}") for number in range(3)]
    answers = [answer(f"{number}", f"A{who}", FIT, who) for number in range(3) for who in (1, 2, 3)]
    done = report_on("r", REVIEW, items, answers)
    assert next_steps(done) == ["Every judgement is in, and nothing waits for anybody."]
    assert "5 clips with two judgements are needed, there are 3" in printed(done, 200)


@pytest.mark.parametrize("width", [100, 140])
def test_the_terminal_shows_it_within_its_width(report, study, width):
    text = printed(report, width)
    assert max(map(len, text.splitlines())) <= width
    for words in ("question aligned", "A3 missed", "off screen", "What to do next", "Waiting for a lead"):
        assert words in text
    assert "\x1b" not in text and "<script>" in text and "[bold]" in text
    assert "half say no at" in printed(study, width)


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_the_page_runs_nothing_and_loads_nothing(page):
    parsed = Elements()
    parsed.feed(page)
    assert HOSTILE in parsed.text
    assert not {"script", "iframe", "img", "link", "object", "form"} & {tag for tag, _ in parsed.elements}
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    loaded = [
        value
        for _, attributes in parsed.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href") and not value.startswith("#")
    ]
    assert loaded == []
    assert not re.search(r"url\((?!#)|@import", page)
    assert "@" not in parsed.text.split("</style>")[-1].replace("@media", "").replace("@page", "")


def test_the_page_tells_what_the_report_tells(report, page, study):
    parsed = Elements()
    parsed.feed(page)
    for group in report.agreement:
        if group.alpha is not None:
            assert f"{group.alpha:.3f}" in parsed.text
    for flag in report.flags:
        assert flag.words in parsed.text
    for name in ("Agreement: questions", "Answers by day", "Agreement by week"):
        assert f'aria-label="{name}"' in page
    assert not re.search(r"#0[0-9a-f]0[0-9a-f]{3}", page.replace("#000", ""))
    assert 'aria-label="Share of in sync by offset"' in html_of(study)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [700, 1400])
def test_in_a_browser_without_a_network_it_fits_and_complains_of_nothing(report, tmp_path, width, scheme):
    path = write_html(report, tmp_path / "report.html")
    complaints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
        )
        shown = context.new_page()
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("request", lambda request: complaints.append(request.url))
        shown.goto(path.as_uri())
        sizes = shown.evaluate(
            "[document.documentElement.scrollWidth, document.querySelectorAll('svg').length]"
        )
        paper = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()
    assert complaints == [path.as_uri()]
    assert sizes[0] <= width and sizes[1] >= 4
    assert (sum(map(int, re.findall(r"\d+", paper))) > 3 * 128) == (scheme == "light")


def test_nothing_is_left_of_a_page_that_could_not_be_written(report, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("before")
    monkeypatch.setattr("annotation.decide.page.html_of", lambda report: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_html(report, path)
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "before"


@pytest.mark.slow
def test_ten_thousand_clips_take_seconds_and_little_memory(tmp_path):
    import resource
    import time

    made = review_of(10_000)
    before = time.process_time()
    report = report_on("large", Review(), made.items, made.answers)
    write_html(report, tmp_path / "report.html")
    assert time.process_time() - before < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1024**2
    assert (tmp_path / "report.html").stat().st_size < 1024**2
    assert sum(report.progress.clips.values()) > 9_000
    assert report.until and report.until > START.isoformat()
