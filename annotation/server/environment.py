"""Label Studio's own environment: its requirements clash with ours, so it has an interpreter for itself."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import SystemicError, ToolMissing

PLACE_VARIABLE = "CLAPPER_STUDIO"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")

_BEGUN, _READY = ".clapper-begun", "ready"

Say = Callable[[str], None]


def ensure_studio(say: Say, place: Path | None = None, requirements: Path = REQUIREMENTS) -> Path:
    """The Python of Label Studio's environment, which is installed if it is not there: 1 GB, one to five minutes.

    An environment is used when it is whole: what an interrupted installation has left is done anew. One that
    somebody made by other means is used as it is if it has the versions that we pin, and never changed.

    Args:
        place: where it is to lie; otherwise `studio_place`.
        requirements: what it consists of, every package at one version.

    Raises:
        ToolMissing: Python's part that makes environments is not there.
        SystemicError: the packages cannot be had, or something else lies at that place.
    """
    place = studio_place() if place is None else place.absolute()
    python = place / "bin" / "python"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if _is_ready(place, digest):
        return python
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place, say):
        if _is_ready(place, digest):
            return python
        if place.exists() and any(place.iterdir()) and not (place / _BEGUN).exists():
            _require_pinned(place, requirements)
            return python
        say(f"installing Label Studio into {place}: 1 GB, one to five minutes, once")
        _make(place)
        _install(python, requirements, say)
        _require_pinned(place, requirements)
        (place / _READY).write_text(digest + "\n", encoding="utf-8")
    return python


def studio_place() -> Path:
    """Where the environment lies: CLAPPER_STUDIO, else the folder for data of the user's account."""
    named = os.environ.get(PLACE_VARIABLE)
    if named:
        return Path(named).absolute()
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "clapper" / f"label-studio-{_pins(REQUIREMENTS)['label-studio']}"


def _is_ready(place: Path, digest: str) -> bool:
    marker = place / _READY
    return marker.is_file() and marker.read_text(encoding="utf-8").strip() == digest


def _pins(requirements: Path) -> dict[str, str]:
    """Package, as a wheel's folder has it, to its version."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.strip().lower(): version.strip() for name, version in pairs}


def _require_pinned(place: Path, requirements: Path) -> None:
    """Raises SystemicError where an environment has not exactly what is pinned."""
    found = {
        _plain(name): version
        for folder in place.glob("lib/python3.*/site-packages/*.dist-info")
        for name, _, version in [folder.name.removesuffix(".dist-info").partition("-")]
    }
    wrong = [
        f"{name} {found.get(_plain(name), 'missing')} instead of {version}"
        for name, version in _pins(requirements).items()
        if found.get(_plain(name)) != version
    ]
    if wrong:
        raise SystemicError(
            str(place),
            f"is not the environment for Label Studio: {', '.join(wrong[:3])}, {len(wrong)} such packages",
            f"remove it, or name another place by {PLACE_VARIABLE}",
        )


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _make(place: Path) -> None:
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    (place / _BEGUN).touch()
    done = subprocess.run([sys.executable, "-m", "venv", str(place)], capture_output=True, text=True)
    if done.returncode:
        raise ToolMissing(
            "python3-venv",
            f"no environment could be made at {place}: {_last_line(done.stdout + done.stderr)}",
            "install Python's part for environments (Debian: apt-get install python3-venv)",
        )


def _install(python: Path, requirements: Path, say: Say) -> None:
    """Install exactly the pinned packages. How to reach the packages is the caller's setting, so pip inherits it."""
    total, fetched = len(_pins(requirements)), 0
    command = [
        str(python), "-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--no-input",
        "--requirement", str(requirements),
    ]  # fmt: skip
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            said.append(line.strip())
            if line.startswith(("Collecting ", "Processing ")):
                fetched += 1
                if fetched % 20 == 0 or fetched == total:
                    say(f"fetched {fetched} of {total} packages")
            elif line.startswith("Installing collected"):
                say(f"unpacking {total} packages")
    if process.returncode:
        errors = [line for line in said if line.startswith("ERROR:")]
        raise SystemicError(
            "Label Studio",
            f"could not be installed: {(errors or said or ['pip said nothing'])[-1][:400]}",
            "see that packages can be fetched with pip, or name an environment that has them by "
            + PLACE_VARIABLE,
        )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "no reason was given"


@contextmanager
def _alone(place: Path, say: Say) -> Iterator[None]:
    """Hold the place, so that two starts do not install into it at once; the second waits."""
    with place.with_name(f".{place.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that installs Label Studio")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
