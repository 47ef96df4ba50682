"""What an annotator's answer says, read from the server's record of it, or why it cannot be used.

Label Studio checks nothing: it stores whatever a browser or a script sends. So everything is checked here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotation.configs.pages import COMMENT, KEEP, TRIM, VIDEO, Page
from schemas.forms import FORMS
from schemas.units import FRAME_MS

LONGEST_COMMENT = 2_000
"""Characters."""
LONGEST_LEAD_TIME_S = 366 * 86_400

REASONS = (
    "not_an_object",
    "empty",
    "unknown_control",
    "wrong_control",
    "unknown_answer",
    "several_answers",
    "missing_question",
    "bad_region",
    "bad_comment",
    "long_comment",
    "bad_lead_time",
)


class Refused(Exception):
    """An answer that cannot count.

    Args:
        reason: one of REASONS.
        detail: what was found; printable ASCII from outside the project, bounded in length.
    """

    def __init__(self, reason: str, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class Parsed:
    """An answer that can count, or a skip.

    Attributes:
        answers: question to answer, in the order of the form; empty for a skip.
        keep_start_ms: from where the clip should be kept, from its start; None: no part was marked.
        keep_end_ms: exclusive.
        lead_time_ms: how long the page was open; None when the server does not say.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    keep_start_ms: int | None = None
    keep_end_ms: int | None = None
    comment: str = ""
    skipped: bool = False
    lead_time_ms: int | None = None


def parse_answer(page: Page, annotation: Any, frames: int) -> Parsed:
    """Read one annotation as the server's export gives it.

    Args:
        page: on which it was made.
        annotation: any value that JSON can hold.
        frames: of the clip that was shown, at 25 frames a second.

    Raises:
        Refused: it is not a whole and valid answer to this page. Nothing else is raised, whatever JSON comes.
    """
    if not isinstance(annotation, dict):
        raise Refused("not_an_object", f"an annotation is an object, this is {_shown(annotation)}")
    lead_time_ms = _lead_time_ms(annotation.get("lead_time"))
    skipped, results = annotation.get("was_cancelled"), annotation.get("result")
    if skipped is not None and not isinstance(skipped, bool):
        raise Refused("not_an_object", f"was_cancelled is true or false, this is {_shown(skipped)}")
    if skipped:
        return Parsed(skipped=True, lead_time_ms=lead_time_ms)
    if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
        raise Refused("not_an_object", f"a result is a list of objects, this is {_shown(results)}")
    if not results:
        raise Refused("empty", "submitted without any answer")
    return _read(page, results, frames, lead_time_ms)


def _read(page: Page, results: list[dict], frames: int, lead_time_ms: int | None) -> Parsed:
    form = FORMS[page.form]
    known = {question.name: question.answers for question in form.questions}
    given: dict[str, str] = {}
    regions: list[Mapping[str, Any]] = []
    comment: str | None = None
    for result in results:
        name, value = _control(page, result)
        if name == TRIM:
            regions += _regions(value)
        elif name == COMMENT:
            if comment is not None:
                raise Refused("bad_comment", "the comment was given twice")
            comment = _comment(value)
        elif name in given:
            raise Refused("several_answers", f"{name} was answered twice")
        else:
            given[name] = _choice(name, value, known[name])
    missing = [name for name in known if name not in given]
    if missing:
        raise Refused("missing_question", f"no answer to {', '.join(missing)}")
    start_ms, end_ms = _kept(regions, frames)
    return Parsed(
        {name: given[name] for name in known}, start_ms, end_ms, comment or "", lead_time_ms=lead_time_ms
    )


def _control(page: Page, result: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The control of the page that a result comes from, and its value."""
    name, kind, value = result.get("from_name"), result.get("type"), result.get("value")
    if not isinstance(name, str) or name not in page.controls:
        raise Refused("unknown_control", f"{_shown(name)} is none of {', '.join(page.controls)}")
    if result.get("to_name") != VIDEO or kind != page.controls[name]:
        raise Refused(
            "wrong_control",
            f"{name} is {page.controls[name]} on {VIDEO}, this is {_shown(kind)} on {_shown(result.get('to_name'))}",
        )
    if not isinstance(value, dict):
        raise Refused("wrong_control", f"the value of {name} is an object, this is {_shown(value)}")
    return name, value


def _choice(name: str, value: Mapping[str, Any], answers: tuple[str, ...]) -> str:
    chosen = value.get("choices")
    if not isinstance(chosen, list) or not chosen:
        raise Refused("unknown_answer", f"{name} has a list with one answer, this is {_shown(chosen)}")
    if len(chosen) > 1:
        raise Refused("several_answers", f"{name} has one answer, here are {len(chosen)}")
    if not isinstance(chosen[0], str) or chosen[0] not in answers:
        raise Refused("unknown_answer", f"{name}: {_shown(chosen[0])} is none of {', '.join(answers)}")
    return chosen[0]


def _comment(value: Mapping[str, Any]) -> str:
    text = value.get("text")
    lines = [text] if isinstance(text, str) else text
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Refused("bad_comment", f"a comment is text, this is {_shown(text)}")
    # Half of a surrogate pair can be written in JSON and in no file.
    whole = "\n".join(lines).encode("utf-8", "replace").decode().replace("\0", "").strip()
    if len(whole) > LONGEST_COMMENT:
        raise Refused(
            "long_comment", f"{len(whole)} characters, at most {LONGEST_COMMENT} belong in a comment"
        )
    return whole


def _regions(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    labels, ranges = value.get("timelinelabels"), value.get("ranges")
    if labels != [KEEP]:
        raise Refused("bad_region", f"a part is labelled {KEEP}, this is {_shown(labels)}")
    if not isinstance(ranges, list) or not all(isinstance(each, dict) for each in ranges):
        raise Refused("bad_region", f"a part has ranges of frames, this is {_shown(ranges)}")
    return ranges


def _kept(regions: list[Mapping[str, Any]], frames: int) -> tuple[int | None, int | None]:
    """The part to keep in ms. Frames count from 1; the last one is kept too."""
    if not regions:
        return None, None
    if len(regions) > 1:
        raise Refused("bad_region", f"one part can be kept, here are {len(regions)}")
    start, end = _whole(regions[0].get("start")), _whole(regions[0].get("end"))
    if start is None or end is None:
        raise Refused("bad_region", f"a part begins and ends at frames, this is {_shown(regions[0])}")
    if not 1 <= start <= end <= frames:
        raise Refused(
            "bad_region", f"frames {_shown(start)} to {_shown(end)} of a clip that has 1 to {frames}"
        )
    return (start - 1) * FRAME_MS, end * FRAME_MS


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isinstance(value, int) or value.is_integer() else None


def _lead_time_ms(value: Any) -> int | None:
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= LONGEST_LEAD_TIME_S or not math.isfinite(value):
        raise Refused("bad_lead_time", f"{_shown(value)} s is no time that a page was open")
    return round(value * 1000)


def _shown(value: Any) -> str:
    """Something from outside, short and in ASCII, for a message."""
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number beyond measure"  # Python refuses to print the very long ones
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
