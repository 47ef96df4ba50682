"""What makes two questions the same: every setting of the section is either part of the key or is not."""

from __future__ import annotations

import pytest

from schemas.judging import LeaveOut, Offscreen, Prices
from tasks.offscreen.answers import DECIDES_THE_ANSWER, answer_key

OTHERWISE = {
    "model": "gemini",
    "service_model": "gemini-3.8-flash",
    "api_version": "v1",
    "prompt": "v2",
    "temperature": 0.5,
    "seed": 2,
    "thinking": "high",
    "resolution": "high",
    "frame_rate": 1.0,
    "send_from": "1 s",
    "send_until": "5 s",
    "send": "upload",
    "inline_limit": "1 MiB",
    "max_output_tokens": 512,
    "mode": "batch",
    "batch_size": 7,
    "at_once": 1,
    "requests_per_minute": 1,
    "tokens_per_minute": 1000,
    "count_tokens": False,
    "tries": 1,
    "timeout": "1 s",
    "upload_timeout": "1 s",
    "budget_per_run": "1 USD",
    "budget_total": "1 USD",
    "prices": Prices(input="1 USD", audio="1 USD", output="1 USD"),
    "leave_out": LeaveOut(off_screen=0.5),
    "audit": 0.5,
}
"""For each setting a value that is not the default."""


def key(section: Offscreen, clip="c" * 64, prompt="Look.", schema="s", model="gemini-3-flash-preview") -> str:
    return answer_key(clip, section, prompt, schema, model)


def test_every_setting_is_known_here():
    # A new setting must be thought about: does another value of it make another answer?
    assert set(OTHERWISE) == set(Offscreen.model_fields)


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_setting_changes_the_key_if_it_decides_the_answer_and_only_then(name):
    changed = Offscreen(**{name: OTHERWISE[name]})
    assert getattr(changed, name) != getattr(Offscreen(), name)
    assert (key(changed) != key(Offscreen())) == (name in DECIDES_THE_ANSWER)


@pytest.mark.parametrize("what", ["clip", "prompt", "schema", "model"])
def test_clip_words_schema_and_model_change_the_key(what):
    assert key(Offscreen(), **{what: "another"}) != key(Offscreen())


def test_the_key_is_the_same_on_every_machine_and_in_every_version():
    # Another key here means that every answer that was ever paid for would be asked, and paid for, again.
    assert key(Offscreen()) == "6b534edbe09bf30aa74d755392d5f387991e2b1a8dbaba97fda456f7e6dd7976"
