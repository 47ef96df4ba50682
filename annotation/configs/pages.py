"""The pages of the review: one XML file for each form, in Label Studio's own language, and its guidelines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from xml.etree import ElementTree

from schemas.forms import FORMS, FormName

VIDEO, TRIM, KEEP, COMMENT = "clip", "trim", "keep", "comment"
"""Names on every page: of the video, of the control that marks a part, of that part's label, of the comment."""
TRIM_MODEL = "trim"
"""The version that the prediction has which proposes the part to keep: the whole clip."""


@dataclass(frozen=True)
class Key:
    """A key that gives an answer: on the page, in its tests and in the guide.

    Attributes:
        control: question, or `trim`.
        answer: as it is stored, see schemas.forms.
        label: what the page calls the answer.
    """

    control: str
    answer: str
    label: str
    key: str


@dataclass(frozen=True)
class Page:
    """What an annotator, or the lead who decides a dispute, has on the screen.

    Attributes:
        form: one of schemas.forms.FORMS.
        xml: the project's labelling configuration.
        digest: 16 hex digits of the XML: another page, another digest.
        guide_html: short guidelines, the project's instructions.
        controls: name of each control to the type that its answers are stored as.
    """

    form: FormName
    xml: str
    digest: str
    guide_html: str
    controls: Mapping[str, str]

    @property
    def name(self) -> str:
        """form@digest, as it stands beside every answer."""
        return f"{self.form}@{self.digest}"


LEADS_PART = (
    "Unless you mark a part, theirs is kept: press m, drag along the line, type its first and last frame."
)
"""To her no part is proposed: one that she had not touched would stand for theirs."""


@cache
def page_of(form_name: FormName, adjudication: bool = False) -> Page:
    """The page of a form.

    Args:
        adjudication: the page on which a lead decides: the same questions, and above them the annotators' answers.
    """
    root = ElementTree.fromstring(_text(f"{form_name}.xml"))
    root.find("Style").text = "\n" + _text("page.css") + "  "
    if adjudication:
        # Above the questions: a lead reads first what the others have said.
        root.find("*[@className='right']").insert(0, ElementTree.fromstring(_text("adjudication.xml")))
        for hint in root.iterfind(".//*[@className='trim quiet']/Header"):
            hint.set("value", LEADS_PART)
    xml = ElementTree.tostring(root, encoding="unicode").strip()
    digest = hashlib.sha256(xml.encode()).hexdigest()[:16]
    guide = _text("adjudication.html" if adjudication else f"{form_name}.html")
    return Page(form_name, xml, digest, guide, MappingProxyType(_controls(form_name)))


def keys_of(page: Page) -> list[Key]:
    """Every key of a page, in the order in which the page shows them."""
    found = []
    for control in ElementTree.fromstring(page.xml).iter():
        if control.tag not in ("Choices", "TimelineLabels"):
            continue
        found += [
            Key(
                control.get("name"),
                each.get("alias") or each.get("value"),
                each.get("value"),
                each.get("hotkey"),
            )
            for each in control.iter()
            if each.tag in ("Choice", "Label")
        ]
    return found


def _controls(form_name: FormName) -> dict[str, str]:
    form = FORMS[form_name]
    trim = {TRIM: "timelinelabels"} if form.trims else {}
    return {question.name: "choices" for question in form.questions} | trim | {COMMENT: "textarea"}


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def key_table(page: Page) -> str:
    """The keys of a page for the guide, as a table in Markdown: a row for each question."""
    rows: dict[str, list[str]] = {}
    for each in keys_of(page):
        rows.setdefault(each.control, []).append(f"`{each.key}` {each.label}")
    order = [*(name for name in rows if name != TRIM), *(name for name in rows if name == TRIM)]
    lines = [f"| {name.replace('_', ' ')} | {' · '.join(rows[name])} |" for name in order]
    return "\n".join(["| question | keys |", "|---|---|", *lines])
