"""The prompts, one file for each version; a file that has been used is never changed, a new version is a new file."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import RecipeError

_FOLDER = Path(__file__).parent


def prompt_versions() -> list[str]:
    """All versions, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.md"))


def read_prompt(version: str) -> str:
    """The text of one version.

    Raises:
        RecipeError: there is no such version.
    """
    if version not in prompt_versions():
        known = ", ".join(prompt_versions())
        raise RecipeError("offscreen.prompt", f"there is no prompt {version!r}", f"known versions: {known}")
    return (_FOLDER / f"{version}.md").read_text(encoding="utf-8")
