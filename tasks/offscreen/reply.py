"""What a vision-language model answered about one clip, whoever runs the model, and the judgement that is in it.

A judgement is read whole or not at all: an answer that was blocked, that is empty, that was cut short or that is
not what the schema asks for gives a `NoJudgement` with its reason, never a guess.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from schemas.judgement import Judgement

Reason = Literal["blocked", "empty", "cut_short", "malformed"]

DONE, AT_LIMIT = "STOP", "MAX_TOKENS"
"""How an answer ends: by itself, or because it reached the most tokens that it may have. Gemini's own words."""

REFUSALS = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY"}
)
"""Ends of answers that a service withheld."""

FENCE = re.compile(r"\s*```(?:json)?[ \t]*\r?\n(?P<answer>.*?)\r?\n?[ \t]*```\s*", re.DOTALL | re.IGNORECASE)

SHOWN_ERRORS = 3
"""How many of a schema's complaints about one answer are told."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one request.

    Attributes:
        input_tokens: all that was sent: text, pictures and sound.
        audio_tokens: those of `input_tokens` that are sound.
        output_tokens: all that was written, thoughts included.
    """

    input_tokens: int = 0
    audio_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Reply:
    """One answer as it came.

    Attributes:
        text: what was written; None for nothing.
        finish: how the answer ended (`DONE`, `AT_LIMIT` or another word of the service); None if it never began.
        blocked: why the request was refused; None if it was not.
        usage: what it cost in tokens.
        model_version: the model that answered, as exactly as it names itself.
    """

    text: str | None
    finish: str | None
    blocked: str | None
    usage: Usage
    model_version: str | None


class NoJudgement(Exception):
    """An answer with no judgement in it. `detail` quotes nothing of the answer."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


def judgement_of(reply: Reply) -> Judgement:
    """The judgement in an answer: one JSON object of the schema, bare or inside one fence of Markdown.

    Raises:
        NoJudgement: blocked, empty, cut short at the limit of tokens, or not of the schema.
    """
    if reply.blocked or reply.finish in REFUSALS:
        raise NoJudgement("blocked", reply.blocked or reply.finish or "")
    if reply.finish == AT_LIMIT:
        raise NoJudgement("cut_short", f"ended at the limit, after {reply.usage.output_tokens} tokens")
    text = (reply.text or "").strip()
    if not text:
        raise NoJudgement("empty", f"ended with {reply.finish}" if reply.finish not in (DONE, None) else "")
    if reply.finish not in (DONE, None):
        raise NoJudgement("malformed", f"ended with {reply.finish}")
    fenced = FENCE.fullmatch(text)
    try:
        judgement = Judgement.model_validate_json(fenced["answer"] if fenced else text, strict=True)
    except ValidationError as error:
        raise NoJudgement("malformed", _complaints(error)) from None
    if not math.isfinite(judgement.evidence_seconds):
        raise NoJudgement("malformed", "evidence_seconds: is no finite number")
    return judgement


def _complaints(error: ValidationError) -> str:
    """What is wrong and where, without the answer's own words, which may be anything."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    told = [
        f"{'.'.join(str(part) for part in one['loc']) or 'the answer'}: {one['msg']}"
        for one in errors[:SHOWN_ERRORS]
    ]
    more = f"; and {len(errors) - SHOWN_ERRORS} more" if len(errors) > SHOWN_ERRORS else ""
    return "; ".join(told) + more
