"""What `clapper doctor` finds for a review by people; a run can do without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from annotation.packages import INSTALL, PACKAGES, version_of
from annotation.private import read_running
from annotation.server.environment import studio_place
from annotation.server.postgres import find_programs
from flows.finding import Finding
from schemas.errors import ToolMissing

TOPIC = "Review"


def review_findings(workspace: Path) -> Iterator[Finding]:
    """Label Studio's environment, its database's programs, our packages for it, and whether a server runs."""
    place = studio_place()
    if (place / "ready").is_file():
        yield Finding(TOPIC, "Label Studio", "ok", str(place))
    else:
        action = "the first `clapper review start` installs it (1 GB)"
        yield Finding(TOPIC, "Label Studio", "absent", "is not installed", action)
    try:
        yield Finding(TOPIC, "PostgreSQL", "ok", str(find_programs()))
    except ToolMissing as error:
        yield Finding(TOPIC, "PostgreSQL", "absent", error.problem, error.action)
    for package in PACKAGES:
        version = version_of(package)
        found = ("ok", version) if version else ("absent", "is not installed", INSTALL)
        yield Finding(TOPIC, package, *found)
    running = read_running(workspace.absolute())
    if running:
        yield Finding(TOPIC, "review server", "ok", f"runs at {running.gateway}")
    else:
        start = f"`clapper review start -w {workspace}`"
        yield Finding(TOPIC, "review server", "absent", "does not run for this workspace", start)
