"""The pages ask what the forms say, by keys that are free, about the video alone."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree

import pytest
from label_studio_sdk.label_interface import LabelInterface

from annotation.configs.pages import LEADS_PART, TRIM_MODEL, keys_of, page_of
from schemas.forms import FORMS
from schemas.scenarios import DOMAIN_OF

PAGES = [(name, adjudication) for name in FORMS for adjudication in (False, True)]
TAKEN = {" ", "`", "u"}
"""Space types and scrolls, the back-quote plays, u lets go of the part that is selected."""
DATA = {
    "key": "0" * 32,
    "video": "/clips/0.mp4",
    "title": "8.0 s",
    "fps": 25,
    "frames": 200,
    "event": "Bell",
    "answers": "<table></table>",
}

of_every_page = pytest.mark.parametrize(("name", "adjudication"), PAGES)


def controls(page) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(page.xml).iter("Choices"))


@of_every_page
def test_the_page_is_valid_for_the_clients_own_validator(name, adjudication):
    interface = LabelInterface(page_of(name, adjudication).xml)
    interface.validate()
    assert interface.validate_task({"data": DATA})
    assert not interface.validate_task({"data": DATA | {"video": None}})


@of_every_page
def test_the_page_asks_what_the_form_says(name, adjudication):
    form, page = FORMS[name], page_of(name, adjudication)
    asked = [
        (
            control.get("name"),
            tuple(each.get("alias") or each.get("value") for each in control.iter("Choice")),
        )
        for control in controls(page)
    ]
    assert asked == [(question.name, question.answers) for question in form.questions]
    assert ("<TimelineLabels" in page.xml) == form.trims


@of_every_page
def test_every_answer_has_a_key_of_its_own(name, adjudication):
    page = page_of(name, adjudication)
    keys = [key.key for key in keys_of(page)]
    assert len(keys) == sum(len(question.answers) for question in FORMS[name].questions) + FORMS[name].trims
    assert max(Counter(keys).values()) == 1
    assert all(re.fullmatch(r"[a-z0-9]", key) for key in keys)
    assert not set(keys) & TAKEN


@of_every_page
def test_every_question_must_be_answered_and_says_so(name, adjudication):
    for control in controls(page_of(name, adjudication)):
        assert control.get("required") == "true"
        assert control.get("choice") == "single-radio"
        keys = [each.get("hotkey") for each in control.iter("Choice")]
        message = control.get("requiredMessage")
        assert keys[0] in message and (keys[-1] in message or len(keys) > 9)


@of_every_page
def test_everything_is_judged_on_one_video_at_25_frames_a_second(name, adjudication):
    page = page_of(name, adjudication)
    root = ElementTree.fromstring(page.xml)
    videos = list(root.iter("Video"))
    assert [video.get("frameRate") for video in videos] == ["25"]
    assert videos[0].get("sync") is None
    assert not list(root.iter("Audio")) and "<Audio" not in page.xml
    assert {each.get("toName") for each in root.iter() if each.get("toName")} == {"clip"}


def test_scenarios_stand_under_their_domains():
    scenario = next(each for each in controls(page_of("clip-review")) if each.get("name") == "scenario")
    shown = {
        each.get("alias") or each.get("value"): view.find("Header").get("value").lower()
        for view in scenario.iter("View")
        for each in view.iter("Choice")
    }
    assert {name: domain for name, domain in shown.items() if name != "unclear"} == dict(DOMAIN_OF)


@pytest.mark.parametrize("name", FORMS)
def test_only_the_lead_sees_the_answers_of_others(name):
    assert "$answers" not in page_of(name).xml
    assert "$answers" in page_of(name, adjudication=True).xml


@of_every_page
def test_a_page_shows_nothing_but_what_it_may(name, adjudication):
    shown = set(re.findall(r"\$(\w+)", page_of(name, adjudication).xml))
    allowed = {"video", "title"} | ({"event"} if name == "label-check" else set())
    assert shown == allowed | ({"answers"} if adjudication else set())


@pytest.mark.parametrize("adjudication", [False, True])
def test_the_proposal_of_the_part_to_keep_is_valid_for_the_page(adjudication):
    value = {"ranges": [{"start": 1, "end": 200}], "timelinelabels": ["keep"]}
    result = {"id": "t", "from_name": "trim", "to_name": "clip", "type": "timelinelabels", "value": value}
    interface = LabelInterface(page_of("clip-review", adjudication).xml)
    assert not interface.validate_prediction(
        {"model_version": TRIM_MODEL, "result": [result]}, return_errors=True
    )
    result["value"]["timelinelabels"] = ["other"]
    assert interface.validate_prediction(
        {"model_version": TRIM_MODEL, "result": [result]}, return_errors=True
    )


def test_digests_tell_pages_apart_and_stay():
    digests = {page_of(name, adjudication).digest for name, adjudication in PAGES}
    assert len(digests) == len(PAGES)
    page_of.cache_clear()
    assert {page_of(name, adjudication).digest for name, adjudication in PAGES} == digests
    assert re.fullmatch(r"clip-review@[0-9a-f]{16}", page_of("clip-review").name)


@of_every_page
def test_the_style_survives_the_server(name, adjudication):
    # The server hands the style to the browser as it stands in the XML: with “&gt;” for “>”, which no browser reads.
    style = ElementTree.fromstring(page_of(name, adjudication).xml).find("Style").text
    assert not set("<>&") & set(style)


@of_every_page
def test_the_guidelines_are_short(name, adjudication):
    guide = page_of(name, adjudication).guide_html
    assert 200 < len(guide) < 2500
    ElementTree.fromstring(f"<div>{guide}</div>")


def test_only_the_lead_is_told_that_the_annotators_part_is_kept() -> None:
    assert LEADS_PART in page_of("clip-review", adjudication=True).xml
    assert LEADS_PART not in page_of("clip-review").xml
