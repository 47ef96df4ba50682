"""Whole runs of `curate/av-syncbench` against a local Gemini: outcomes, money, keys, and what is shown of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from threading import Lock
from typing import Any

import pytest

from flows.outlook import survey_all
from flows.pipeline import Survey
from flows.run import Request
from schemas.scenarios import DOMAIN_OF
from tasks.workspace.catalog import read_catalog
from tests.flows.fixtures import Command
from tests.offscreen.gemini_server import GeminiServer

pytestmark = pytest.mark.slow

KEY = "AIza-a-key-that-nobody-may-see"
SMALL = {"admission.min_height": "100 px", "media.short_side": "144 px", "limits.shard": "95 min", "offscreen.audit": "0"}
EMBEDDED = ("--profile", "embedded")
NOBODY = {"offscreen.model": "none"}

KINDS = ("keep", "off_screen", "unclear", "keep", "doubtful", "keep", "mismatch")
"""What the server finds, in the order in which it first meets the clips."""
DOUBT = 0.6
SAID: Mapping[str, Mapping[str, Any]] = {
    "keep": {},
    "off_screen": {"source": "off_screen"},
    "unclear": {"source": "unclear"},
    "doubtful": {"source": "off_screen", "source_confidence": DOUBT},
    "mismatch": {"mismatch": "obvious"},
}
BECOMES = {
    "keep": "keep",
    "off_screen": "dropped off_screen",
    "unclear": "people unclear",
    "doubtful": "people below_point",
    "mismatch": "dropped mismatch",
}


@dataclass
class Judge:
    """Judgements by the order in which clips come, and for ever the same of the same bytes."""

    order: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, clip: str) -> dict[str, Any]:
        with self.lock:
            number = self.order.setdefault(clip, len(self.order))
        scenario = list(DOMAIN_OF)[number % len(DOMAIN_OF)]
        usual = {
            "source_name": "a ball", "source": "visible", "source_confidence": 0.97,
            "mismatch": "none", "mismatch_confidence": 0.97, "audio": "good", "audio_confidence": 0.97,
            "scenario": scenario, "domain": DOMAIN_OF[scenario], "scenario_confidence": 0.9,
            "evidence": "It is seen to sound at 1.5 s.", "evidence_seconds": 1.5,
        }  # fmt: skip
        return usual | SAID[self.kind(clip)]

    def kind(self, clip: str) -> str:
        return KINDS[self.order[clip] % len(KINDS)]


@dataclass(frozen=True)
class Place:
    """A workspace, the sources that it is made from, and how commands reach the service."""

    clapper: Command
    videos: Path
    root: Path
    environment: Mapping[str, str]

    def run(
        self, *more: str, check: bool = True, settings: Mapping[str, str] = {}, **changes: str
    ) -> CompletedProcess:
        source = ("--source", f"wild={self.videos}")
        return self.command("run", "av-syncbench", *source, *more, check=check, settings=settings, **changes)

    def status(self, **settings: str) -> dict[str, Any]:
        done = self.command("status", "av-syncbench", "--json", settings=settings)
        return json.loads(done.stdout)

    def command(
        self, *words: str | Path, check: bool = True, settings: Mapping[str, str] = {}, **changes: str
    ) -> CompletedProcess:
        pairs = [part for name, value in (SMALL | settings).items() for part in ("--set", f"{name}={value}")]
        profile = () if words[0] == "offscreen" else EMBEDDED
        environment = {**self.environment, **changes}
        return self.clapper(*words, "-w", self.root, *profile, *pairs, check=check, **environment)

    def surveys(self, **settings: str) -> list[Survey]:
        bench = Request("av-syncbench", str(self.root), "embedded", settings=SMALL | settings).bench()
        return survey_all(read_catalog(self.root), bench)

    def tables(self) -> set[Path]:
        """The tables of all stages but the last one."""
        stages = self.root / "stages"
        return {path for path in stages.glob("*/*/*") if path.relative_to(stages).parts[0] != "offscreen"}

    def files(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.fixture(scope="module")
def server(judge: Judge) -> Iterator[GeminiServer]:
    with GeminiServer(judge=judge, key=KEY) as server:
        yield server


@pytest.fixture(scope="module")
def unjudged(
    clapper: Command, wild_videos: Path, server: GeminiServer, tmp_path_factory: pytest.TempPathFactory
) -> Place:
    """Everything done, and nobody asked."""
    reached = {"GOOGLE_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": KEY, "GOOGLE_API_KEY": ""}
    place = Place(clapper, wild_videos, tmp_path_factory.mktemp("wild") / "unjudged", reached)
    (place.root.parent / "said").write_text(place.run(settings=NOBODY, GEMINI_API_KEY="").stdout)
    return place
