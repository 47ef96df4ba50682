"""A review as people have it on their screens: clips of invented scenes, the server, the gateway, a browser."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from annotation.configs.projects import ensure_projects
from annotation.decide.disputes import answers_table
from annotation.exchange.client import open_client
from annotation.exchange.pull import pull
from annotation.exchange.push import push
from annotation.gateway.app import gateway_app
from annotation.private import Person
from annotation.store import read_answers
from schemas.judging import Review
from tasks.scenes import flash_and_beep, speech, talking_face
from tasks.scenes.encode import encode
from tasks.workspace.stage import Row
from tests.annotation.gateway.serving import serving
from tests.annotation.rows import GOOD, answer, item
from tests.annotation.studio import Studio

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
SIZE, SECONDS = (456, 256), 4
PATIENCE_MS = 60_000
_MEDIA = (
    "()=>{const v=document.querySelector('video');return v&&{ready:v.readyState,at:v.currentTime,paused:v.paused,"
    "muted:v.muted,audio:v.webkitAudioDecodedByteCount,source:v.currentSrc}}"
)


@dataclass(frozen=True)
class Desk:
    """A review that is served.

    Attributes:
        address: of the gateway.
        numbers: of the recipe's projects.
    """

    studio: Studio
    address: str
    recipe: str
    review: Review
    numbers: dict[str, int]

    def pulled(self) -> list[Row]:
        """All answers that the server has by now."""
        client = open_client(self.studio.connection)
        pull(client, self.studio.root, self.recipe, self.review, self.numbers, self.studio.people)
        return read_answers(self.studio.root, self.recipe)


@contextmanager
def served(studio: Studio, recipe: str, review: Review) -> Iterator[Desk]:
    """Two clips before the annotators and, where disputes go to a lead, one before her."""
    root, client = studio.root, open_client(studio.connection)
    names = make_clips(root / "clips")
    rows = [clip_item(recipe, name, number) for number, name in enumerate(names)]
    projects = ensure_projects(client, root, recipe, review)
    if "adjudication" in projects.numbers:
        shown = {"answers": answers_of_others()}
        rows.append(clip_item(recipe, names[0], 9, project="adjudication", kind="dispute", shown=shown))
    push(client, root, recipe, review, projects.numbers, rows)
    with serving(gateway_app(root, studio.url)) as address:
        yield Desk(studio, address, recipe, review, dict(projects.numbers))


def clip_item(recipe: str, name: str, number: int, **changes) -> Row:
    key = f"{number:031x}{len(recipe) % 16:x}"
    usual = {"path": f"clips/{name}.mp4", "duration_ms": SECONDS * 1000, "shown": {"event": "Speech"}}
    return item(key, **(usual | changes))


def answers_of_others() -> str:
    """What three annotators said of a clip, one of them at length."""
    said = {"A1": GOOD, "A2": GOOD | {"aligned": "out_of_time"}, "A3": GOOD | {"aligned": "unclear"}}
    rows = {name: answer("dispute", name, answers=answers, comment="") for name, answers in said.items()}
    rows["A2"] |= {"comment": "the lips are late " * 20, "keep_start_ms": 400, "keep_end_ms": 2400}
    return answers_table(list(GOOD), ["aligned"], said, rows)


def make_clips(folder: Path) -> list[str]:
    """A head that talks, and flashes with beeps; 456 by 256 pixels, as clips are."""
    head = folder / "head.mp4"
    if not head.exists():
        waveform, envelope = speech(SECONDS, 3, 16_000)
        frames = talking_face(envelope, SECONDS * 25, Fraction(25), SIZE)
        encode(head, frames, waveform, SIZE, Fraction(25), 16_000)
        flash_and_beep(folder / "flash.mp4", SECONDS, 25, 16_000, [0.5, 1.5, 2.5, 3.5], size=SIZE)
    return ["head", "flash"]


@contextmanager
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("there is no Chromium on the PATH: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(CHROMIUM))
        yield browser
        browser.close()


def logged_in(browser: Browser, desk: Desk, person: Person, size: tuple[int, int] = (1280, 800)) -> Page:
    """A window in which somebody has logged in on the log-in page."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    # What a test that fails was not given is in its output.
    page.on("requestfailed", lambda request: print("failed:", request.url.split("?")[0], request.failure))
    page.on(
        "response", lambda answer: answer.status >= 400 and print(answer.status, answer.url.split("?")[0])
    )
    page.goto(f"{desk.address}/user/login/")
    page.fill("input[name=email]", person.email)
    page.fill("input[name=password]", person.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "login" not in address)
    return page


def open_stream(page: Page, desk: Desk, project: str = "review") -> None:
    """The next clip of a project, ready to play."""
    page.goto(f"{desk.address}/projects/{desk.numbers[project]}/data?labeling=1")
    wait_for_clip(page)


def wait_for_clip(page: Page, other_than: str = "") -> None:
    page.wait_for_function(
        "other=>{const v=document.querySelector('video');"
        "return v&&v.readyState===4&&(!other||v.currentSrc.split('?')[0]!==other.split('?')[0])}",
        arg=other_than,
    )
    page.wait_for_selector(".review .lsf-choice")
    time.sleep(1.0)  # the player still draws its time line


def media(page: Page) -> dict:
    """What the video element says of itself."""
    return page.evaluate(_MEDIA)


def picture(page: Page, name: str) -> None:
    """Keep a picture for the guide, where CLAPPER_GUIDE_PICTURES names a folder for them."""
    folder = os.environ.get("CLAPPER_GUIDE_PICTURES")
    if not folder:
        return
    from PIL import Image

    path = Path(folder) / name
    page.screenshot(path=path)
    with Image.open(path) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)
