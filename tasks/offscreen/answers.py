"""What makes two questions to a model the same, so that no clip is asked, or paid for, twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from schemas.judging import Offscreen
from schemas.recipe import digest
from tasks.offscreen.reply import Reply

DECIDES_THE_ANSWER = (
    "prompt", "temperature", "seed", "thinking", "resolution", "frame_rate", "send_from", "send_until",
    "max_output_tokens",
)  # fmt: skip
"""The settings under which another answer may come; all others only say how, when and for how much it is had."""


@dataclass(frozen=True)
class Question:
    """One clip to be judged.

    Attributes:
        clip_id: for outcomes; it is never sent.
        answer_key: under which the answer is kept, see `answer_key`.
        duration_ms: of the clip.
    """

    clip_id: str
    path: Path
    answer_key: str
    duration_ms: int


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as it came, and where it came from. It is kept before anything is read out of it.

    Attributes:
        reply: the answer itself, with its tokens.
        model: what was asked: the service's name of the model, or the name of one that runs here.
        prompt: the prompt's version.
        asked_at: ISO 8601, UTC.
        run: the run that asked.
    """

    reply: Reply
    model: str
    prompt: str
    asked_at: str
    run: str


def answer_key(
    clip_sha256: str, section: Offscreen, prompt_text: str, schema_digest: str, model_id: str
) -> str:
    """The 64 hex digits under which the answer about a clip is kept.

    They change with the clip's bytes, the prompt's version and words, the model, the answer's schema and each
    setting of `DECIDES_THE_ANSWER`; not with budgets, pace, mode, tries or the operating point.
    """
    settings = section.model_dump(mode="json", include=set(DECIDES_THE_ANSWER))
    prompt_sha256 = hashlib.sha256(prompt_text.encode()).hexdigest()
    return digest(
        {
            "clip": clip_sha256,
            "model": model_id,
            "prompt_text": prompt_sha256,
            "schema": schema_digest,
            "settings": settings,
        }
    )
