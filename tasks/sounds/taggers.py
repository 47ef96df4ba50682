"""The taggers of sounds that a recipe may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from schemas.errors import RecipeError
from tasks.sounds.audio_spectrogram_transformer import FILES as AST_FILES
from tasks.sounds.audio_spectrogram_transformer import open_ast
from tasks.sounds.beats import open_beats
from tasks.sounds.efficientat import open_mn04
from tasks.sounds.spectral import open_spectral
from tasks.sounds.tagger import Tagger

Weights = Callable[[str], Path]
"""From a name in the model store to the verified file (raises ModelMissing, ModelCorrupt)."""

TAGGERS: Mapping[str, Callable[[Weights], Tagger]] = {
    "beats": open_beats,
    "ast": open_ast,
    "mn04": open_mn04,
    "spectral": open_spectral,
}
"""Name to the function that opens the tagger."""

WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "beats": ("beats",),
    "ast": tuple(AST_FILES),
    "mn04": ("mn04",),
    "spectral": (),
}
"""Name to what the tagger asks of the model store."""


def open_tagger(name: str, weights: Weights) -> Tagger:
    """Open a tagger by name.

    Raises:
        RecipeError: no such tagger here; lists those that exist.
        ModelMissing, ModelCorrupt: its weights or packages are not right on this machine.
    """
    check_name(name)
    return TAGGERS[name](weights)


def check_name(name: str) -> None:
    """Raise RecipeError, listing the taggers that exist, unless `name` is one of them."""
    if name not in TAGGERS:
        raise RecipeError(
            "sounds.model", f"'{name}' is not available", f"set it to one of: {', '.join(TAGGERS)}"
        )
