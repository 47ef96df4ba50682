"""What a vision-language model is asked to say about a clip, and nothing else: the contract of its answer.

It judges whether the source of the main sound is in the picture, and meaning; it is never asked about timing, at
which such models are below chance.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.recipe import digest
from schemas.scenarios import DOMAIN_OF, Domain, Scenario

Confidence = Annotated[float, Field(ge=0, le=1)]

QUESTIONS = ("source", "mismatch", "audio", "scenario")
"""The questions that people answer too, so that the model can be measured against them."""


class Judgement(BaseModel):
    """One clip as a model sees and hears it; the descriptions are part of what the model is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source_name: str = Field(max_length=120, description="what makes the main sound, in a few words")
    source: Literal["visible", "off_screen", "unclear"] = Field(
        description="whether what makes the main sound can be seen in the picture while it sounds"
    )
    source_confidence: Confidence = Field(description="how sure the answer about the source is, 0 to 1")
    mismatch: Literal["none", "obvious", "unclear"] = Field(
        description="obvious: what is heard cannot come from what is seen, such as dubbing or added music"
    )
    mismatch_confidence: Confidence = Field(description="how sure the answer about the mismatch is, 0 to 1")
    audio: Literal["good", "poor", "unclear"] = Field(
        description="poor: the main sound is drowned in noise, distorted, or too faint to recognise"
    )
    audio_confidence: Confidence = Field(description="how sure the answer about the audio quality is, 0 to 1")
    scenario: Scenario = Field(description="the scenario that fits the main sound best")
    domain: Domain = Field(description="the domain of that scenario")
    scenario_confidence: Confidence = Field(description="how sure the scenario is, 0 to 1")
    evidence: str = Field(max_length=400, description="one sentence: what was seen and heard that decides it")
    evidence_seconds: float = Field(ge=0, description="when in the clip that is, in seconds from its start")

    @model_validator(mode="after")
    def _domain_of_scenario(self) -> Judgement:
        if DOMAIN_OF[self.scenario] != self.domain:
            raise ValueError(f"{self.scenario} belongs to {DOMAIN_OF[self.scenario]}, not to {self.domain}")
        return self


def schema_digest() -> str:
    """First 16 hex digits of the SHA-256 of the answer's JSON schema: another schema is another question."""
    return digest(Judgement.model_json_schema())[:16]
