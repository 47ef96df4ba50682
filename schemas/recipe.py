"""A recipe: how one dataset is made, in one file that reads like its paper.

Unknown keys, missing units and impossible values are errors that name the file, the line, the path of the
key and what is allowed:

    recipe = load_recipe("flows/recipes/realsync.yaml", overrides={"media.clip_length": "10 s"})
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from schemas.errors import RecipeError
from schemas.judging import Offscreen, Review
from schemas.publishing import Publishing
from schemas.sections import (
    Admission,
    Conditions,
    Download,
    Duplicates,
    Events,
    Faces,
    FilesSource,
    Labels,
    Limits,
    ListSource,
    Media,
    Moments,
    Motion,
    Previews,
    Schedule,
    Section,
    Shots,
    Sounds,
    Source,
    Speakers,
    Speech,
    Splits,
    Targets,
    Turns,
    YtdlpSource,
)  # fmt: skip

ProfileName = Literal["embedded", "light", "full"]
Analysis = Literal["faces", "speech", "turns", "speakers", "sounds", "offscreen"]


class Recipe(Section):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
    title: str
    cites: str = ""
    profile: ProfileName = "light"
    schedule: Schedule | None = None
    sources: tuple[Source, ...] = ()
    admission: Admission = Admission()
    download: Download = Download()
    targets: Targets = Targets()
    moments: Moments | None = None
    media: Media = Media()
    shots: Shots = Shots()
    faces: Faces = Faces()
    motion: Motion = Motion()
    conditions: Conditions = Conditions()
    previews: Previews = Previews()
    speech: Speech = Speech()
    turns: Turns = Turns()
    speakers: Speakers = Speakers()
    sounds: Sounds = Sounds()
    events: Events = Events()
    labels: Labels = Labels()
    duplicates: Duplicates | None = None
    offscreen: Offscreen | None = None
    review: Review | None = None
    splits: Splits = Splits()
    release: Publishing = Publishing()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _cut_what_is_planned(self) -> Recipe:
        if self.moments and self.moments.min_length < self.media.min_clip_length:
            raise ValueError(
                f"moments.min_length ({self.moments.min_length} ms) is less than media.min_clip_length "
                f"({self.media.min_clip_length} ms): clips would be planned and not be cut"
            )
        return self

    def model_for(self, analysis: Analysis) -> str:
        """The model an analysis uses: the one its section names, else the profile's; none without a section."""
        section = getattr(self, analysis)
        return "none" if section is None else section.model or PROFILES[self.profile][analysis]

    def as_run(self) -> Recipe:
        """The recipe with every model named, and without what is private to the machine that ran it."""
        named = {
            analysis: getattr(self, analysis).model_copy(update={"model": self.model_for(analysis)})
            for analysis in PROFILES[self.profile]
            if getattr(self, analysis) is not None
        }
        # The last name tells which folder or list it was; where it lies on somebody's disk is nobody's business.
        sources = tuple(
            source.model_copy(update={"path": Path(source.path).name}) if hasattr(source, "path") else source
            for source in self.sources
        )
        download = self.download.model_copy(update={"cookies": None})
        return self.model_copy(update={**named, "sources": sources, "download": download})


PROFILES: Mapping[str, Mapping[str, str]] = {
    "embedded": {
        "faces": "haar", "speech": "silero", "turns": "none", "speakers": "mouth-motion", "sounds": "spectral",
        "offscreen": "none",
    },
    "light": {
        "faces": "yunet", "speech": "silero", "turns": "none", "speakers": "lr-asd", "sounds": "mn04",
        "offscreen": "none",
    },
    "full": {
        "faces": "buffalo-l", "speech": "pyannote", "turns": "pyannote", "speakers": "lr-asd", "sounds": "beats",
        "offscreen": "gemini",
    },
}  # fmt: skip
"""What each profile uses for each analysis; a recipe may replace any of them by name."""


def recipe_names(folder: Path) -> list[str]:
    """The recipes in a folder, by name, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def load_recipe(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read and check a recipe file.

    Args:
        path: a YAML file.
        overrides: dotted key to value, a value being YAML text or a plain object; replaces what the file says.

    Raises:
        RecipeError: with the file, the line, the key's path and what is allowed, one line per mistake.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(
            str(path), f"cannot be read: {error.strerror}", "name an existing recipe"
        ) from error
    try:
        data = yaml.safe_load(text)
        lines = _lines_by_path(yaml.compose(text))
    except yaml.YAMLError as error:
        raise RecipeError(str(path), f"is no valid YAML: {error}", "mend the file") from error
    if not isinstance(data, dict):
        raise RecipeError(str(path), "is empty or no mapping", "start from an existing recipe")
    for key, value in (overrides or {}).items():
        _override(data, key, value, path)
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = [_explain(mistake, lines, overrides or {}) for mistake in error.errors()]
        raise RecipeError(str(path), "; ".join(problems), "mend the recipe or the --set") from error


def digest(value: Any) -> str:
    """SHA-256 (hex) of a JSON-able value in canonical form: the same for equal values, on every machine."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _override(data: dict, key: str, value: Any, path: Path) -> None:
    *parents, last = key.split(".")
    target = data
    for parent in parents:
        target = target.setdefault(parent, {})
        if not isinstance(target, dict):
            raise RecipeError(str(path), f"--set {key}: '{parent}' is not a section", "check the key's path")
    target[last] = yaml.safe_load(value) if isinstance(value, str) else value


def _lines_by_path(node: yaml.Node | None, prefix: tuple = ()) -> dict[tuple, int]:
    """Path of every key in a YAML tree (list positions as integers) to its line, counted from one."""
    if node is None:
        return {}
    lines = {prefix: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            lines |= _lines_by_path(child, (*prefix, key.value))
            lines[(*prefix, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            lines |= _lines_by_path(child, (*prefix, position))
    return lines


def _explain(mistake: Any, lines: Mapping[tuple, int], overrides: Mapping[str, Any]) -> str:
    location = tuple(part for part in mistake["loc"] if part not in ("ytdlp", "files", "list"))
    dotted = ".".join(map(str, location)) or "(the whole recipe)"
    if dotted in overrides:
        where = "--set"
    else:
        known = next(lines[location[:n]] for n in range(len(location), -1, -1) if location[:n] in lines)
        where = f"line {known}"
    message = mistake["msg"].removeprefix("Value error, ")
    if mistake["type"] == "extra_forbidden":
        message = f"is no known key; allowed here: {', '.join(_allowed_keys(location[:-1]))}"
    elif "input" in mistake and not isinstance(mistake["input"], dict | list):
        message += f"; found {mistake['input']!r}"
    return f"{where}: {dotted}: {message}"


def _allowed_keys(section: tuple) -> list[str]:
    if section[:1] == ("sources",):
        return sorted({key for kind in (YtdlpSource, FilesSource, ListSource) for key in kind.model_fields})
    model: Any = Recipe
    for part in section:
        annotation = model.model_fields[part].annotation
        model = next(t for t in getattr(annotation, "__args__", (annotation,)) if hasattr(t, "model_fields"))
    return list(model.model_fields)
