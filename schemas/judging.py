"""The sections of a recipe that say who judges a clip: a model first, then people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.forms import FORMS, FormName
from schemas.quantities import DataSize, Duration, Money
from schemas.sections import Name, Section, Share

Send = Literal["auto", "inline", "upload"]


class LeaveOut(Section):
    """The operating point: how sure a model must be for its answer to leave a clip out; else people judge it."""

    off_screen: Share = 0.9
    mismatch: Share = 0.9
    poor_audio: Share = 0.9


class Prices(Section):
    """Of a million tokens, where the price list does not know the model; thinking counts as output."""

    input: Money
    audio: Money
    output: Money


class Offscreen(Section):
    """A vision-language model judges clips before people do (AV-SyncBench §2.2).

    `model`: gemini, qwen-omni or none; `service_model` is what Gemini's service calls the model. `audit`: share of
    the clips that the model would leave out which people judge all the same, so that it can be measured.
    `send_from`, `send_until`: the part of a clip that is sent; `frame_rate`: pictures a second that the model sees.
    `at_once`: requests under way at a time, of one shard. `max_output_tokens` includes thinking.
    """

    model: str | None = None
    service_model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{2,63}$")] = "gemini-3-flash-preview"
    api_version: Literal["v1", "v1beta"] = "v1beta"
    prompt: Name = "v1"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    seed: int = 1
    thinking: Literal["default", "minimal", "low", "medium", "high"] = "low"
    resolution: Literal["default", "low", "medium", "high"] = "default"
    frame_rate: Annotated[float, Field(gt=0, le=24)] = 2.0
    send_from: Duration = 0
    send_until: Duration | None = None
    send: Send = "auto"
    inline_limit: Annotated[DataSize, Field(ge=1024, le=18 * 1024**2)] = 12 * 1024**2
    max_output_tokens: Annotated[int, Field(ge=64, le=65_536)] = 2_048
    mode: Literal["online", "batch"] = "online"
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 200
    at_once: Annotated[int, Field(ge=1, le=64)] = 8
    requests_per_minute: Annotated[int, Field(ge=1)] = 300
    tokens_per_minute: Annotated[int, Field(ge=1000)] = 1_000_000
    count_tokens: bool = True
    tries: Annotated[int, Field(ge=1, le=20)] = 5
    timeout: Annotated[Duration, Field(ge=100)] = 120_000
    upload_timeout: Annotated[Duration, Field(ge=100)] = 180_000
    budget_per_run: Money = 5_000_000
    budget_total: Money = 50_000_000
    prices: Prices | None = None
    leave_out: LeaveOut = LeaveOut()
    audit: Share = 0.05


Rule = Literal["majority", "unanimity"]


class Review(Section):
    """People judge clips in Label Studio, each for herself (AV-SyncBench §2.2); see annotation/README.md.

    `form`: what they are asked, see schemas.forms; only the form `clip-review` decides what is released. `of`: all
    clips that are fit so far, or only those that the off-screen filter leaves to people. `per_clip`: independent
    judgements that count. `rule`: how many of them must agree on an answer, `rules` by question; where they do not, a
    lead decides if `adjudicate` is set. `sample`: at most so many items of a form that only measures. `offsets`: of
    the tolerance study, positive when the audio is early. `gold`: clips with known faults, as a share of the clips
    that are out for review. `min_watched`: an answer given in less than this share of the clip's length was too fast.
    `outstanding`: at most so many items wait for answers at a time. `address_lasts`: how long the address of a clip's
    file is valid after the page has asked for it. `bootstrap`: draws for the intervals of agreement.
    """

    form: FormName = "clip-review"
    of: Literal["all", "doubtful"] = "all"
    per_clip: Annotated[int, Field(ge=1, le=9)] = 3
    rule: Rule = "majority"
    rules: Mapping[str, Rule] = {}
    adjudicate: bool = True
    sample: Annotated[int, Field(ge=1, le=100_000)] = 300
    offsets: tuple[Annotated[int, Field(ge=-2000, le=2000, multiple_of=40)], ...] = (
        -800, -600, -400, -200, -120, 0, 120, 200, 400, 600, 800,
    )  # fmt: skip
    gold: Annotated[float, Field(ge=0, le=0.5)] = 0.04
    min_watched: Annotated[float, Field(ge=0, le=5)] = 0.8
    batch: Annotated[int, Field(ge=1, le=5000)] = 500
    outstanding: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    address_lasts: Annotated[Duration, Field(ge=60_000)] = 4 * 3_600_000
    bootstrap: Annotated[int, Field(ge=100, le=100_000)] = 1_000

    @model_validator(mode="after")
    def _rules_of_its_questions(self) -> Review:
        known = [question.name for question in FORMS[self.form].questions]
        unknown = [name for name in self.rules if name not in known]
        if unknown:
            raise ValueError(f"rules: {', '.join(unknown)} is no question of {self.form}: {', '.join(known)}")
        return self

    @property
    def decides(self) -> bool:
        """Whether people's answers decide what is released, or only measure."""
        return self.form == "clip-review"

    def rule_for(self, question: str) -> Rule:
        return self.rules.get(question, self.rule)
