"""The catalogue of models: `catalogue.yaml`, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from schemas.errors import RecipeError

CATALOGUE = Path(__file__).with_name("catalogue.yaml")


class Model(BaseModel):
    """One file of weights, pinned.

    Attributes:
        name: what recipes and `clapper models pull` call it.
        file: its file name, in a mirror folder and in the cache.
        url: the address at which the checksum is known to hold.
        licence: terms of the weights, as far as their publisher states them.
        bytes: exact size.
        sha256: hex digest of the file.
        purpose: what it does, for people.
        profiles: the recipe profiles that use it by default.
        gate: what must be accepted before the file may be had; None for a file that anyone may download.
        token: for a gated file, the environment variable with the token of an account that accepted; without
            one, such a file is never downloaded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    url: str = Field(pattern=r"^https?://")
    licence: str
    bytes: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    purpose: str
    profiles: tuple[str, ...] = ()
    gate: str | None = None
    token: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")

    @model_validator(mode="after")
    def _open_what_is_gated(self) -> Model:
        if self.token and not self.gate:
            raise ValueError(f"{self.name} has a token and no gate, which says what to accept")
        return self

    @property
    def size(self) -> str:
        """The size for people, e.g. `4.07 MB`."""
        return f"{self.bytes / 1e6:.2f} MB" if self.bytes >= 10_000 else f"{self.bytes / 1e3:.2f} kB"

    @property
    def told(self) -> str:
        """File, size, licence and address in one phrase for people."""
        return f"{self.file} ({self.size}, {self.licence}) from {self.url}"


@cache
def read_catalogue(path: Path = CATALOGUE) -> Mapping[str, Model]:
    """The models of a catalogue file, by name, in the file's order.

    Raises:
        RecipeError: a field is missing, unknown or malformed, or a name or file is listed twice.
    """
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        models = TypeAdapter(list[Model]).validate_python(entries)
    except ValidationError as error:
        raise RecipeError(path.name, f"is no valid catalogue of models: {error}", "mend the entry") from error
    for key in ("name", "file"):
        values = [getattr(model, key) for model in models]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise RecipeError(path.name, f"lists {key} {', '.join(twice)} twice", "keep one of them")
    return {model.name: model for model in models}
