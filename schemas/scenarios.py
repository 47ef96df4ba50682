"""The ten scenarios of AV-SyncBench and their three domains (§2.2, Tables 1 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Scenario = Literal[
    "action", "animal_sound", "object_sound", "ambient_sound", "group_vocalization", "single_speaker", "dialogue",
    "singing", "single_instrument", "ensemble",
]  # fmt: skip
Domain = Literal["voice", "music", "sound"]

DOMAIN_OF: Mapping[Scenario, Domain] = {
    "action": "sound",
    "animal_sound": "sound",
    "object_sound": "sound",
    "ambient_sound": "sound",
    "group_vocalization": "voice",
    "single_speaker": "voice",
    "dialogue": "voice",
    "singing": "voice",
    "single_instrument": "music",
    "ensemble": "music",
}
"""In the order of Table 1."""
