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
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import RecipeError
from schemas.quantities import BitRate, DataRate, Duration, Pixels

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ProfileName = Literal["embedded", "light", "full"]
Analysis = Literal["faces", "speech", "turns", "speakers", "sounds"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class YtdlpSource(Section):
    """A video, playlist or channel that yt-dlp can list."""

    kind: Literal["ytdlp"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    channel: Name | None = None
    domain: Name | None = None


class FilesSource(Section):
    """Local video files: a file, a folder (searched in depth) or a glob."""

    kind: Literal["files"]
    path: str
    channel: Name | None = None
    domain: Name | None = None


class ListSource(Section):
    """A CSV (or CSV.gz) of segments: `id, start, label, split`, or the public RealSync lists."""

    kind: Literal["list"]
    path: str
    url: str = "https://www.youtube.com/watch?v={id}"
    segment: Duration = 10_000
    channel: Name | None = None
    domain: Name | None = None


Source = Annotated[YtdlpSource | FilesSource | ListSource, Field(discriminator="kind")]


class Schedule(Section):
    cron: str
    timezone: str = "UTC"
    active: bool = True


class Admission(Section):
    """Which source videos are taken (RealSync §3). `licences`: empty admits all."""

    min_duration: Duration = 0
    max_duration: Duration | None = None
    min_height: Pixels = 0
    licences: tuple[str, ...] = ()
    max_per_channel: Duration | None = None


class Download(Section):
    """How yt-dlp fetches. `tries` counts runs, over which a video that is unavailable or fails is asked for."""

    max_height: Pixels = 1080
    rate_limit: DataRate | None = None
    pause: Duration = 0
    retries: Annotated[int, Field(ge=0, le=50)] = 5
    timeout: Duration = 30_000
    cookies: str | None = None
    tries: Annotated[int, Field(ge=1, le=100)] = 3
    retry_after: Duration = 6 * 3_600_000
    relist_after: Duration = 600_000


class Media(Section):
    """The normal form of a clip: H.264 High at 25 fps, AAC-LC mono at 16 kHz (RealSync §3).

    `encoder`: another one makes other bytes, so the graphics card's is used only where it is asked for.
    `decoder`: never changes a byte; `auto` takes the card where it was seen to give the processor's bytes.
    """

    clip_length: Annotated[Duration, Field(ge=1000, multiple_of=40)] = 300_000
    min_clip_length: Annotated[Duration, Field(ge=1000)] = 3_000
    short_side: Annotated[Pixels, Field(ge=32, le=4320, multiple_of=2)] = 256
    crf: Annotated[int, Field(ge=0, le=51)] = 18
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    audio_bit_rate: Annotated[BitRate, Field(ge=16_000, le=320_000)] = 64_000
    encoder: Literal["x264", "nvenc", "auto"] = "x264"
    decoder: Literal["auto", "cpu", "nvdec"] = "auto"


class Faces(Section):
    """Faces in every `every`-th frame; without `min_score` the detector's own least score counts."""

    model: str | None = None
    every: Annotated[int, Field(ge=1, le=25)] = 3
    min_score: Share | None = None
    min_size: Pixels = 24
    min_track: Duration = 600
    max_gap: Duration = 400


class Shots(Section):
    threshold: Annotated[float, Field(gt=0, le=255)] = 27.0


class Motion(Section):
    """What counts as change, black and frozen; in levels of luma, 0–255, on a small picture.

    A pixel changes by more than `min_change`; a black frame is at most `max_black` nearly everywhere; of a frozen
    one the mean distance from the frame before is at most `max_still`.
    """

    min_change: Annotated[float, Field(ge=0, le=255)] = 8
    max_black: Annotated[float, Field(ge=0, le=255)] = 25
    max_still: Annotated[float, Field(ge=0, le=255)] = 0.25


class Previews(Section):
    """Contact sheets; `width` is that of one picture of 16:9, and those of other shapes have its area."""

    columns: Annotated[int, Field(ge=1, le=12)] = 4
    rows: Annotated[int, Field(ge=1, le=12)] = 3
    width: Annotated[Pixels, Field(ge=64, le=480)] = 240


class Speech(Section):
    model: str | None = None
    threshold: Share = 0.5
    min_speech: Duration = 250
    min_silence: Duration = 100


class Turns(Section):
    """Who speaks when; voices that speak for less than `min_turn` at a time are left out."""

    model: str | None = None
    min_turn: Duration = 250


class Speakers(Section):
    """Active speaker: the sound is slid over the face track by ±`max_offset` in windows of `window`."""

    model: str | None = None
    window: Duration = 3_000
    hop: Duration = 1_000
    max_offset: Duration = 1_000


class Sounds(Section):
    """Audio tagging of overlapping chunks (RealSync §3.1, A.2)."""

    model: str | None = None
    chunk: Annotated[Duration, Field(ge=500)] = 2_000
    hop: Annotated[Duration, Field(ge=100)] = 1_000

    @model_validator(mode="after")
    def _leave_no_gap(self) -> Sounds:
        if self.hop > self.chunk:
            raise ValueError(f"hop must be at most chunk ({self.chunk} ms), and is {self.hop} ms")
        return self


class Events(Section):
    """Chunk scores above `threshold`, merged in time."""

    threshold: Share = 0.3
    top: Annotated[int, Field(ge=1, le=50)] = 5


Action = Literal["keep", "label", "drop"]


class Conditions(Section):
    """What is wrong with a clip as a whole, and what to do then: nothing, name it in the manifest, leave it out.

    `silence_level`: sound below it, dBFS, is silence; a clip is near-silent where `silent_share` of it is, black or
    frozen where `black_share` or `frozen_share` of its frames are, a text card where `card_share` are, and has bars
    where its active picture leaves out more than `bar_share` of its width or height.
    """

    near_silent: Action = "drop"
    black: Action = "drop"
    frozen: Action = "drop"
    still: Action = "drop"
    text_card: Action = "label"
    letterboxed: Action = "label"
    silence_level: Annotated[float, Field(ge=-120, le=0)] = -60
    silent_share: Share = 0.95
    black_share: Share = 0.9
    frozen_share: Share = 0.9
    card_share: Share = 0.5
    bar_share: Share = 0.02


class Labels(Section):
    """Talking head, voice-over, other (RealSync §3.1). `min_probability`: below it a mouth does not match."""

    min_probability: Share = 0.5
    min_length: Duration = 400


SPLITS = ("train", "dev", "test")


class Splits(Section):
    """Shares of duration within each channel, whole videos."""

    train: Share = 0.90
    dev: Share = 0.05
    test: Share = 0.05

    @model_validator(mode="after")
    def _sum_to_one(self) -> Splits:
        if abs(self.train + self.dev + self.test - 1) > 1e-9:
            raise ValueError(f"train + dev + test must be 1, and is {self.train + self.dev + self.test:g}")
        return self


class Limits(Section):
    """`failed_share`: a run with a larger share of failed items ends red. `shard`: source material per shard."""

    failed_share: Share = 0.2
    shard: Duration = 4 * 3_600_000
    task_runs: Annotated[int, Field(ge=10, le=1000)] = 800
    workers: Annotated[int, Field(ge=1, le=256)] = 2


class Recipe(Section):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
    title: str
    cites: str = ""
    profile: ProfileName = "light"
    schedule: Schedule | None = None
    sources: tuple[Source, ...] = ()
    admission: Admission = Admission()
    download: Download = Download()
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
    splits: Splits = Splits()
    limits: Limits = Limits()

    def model_for(self, analysis: Analysis) -> str:
        """The model an analysis uses: the one its section names, else the profile's."""
        return getattr(self, analysis).model or PROFILES[self.profile][analysis]

    def as_run(self) -> Recipe:
        """The recipe with every model named, and without what is private to the machine that ran it."""
        named = {
            analysis: getattr(self, analysis).model_copy(update={"model": self.model_for(analysis)})
            for analysis in PROFILES[self.profile]
        }
        return self.model_copy(
            update={**named, "download": self.download.model_copy(update={"cookies": None})}
        )


PROFILES: Mapping[str, Mapping[str, str]] = {
    "embedded": {
        "faces": "haar", "speech": "silero", "turns": "none", "speakers": "mouth-motion", "sounds": "spectral",
    },
    "light": {
        "faces": "yunet", "speech": "silero", "turns": "none", "speakers": "lr-asd", "sounds": "mn04",
    },
    "full": {
        "faces": "buffalo-l", "speech": "pyannote", "turns": "pyannote", "speakers": "lr-asd", "sounds": "beats",
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
