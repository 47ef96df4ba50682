"""The annotator's guide says what the pages say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from annotation.configs.pages import key_table, keys_of, page_of
from schemas.forms import FORMS
from tests.conftest import ROOT

GUIDE = ROOT / "annotation" / "guides" / "annotator.md"
PICTURES = ("page.png", "part.png")


@pytest.mark.parametrize("form", FORMS)
def test_the_keys_in_the_guide_are_those_of_the_page(form):
    found = re.search(
        rf"<!-- keys: {form} -->\n\n(.*?)\n\n<!-- end -->", GUIDE.read_text(encoding="utf-8"), re.S
    )
    assert found and found[1] == key_table(page_of(form))


@pytest.mark.parametrize("form", FORMS)
def test_every_key_is_in_the_table(form):
    table = key_table(page_of(form))
    for key in keys_of(page_of(form)):
        assert f"`{key.key}` {key.label}" in table


def test_the_pictures_are_there_small_and_of_the_narrowest_screen():
    text = GUIDE.read_text(encoding="utf-8")
    assert sorted(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)) == sorted(PICTURES)
    for name in PICTURES:
        path = GUIDE.parent / name
        assert path.stat().st_size < 150_000
        with Image.open(path) as image:
            assert image.size == (1280, 800)


def test_the_guide_has_about_two_pages():
    assert len(re.sub(r"[|`*#]", " ", GUIDE.read_text(encoding="utf-8")).split()) < 1300


def test_every_scenario_is_explained():
    text = Path(GUIDE).read_text(encoding="utf-8").split("**4 What is it of?**")[1].split("**5 Who")[0]
    shown = [key.label for key in keys_of(page_of("clip-review")) if key.control == "scenario"]
    assert not [label for label in shown if label not in text]
