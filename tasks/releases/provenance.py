"""What made a version: the code, the libraries, the models, the prompt and the recipe, each by what pins it.

    provenance(recipe, {"speakers": "lr-asd@d19f3a…"})
    {"clapper": {"version": "0.1.0", "revision": "0f8dc51…", "changed": False}, "python": "3.11.2",
     "libraries": {"av": "18.1.0", …}, "tools": {"ffmpeg": "5.1.9"}, "models": {…}, "prompt": None, "recipe": {…}}

It names no machine, no path, no person and no time: the same code with the same recipe gives the same account.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from schemas.errors import ToolMissing
from schemas.recipe import Recipe, digest
from tasks.media.probe import ffmpeg_version
from tasks.offscreen.prompts import read_prompt

PACKAGE = "clapper-av"

LIBRARIES = (
    "av", "duckdb", "imagehash", "numpy", "onnxruntime", "opencv-python", "opencv-python-headless", "pillow",
    "pyacoustid", "pyannote-audio", "pyarrow", "scipy", "torch", "torchaudio", "transformers", "xxhash", "yt-dlp",
)  # fmt: skip
"""Distributions that touch media or numbers; those that are not installed are left out of the account."""

_GIT_SECONDS = 20


def provenance(recipe: Recipe, models: Mapping[str, str]) -> dict[str, Any]:
    """What made a version that is published now, JSON-able, in a stable order.

    Args:
        recipe: as the run used it.
        models: analysis to model and checksum, as every row has it.
    """
    return {
        "clapper": code(),
        "python": platform.python_version(),
        "libraries": libraries(),
        "tools": _tools(),
        "models": dict(sorted(models.items())),
        "prompt": prompt_of(recipe),
        "recipe": {"name": recipe.name, "profile": recipe.profile, "digest": recipe_digest(recipe)},
    }


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 (hex) of the effective recipe without what is private to a machine: where its sources lie, cookies."""
    return digest(recipe.as_run().model_dump(mode="json", exclude={"sources"}))


def code() -> dict[str, Any]:
    """Clapper's version; in a checkout its git revision, and whether a file that git keeps differs from it.

    Both are None for an installed package, or where git is not there or does not answer.
    """
    revision, changed = _checkout(Path(__file__).resolve().parents[2])
    return {"version": _installed(PACKAGE), "revision": revision, "changed": changed}


def libraries() -> dict[str, str]:
    """The installed ones of LIBRARIES with their versions, and those of the codecs inside PyAV."""
    import av

    found = {name: _installed(name) for name in LIBRARIES}
    codecs = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return {name: version for name, version in sorted({**codecs, **found}.items()) if version}


def prompt_of(recipe: Recipe) -> dict[str, str] | None:
    """The prompt that a model was asked with: its version and the SHA-256 of its words; None where none is asked."""
    if recipe.offscreen is None or recipe.model_for("offscreen") == "none":
        return None
    text = read_prompt(recipe.offscreen.prompt)
    return {"version": recipe.offscreen.prompt, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _tools() -> dict[str, str]:
    try:
        return {"ffmpeg": ffmpeg_version().removeprefix("ffmpeg ")}
    except ToolMissing:
        return {}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _checkout(folder: Path) -> tuple[str | None, bool | None]:
    """Revision and whether it was changed, of a checkout whose top is just this folder."""
    # A package that is installed inside somebody's own repository must not be told by that one's revision.
    if not (folder / ".git").exists():
        return None, None
    revision = _git(folder, "rev-parse", "--verify", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return revision, None if changes is None else bool(changes)


def _git(folder: Path, *words: str) -> str | None:
    """What git says, without blanks around it; None where it says nothing that can be used."""
    # Looking must not write the index of somebody's checkout, nor find a repository around it.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
