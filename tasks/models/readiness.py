"""Is all that a recipe needs on this machine? Asked once, before any work; one answer names everything that lacks.

    check_ready(recipe, names, store)     # names: what the recipe's stages take from the model store

A problem is a model that is missing or corrupt, or a package that is missing or too old.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Literal, get_args

from packaging.requirements import Requirement

from schemas.errors import ModelCorrupt, ModelMissing
from schemas.recipe import Analysis, Recipe
from tasks.models.catalogue import Model
from tasks.models.store import ModelStore, how_to_get, pull_command

_LIGHT, _FULL, _GEMINI = (f"pip install 'clapper-av[{extra}]'" for extra in ("light", "full", "gemini"))
# Their own requirements bring a second OpenCV, or a torch for cards, and little of them is used.
_SILERO = "pip install --no-deps 'silero-vad>=6.2.3'"
_INSIGHTFACE, _SPEECHBRAIN = (
    "pip install --no-deps 'insightface>=2'",
    "pip install --no-deps 'speechbrain>=1.1'",
)
_TORCH = (("torch>=2.8", _LIGHT),)
_PYANNOTE = (("torch>=2.8", _FULL), ("torchaudio>=2.8", _FULL), ("pyannote.audio>=4.0", _FULL))

PACKAGES: Mapping[tuple[Analysis, str], tuple[tuple[str, str], ...]] = {
    ("faces", "buffalo-l"): (("insightface>=2", _INSIGHTFACE), ("scikit-image>=0.26", _FULL)),
    ("speech", "silero"): (("silero-vad>=6.2.3", _SILERO),),
    ("speech", "pyannote"): _PYANNOTE,
    ("turns", "pyannote"): _PYANNOTE,
    ("speakers", "lr-asd"): _TORCH,
    ("speakers", "light-asd"): _TORCH,
    ("speakers", "syncnet"): _TORCH,
    ("sounds", "mn04"): _TORCH,
    ("sounds", "beats"): (
        ("torch>=2.8", _FULL),
        ("torchaudio>=2.8", _FULL),
        ("speechbrain>=1.1", _SPEECHBRAIN),
    ),
    ("sounds", "ast"): (("torch>=2.8", _FULL), ("torchaudio>=2.8", _FULL), ("transformers>=4.50", _FULL)),
    ("offscreen", "gemini"): (("google-genai>=3.4", _GEMINI), ("tenacity>=9", _GEMINI)),
    ("offscreen", "qwen-omni"): (
        ("torch>=2.8", _FULL),
        ("transformers>=5.23", _FULL),
        ("llguidance>=1.9", _FULL),
    ),
}
"""What an analysis with a model needs beyond what every installation has: requirement and command that brings it."""


@dataclass(frozen=True)
class Problem:
    """One thing that lacks: `detail` says what was expected and found, `action` what brings it."""

    kind: Literal["missing", "corrupt", "package"]
    name: str
    detail: str
    action: str


def problems(recipe: Recipe, names: Iterable[str], store: ModelStore) -> list[Problem]:
    """All that lacks for a recipe: packages first, then models in the order of `names`.

    Args:
        names: of models in the catalogue, as the recipe's stages ask for them.

    Raises:
        RecipeError: a name that the catalogue does not have.
    """
    return [*_package_problems(recipe), *_model_problems(dict.fromkeys(names), store)]


def check_ready(recipe: Recipe, names: Iterable[str], store: ModelStore) -> None:
    """See that a recipe can run here.

    Raises:
        ModelMissing, ModelCorrupt: one error with every problem and the commands that mend them; corrupt if
            nothing is missing. RecipeError: a name that the catalogue does not have.
    """
    found = problems(recipe, names, store)
    if not found:
        return
    kind = ModelCorrupt if all(problem.kind == "corrupt" for problem in found) else ModelMissing
    lines = [f"- {problem.name} {problem.detail}" for problem in found]
    things = "1 thing that it needs is" if len(found) == 1 else f"{len(found)} things that it needs are"
    raise kind(
        f"{recipe.name} with profile {recipe.profile}",
        f"{things} not right on this machine; nothing was begun\n" + "\n".join(lines) + "\n",
        "; ".join(_actions(found, store)),
    )


def _package_problems(recipe: Recipe) -> list[Problem]:
    named = [(analysis, recipe.model_for(analysis)) for analysis in get_args(Analysis)]
    wanted: dict[str, str] = {}
    for text, command in (one for pair in named for one in PACKAGES.get(pair, ())):
        wanted.setdefault(text, command)
    found = []
    for text, command in wanted.items():
        requirement = Requirement(text)
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found.append(Problem("package", text, "is needed and not installed", command))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            found.append(Problem("package", text, f"is needed, and {version} is installed", command))
    return found


def _model_problems(names: Iterable[str], store: ModelStore) -> list[Problem]:
    found = []
    for name in names:
        try:
            store.path(name)
        except ModelMissing as error:
            found.append(Problem("missing", name, error.problem, error.action))
        except ModelCorrupt as error:
            found.append(Problem("corrupt", name, f"at {error.item} {error.problem}", error.action))
    return found


def _actions(found: Iterable[Problem], store: ModelStore) -> list[str]:
    """What to do about all problems together, each thing once: install, accept, set, and one pull for all models."""
    found = list(found)
    commands = [f"run `{problem.action}`" for problem in found if problem.kind == "package"]
    missing = [store.model(problem.name) for problem in found if problem.kind == "missing"]
    actions = [*dict.fromkeys(commands), *dict.fromkeys(how_to_get(model) for model in missing if model.gate)]
    actions += [problem.action for problem in found if problem.kind == "corrupt"]
    pulled = [model for model in missing if not _by_hand(model)]
    if pulled and not any(pull_command(pulled) in action for action in actions):
        actions.append(f"run `{pull_command(pulled)}`, or put the files into the folder $CLAPPER_MODELS")
    return actions


def _by_hand(model: Model) -> bool:
    return model.gate is not None and model.token is None
