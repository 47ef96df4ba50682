"""Workspaces of `curate/av-syncbench` beside a local Gemini: what it is asked, and what becomes of each clip."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import CompletedProcess
from threading import Lock
from typing import Any

from flows.outlook import survey_all
from flows.run import Request, state_of
from flows.summary import Summary
from flows.survey import Survey, Workbench
from schemas.scenarios import DOMAIN_OF
from tasks.offscreen.money.accounts import open_accounts
from tasks.workspace.catalog import read_catalog
from tests.flows.fixtures import Command
from tests.offscreen.gemini_server import GeminiServer

KEY = "AIza-a-key-that-nobody-may-see"
SMALL = {
    "admission.min_height": "100 px",
    "media.short_side": "144 px",
    "faces.every": "25",
    "limits.shard": "95 min",
    "offscreen.audit": "0",
    "review.of": "doubtful",  # what the judge is sure of is released without people
}
EMBEDDED = ("--profile", "embedded")
NOBODY = {"offscreen.model": "none"}

KINDS = ("keep", "off_screen", "unclear", "keep", "doubtful", "mismatch")
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

    def bench(self, **settings: str) -> Workbench:
        return Request("av-syncbench", str(self.root), "embedded", settings=SMALL | settings).bench()

    def summary(self, **settings: str) -> Summary:
        return state_of(self.bench(**settings))

    def command(
        self, *words: str | Path, check: bool = True, settings: Mapping[str, str] = {}, **changes: str
    ) -> CompletedProcess:
        pairs = [part for name, value in (SMALL | settings).items() for part in ("--set", f"{name}={value}")]
        environment = {**self.environment, **changes}
        return self.clapper(*words, "-w", self.root, *EMBEDDED, *pairs, check=check, **environment)

    def surveys(self, **settings: str) -> list[Survey]:
        return survey_all(read_catalog(self.root), self.bench(**settings))

    def tables(self) -> set[Path]:
        """The tables of all stages that ask neither models nor people."""
        stages = self.root / "stages"
        asking = ("offscreen", "review")
        return {path for path in stages.glob("*/*/*") if path.relative_to(stages).parts[0] not in asking}

    def files(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.root.rglob("*") if path.is_file()}


def copy_of(place: Place, name: str) -> Place:
    """The same in another folder, called `name`, of the same parent."""
    root = place.root.parent / name / "workspace"
    shutil.copytree(place.root, root)
    return replace(place, root=root)


def reaching(place: Place, server: GeminiServer, key: str = KEY) -> Place:
    """The same place with another service."""
    return replace(
        place,
        environment={**place.environment, "GOOGLE_GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": key},
    )


def outcomes(place: Place, **settings: str) -> dict[str, str]:
    """Clip to what became of it: of each clip one thing, from the first stage that held it back."""
    found: dict[str, str] = {}
    for survey in place.surveys(**settings):
        judged = survey.outputs["offscreen"].records()
        for stage in ("normalize", "conditions", "duplicates", "offscreen"):
            for clip, row in survey.outputs[stage].outcomes.items():
                if stage != "normalize" and row["outcome"] != "done":
                    assert clip not in found
                    found[clip] = f"{row['outcome']} {row['reason']}"
        for clip, (row,) in judged.items():
            assert clip not in found
            found[clip] = f"{row['verdict']} {row['reason'] or ''}".strip()
    return found


def clips_of(place: Place) -> dict[str, dict[str, Any]]:
    """Clip to its record from `normalize`."""
    tables = [survey.outputs["normalize"].records() for survey in place.surveys()]
    return {row["clip_id"]: row for videos in tables for rows in videos.values() for row in rows}


def check_funnel(summary: Summary) -> dict[str, int]:
    """The funnel, which must add up."""
    counts = dict(summary.funnel)
    parts = (
        "clips not analysed to the end yet", "clips left out for what they are", "clips with an analysis that failed",
        "clips that wait for an answer", "clips for people to judge", "clips released",
    )  # fmt: skip
    assert counts["clips cut"] == sum(counts[part] for part in parts)
    return counts


def video_of(name: str, place: Place) -> str:
    """The id of a source, by its file's name."""
    (row,) = (row for row in read_catalog(place.root) if Path(row["location"]).name == name)
    return row["video_id"]


def spent(place: Place) -> int:
    """What has been billed, in picodollars."""
    return open_accounts(place.root).spent().settled
