"""The pipeline: its stages in order, and where each shard stands.

A stage is named after what it makes; what it reads is said in its own folder. To add one, write its folder
under `tasks/` and put its STAGE here. Stages that watch clips are one step, `watch`, which decodes each clip once.
"""

from __future__ import annotations

from collections.abc import Mapping

from annotation.stage import STAGE as REVIEW
from schemas.recipe import Recipe
from tasks.conditions.stage import STAGE as CONDITIONS
from tasks.duplicates.fingerprints import STAGE as FINGERPRINTS
from tasks.duplicates.stage import STAGE as DUPLICATES
from tasks.evidence.stage import STAGE as EVIDENCE
from tasks.faces.detections import STAGE as DETECTIONS
from tasks.faces.stage import STAGE as FACES
from tasks.labels.stage import STAGE as LABELS
from tasks.media.stage import STAGE as NORMALIZE
from tasks.models import ModelStore, check_ready
from tasks.moments.stage import STAGE as MOMENTS
from tasks.motion.stage import STAGE as MOTION
from tasks.offscreen.judges import check_judge
from tasks.offscreen.stage import STAGE as OFFSCREEN
from tasks.previews.stage import STAGE as PREVIEWS
from tasks.shots.stage import STAGE as SHOTS
from tasks.sounds.events import STAGE as EVENTS
from tasks.sounds.stage import STAGE as SOUNDS
from tasks.sources.stage import STAGE as DOWNLOAD
from tasks.speakers.stage import STAGE as SPEAKERS
from tasks.speech.stage import STAGE as SPEECH
from tasks.speech.turns import STAGE as TURNS
from tasks.workspace.stage import Stage

STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        DOWNLOAD, MOMENTS, NORMALIZE, SHOTS, DETECTIONS, MOTION, PREVIEWS, FINGERPRINTS, CONDITIONS, FACES,
        SPEECH, TURNS, SPEAKERS, SOUNDS, EVENTS, LABELS, EVIDENCE, DUPLICATES, OFFSCREEN, REVIEW,
    )
}  # fmt: skip

WATCH = "watch"


def step_of(stage: Stage) -> str:
    """The step that brings a stage up to date: its own, or the one that all who watch clips share."""
    return WATCH if stage.watch else stage.name


STEPS: Mapping[str, tuple[str, ...]] = {
    step: tuple(stage.name for stage in STAGES.values() if step_of(stage) == step)
    for step in dict.fromkeys(step_of(stage) for stage in STAGES.values())
}
"""What runs as one task per shard, with the stages that it brings up to date, in order."""

LATE = ("duplicates", "offscreen")
"""The steps that wait for a decision over all shards: which clips are the same as others (`Workbench.verdicts`)."""

LAST = ("review",)
"""The steps that wait for people: for the answers which the review server has."""

MODEL_USERS: Mapping[str, str] = {
    "faces": "detections", "speech": "speech", "turns": "turns", "speakers": "speakers", "sounds": "sounds",
    "offscreen": "offscreen",
}  # fmt: skip
"""The analyses for which a recipe names a model, with the stage that uses it."""

DOWNLOADED = (
    "video_id", "kind", "location", "duration_ms", "height", "licence", "sha256", "bytes", "segments"
)  # fmt: skip
CUT = ("video_id", "duration_ms", "segments")
"""What of a catalogue row decides the download, and what the cutting: a title or a new place of a file does not."""

RELEASED = (
    "normalize", "labels", "events", "conditions", "evidence", "duplicates", "offscreen", "review",
)  # fmt: skip
"""A clip is released when all of these are done for it; all others come before one of them, but for `previews`,
which show people a clip and hold back none."""


def check_models(recipe: Recipe, models: ModelStore) -> None:
    """See that all that the recipe's models need is here, before any work begins: weights, packages, a service's key.

    Raises:
        ModelMissing, ModelCorrupt: one error that names everything that lacks; RecipeError for a model that no
            analysis knows.
    """
    check_ready(recipe, [name for stage in STAGES.values() for name in stage.models(recipe)], models)
    check_judge(recipe)


def needs(stage: Stage) -> tuple[str, ...]:
    """The stages that must be up to date before this one: those it reads, and for clips the one that cuts them."""
    return (*stage.inputs, *(("normalize",) if stage.works_on == "clip" else ()))


def steps_before(step: str) -> tuple[str, ...]:
    """The steps that must be done before this one."""
    needed = (name for stage in STEPS[step] for name in needs(STAGES[stage]))
    return tuple(dict.fromkeys(step_of(STAGES[name]) for name in needed))
