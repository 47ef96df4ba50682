"""People at their screens, in a real browser, from the log-in page to the answer on the server."""

from __future__ import annotations

import pytest

from annotation.configs.pages import keys_of, page_of
from schemas.judging import Review
from tests.annotation.configs import desk as desks

pytestmark = pytest.mark.slow

ANSWERS = {
    "source": "visible",
    "aligned": "in_time",
    "audio": "good",
    "scenario": "single_speaker",
    "speech": "talking_head",
}
COMMENT = "quite a good one: as 1 of 20, k?"
"""Full of keys that give answers; in the box they are letters."""

_BOXES = """()=>{
  const box=e=>{
    const b=e.getBoundingClientRect();
    const name=e.getAttribute('name')||e.getAttribute('aria-label')||e.innerText||e.className||e.tagName;
    return {name:String(name).slice(0,40),left:b.left,top:b.top,right:b.right,bottom:b.bottom};
  };
  const all=query=>[...document.querySelectorAll(query)].map(box).filter(b=>b.right>b.left);
  const review=['.card','.lsf-choice','.lsf-video-canvas__view','.lsf-timeline','.lsf-label','textarea','.quiet'];
  return {
    parts:all(review.map(each=>'.review '+each).join(',')).concat(all('.lsf-bottombar button')),
    cards:all('.review .card').length,
    buttons:all('.lsf-bottombar button').length,
    left:box(document.querySelector('.review .left')).right,
    right:box(document.querySelector('.review .right')).left,
    scrolls:[...document.querySelectorAll('.lsf-main-content, .lsf-main-view, body, html')]
              .some(e=>e.scrollHeight>e.clientHeight+1)};
}"""


@pytest.fixture(scope="module")
def browser():
    with desks.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def desk(studio):
    with desks.served(studio, "clips", Review()) as served:
        yield served


def press(page, key: str) -> None:
    page.keyboard.press(key)
    page.wait_for_timeout(150)


def marked(page) -> list[str]:
    """Which answers are chosen on the page, by the words that stand there."""
    rows = "[...document.querySelectorAll('.review .lsf-choice input')].map(e=>[e.name,e.checked])"
    return [name for name, checked in page.evaluate(f"()=>{rows}") if checked]


def frame(page) -> int:
    return int(page.locator(".lsf-frames-control").first.inner_text().split()[0])


def assert_fits(page, width: int, height: int, cards: int) -> None:
    """Everything is on the screen at once, and nothing lies on anything else's side."""
    boxes = page.evaluate(_BOXES)
    assert boxes["cards"] == cards and boxes["buttons"] > 4
    outside = [
        box
        for box in boxes["parts"]
        if box["left"] < 0 or box["top"] < 0 or box["right"] > width or box["bottom"] > height
    ]
    assert not outside, outside
    assert boxes["left"] <= boxes["right"]
    assert not boxes["scrolls"]


def test_a_clip_is_judged_by_keys_alone(browser, desk):
    person = desk.studio.person("A1")
    page = desks.logged_in(browser, desk, person)
    desks.open_stream(page, desk)
    first = desks.media(page)
    assert first["at"] == 0 and not first["muted"]

    press(page, "`")
    page.wait_for_function("()=>document.querySelector('video').currentTime>1.2")
    press(page, "`")
    played = desks.media(page)
    assert played["at"] > 1.2 and played["paused"] and played["audio"] > 0
    at = frame(page)
    press(page, "ArrowRight")
    assert frame(page) == at + 1
    press(page, "ArrowLeft")
    assert frame(page) == at

    for key in keys_of(page_of("clip-review")):
        if ANSWERS.get(key.control) == key.answer:
            press(page, key.key)
    chosen = marked(page)
    assert len(chosen) == len(ANSWERS)
    page.locator("textarea").click()
    page.keyboard.type(COMMENT)
    page.locator(".review h4").first.click()
    assert marked(page) == chosen
    desks.picture(page, "page.png")
    press(page, "Control+Enter")
    desks.wait_for_clip(page, other_than=first["source"])
    assert marked(page) == []

    (row,) = [row for row in desk.pulled() if row["annotator"] == "A1"]
    assert row["refused"] is None, row["detail"]
    assert row["answers"] == ANSWERS and row["comment"] == COMMENT
    assert (row["keep_start_ms"], row["keep_end_ms"]) == (0, 4000)
    assert row["lead_time_ms"] > 1200
    page.context.close()


def test_a_part_is_kept_by_typing_its_frames(browser, desk):
    page = desks.logged_in(browser, desk, desk.studio.person("A2"))
    desks.open_stream(page, desk)
    source = desks.media(page)["source"]
    page.locator("[class*=outliner] >> text=keep").last.click()
    page.wait_for_timeout(500)
    for position, number in ((0, "11"), (1, "60")):
        box = page.locator("[class*=detail] input[type=number]").nth(position)
        box.fill(number)
        box.press("Enter")
        page.wait_for_timeout(300)
    desks.picture(page, "part.png")
    page.locator(".review h4").first.click()
    for key in ("1", "5", "8", "s", "h"):
        press(page, key)
    press(page, "Control+Enter")
    desks.wait_for_clip(page, other_than=source)
    (row,) = [row for row in desk.pulled() if row["annotator"] == "A2"]
    assert row["refused"] is None, row["detail"]
    assert row["answers"]["aligned"] == "out_of_time"
    assert (row["keep_start_ms"], row["keep_end_ms"]) == (400, 2400)
    page.context.close()


def test_a_question_without_an_answer_is_named(browser, desk):
    page = desks.logged_in(browser, desk, desk.studio.person("A3"))
    desks.open_stream(page, desk)
    press(page, "1")
    press(page, "Control+Enter")
    page.wait_for_selector("text=Question 2 has no answer")
    desks.picture(page, "missing.png")
    assert not [row for row in desk.pulled() if row["annotator"] == "A3"]
    page.context.close()


SIZES = ((1920, 1080), (1440, 900), (1280, 800))


def test_everything_is_on_the_screen_at_once(browser, desk):
    page = desks.logged_in(browser, desk, desk.studio.person("A4"))
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        desks.open_stream(page, desk)
        assert_fits(page, width, height, cards=5)
    page.context.close()


def test_a_lead_sees_the_answers_of_the_annotators(browser, desk):
    page = desks.logged_in(browser, desk, desk.studio.lead)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        desks.open_stream(page, desk, "adjudication")
        assert_fits(page, width, height, cards=6)
    assert "the lips are late" in page.locator(".review .answers").inner_text()
    desks.picture(page, "lead.png")
    page.context.close()


@pytest.mark.parametrize(("form", "cards"), [("label-check", 2), ("in-sync", 1)])
def test_the_other_forms_are_on_the_screen_and_answered_by_keys(browser, studio, form, cards):
    with desks.served(studio, form, Review(form=form)) as desk:
        page = desks.logged_in(browser, desk, studio.person("A5"))
        desks.open_stream(page, desk)
        assert_fits(page, 1280, 800, cards)
        source = desks.media(page)["source"]
        given = {}
        for key in keys_of(page_of(form)):
            if key.control not in given:
                given[key.control] = key.answer
                press(page, key.key)
        press(page, "Control+Enter")
        desks.wait_for_clip(page, other_than=source)
        (row,) = desk.pulled()
        assert row["refused"] is None and row["answers"] == given
        page.context.close()
