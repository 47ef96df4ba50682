"""The report in a real browser without a network: it fits, follows light and dark, and its previews play."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tasks.releases.report import write_report
from tests.releases.report.making import HOSTILE, account_of, invented, row, with_clips, write_rows

pytestmark = pytest.mark.slow

_TOO_WIDE = """width => [...document.querySelectorAll('main *')]
  .filter(one => !one.closest('.scroll, svg, pre') && one.getBoundingClientRect().right > width + 0.5)
  .map(one => one.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """Invented rows with long names, of some of which there are clips."""
    folder = tmp_path_factory.mktemp("version")
    rows = invented(60)
    rows += [row("x", channel="a" * 120, source_licence="b" * 200), row("y" * 80, channel=HOSTILE)]
    with_clips(folder, [each for each in rows if each["duration_ms"] == 6000][:30])
    write_rows(folder, rows)
    return write_report(account_of(folder))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


def opened(browser: Browser, path: Path, width: int, scheme: str) -> tuple[Page, list[str]]:
    """The page, and all that it complains of or asks for but itself."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page, heard = context.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url[:60]))
    page.goto(path.as_uri())
    return page, [each for each in heard if not each.startswith("data:")]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (820, "light"), (1600, "dark")])
def test_it_fits_and_asks_for_nothing(browser, path, width, scheme):
    page, heard = opened(browser, path, width, scheme)
    assert heard == [path.as_uri()[:60]]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(_TOO_WIDE, width) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) > 3 * 128) == (scheme == "light")
    page.context.close()


def test_a_preview_plays_with_picture_and_sound(browser, path):
    page, heard = opened(browser, path, 1400, "light")
    first = page.locator("video").first
    state = "one => [one.currentTime, one.videoWidth, one.muted, one.paused, one.webkitAudioDecodedByteCount]"
    assert first.evaluate(state) == [0, 0, True, True, 0]
    first.focus()
    page.keyboard.press("Space")
    until = time.monotonic() + 20
    while first.evaluate(state)[0] <= 0.5 and time.monotonic() < until:
        page.wait_for_timeout(100)
    at, width, muted, _, sound = first.evaluate(state)
    assert at > 0.5 and width == 342 and muted and sound > 0
    others = page.locator("video").evaluate_all(
        "all => all.slice(1).filter(one => one.videoWidth > 0).length"
    )
    assert others == 0
    assert heard == [path.as_uri()[:60]]
    page.context.close()


def test_printed_it_is_light_and_whole(browser, path):
    page, _ = opened(browser, path, 1400, "dark")
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 1000})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
    assert not page.locator("nav").is_visible()
    page.context.close()
