"""Finding, fetching and verifying weights.

A model lies in the *mirror* (a folder that somebody filled, used in place) or in the *cache* (which `pull`
fills). Wherever it lies, it is used only if size and SHA-256 are the catalogue's.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from schemas.errors import ModelCorrupt, ModelMissing, RecipeError
from tasks.models.catalogue import Model, read_catalogue
from tasks.models.checksum import file_sha256
from tasks.models.transfer import Patience, Progress, access_token, download

MIRROR_VARIABLE, CACHE_VARIABLE = "CLAPPER_MODELS", "CLAPPER_MODELS_CACHE"


@dataclass(frozen=True)
class Check:
    """What `ModelStore.verify` found of one model: `detail` says what to do unless `state` is ok."""

    name: str
    state: Literal["ok", "missing", "corrupt"]
    path: Path | None
    detail: str


@dataclass(frozen=True)
class ModelStore:
    """The weights on this machine.

    Attributes:
        mirror: a folder with files as the catalogue names them, read only; None for none.
        cache: the folder that `pull` fills; made when first needed.
        catalogue: name to pinned model.
        patience: how long `pull` tries.
    """

    mirror: Path | None
    cache: Path
    catalogue: Mapping[str, Model] = field(default_factory=read_catalogue, repr=False)
    patience: Patience = field(default_factory=Patience)

    def path(self, name: str) -> Path:
        """The verified file of a model; the digest is computed once per process and state of the file.

        Raises:
            RecipeError: no such model.
            ModelMissing: neither in the mirror nor in the cache.
            ModelCorrupt: the file's size or checksum is not the pinned one.
        """
        model = self.model(name)
        for place in self._places(model):
            if place.is_file():
                _verify(model, place)
                return place
        raise ModelMissing(model.name, f"is not on this machine: {model.told}", how_to_get(model))

    def pull(self, names: Iterable[str], progress: Progress | None = None) -> list[Path]:
        """Bring models into the cache, from the mirror if it has them, else over HTTP; done ones are kept.

        A file appears under its name only after its checksum is right. What an interrupted download left is
        resumed by the next one; wrong bytes are removed. Gated models without a token hold back no others.

        Args:
            progress: called with name, bytes so far and bytes in all.

        Raises:
            RecipeError: no such model (raised before anything is fetched).
            ModelMissing: not to be had from its address; or gated, which one error says for all of them after
                the others were fetched.
            ModelCorrupt: the mirror's or the server's bytes are not the pinned ones.
        """
        models = [self.model(name) for name in dict.fromkeys(names)]
        if models:
            self.cache.mkdir(parents=True, exist_ok=True)
        closed = [model for model in models if self._is_closed(model)]
        paths = [self._pull(model, progress or _no_progress) for model in models if model not in closed]
        if closed:
            raise ModelMissing(
                ", ".join(model.name for model in closed),
                "cannot be downloaded for you yet: " + "; ".join(model.told for model in closed),
                "; ".join(dict.fromkeys(how_to_get(model) for model in closed)),
            )
        return paths

    def verify(self) -> list[Check]:
        """The state of every model of the catalogue, in its order."""
        checks = []
        for name in self.catalogue:
            try:
                checks.append(Check(name, "ok", self.path(name), ""))
            except ModelMissing as error:
                checks.append(Check(name, "missing", None, str(error)))
            except ModelCorrupt as error:
                checks.append(Check(name, "corrupt", Path(error.item), str(error)))
        return checks

    def checksum(self, name: str) -> str:
        """The pinned SHA-256 (hex) of a model; touches no file. Raises RecipeError for an unknown name."""
        return self.model(name).sha256

    def model(self, name: str) -> Model:
        """The catalogue's entry. Raises RecipeError, which lists the known names."""
        if name not in self.catalogue:
            raise RecipeError(name, "is no model of the catalogue", f"known: {', '.join(self.catalogue)}")
        return self.catalogue[name]

    def _places(self, model: Model) -> Iterator[Path]:
        if self.mirror is not None:
            yield self.mirror / model.file
        yield self.cache / model.file

    def _is_closed(self, model: Model) -> bool:
        """Whether a model can only be downloaded, and only with a token that is not set."""
        if model.gate is None or access_token(model) is not None:
            return False
        mirrored = self.mirror is not None and (self.mirror / model.file).is_file()
        return not mirrored and not _is_right(model, self.cache / model.file)

    def _pull(self, model: Model, progress: Progress) -> Path:
        final, part = self.cache / model.file, self.cache / f"{model.file}.part"
        with _alone(self.cache):
            if _is_right(model, final):
                progress(model.name, model.bytes, model.bytes)
                return final
            final.unlink(missing_ok=True)
            mirrored = None if self.mirror is None else self.mirror / model.file
            if mirrored is not None and mirrored.is_file():
                _verify(model, mirrored)
                shutil.copyfile(mirrored, part)
                progress(model.name, model.bytes, model.bytes)
            else:
                download(model, part, self.patience, progress, access_token(model))
            _verify_part(model, part)
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(final)
        return final


def open_store() -> ModelStore:
    """The store that the environment describes.

    `CLAPPER_MODELS` names a mirror folder; `CLAPPER_MODELS_CACHE` the cache, by default `clapper/models` in
    the user's cache folder (XDG: `$XDG_CACHE_HOME`, else `~/.cache`).

    Raises:
        ModelMissing: `CLAPPER_MODELS` is set to something that is no folder.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror and not Path(mirror).is_dir():
        raise ModelMissing(
            MIRROR_VARIABLE, f"is set to '{mirror}', which is no folder", "correct or unset it"
        )
    cache = os.environ.get(CACHE_VARIABLE)
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    home = Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache"
    return ModelStore(Path(mirror) if mirror else None, Path(cache) if cache else home / "clapper" / "models")


def how_to_get(model: Model) -> str:
    """What a person does to have the file on this machine; the same sentence for models behind one gate."""
    by_hand = f"put the file into the folder ${MIRROR_VARIABLE}"
    if model.gate is None:
        return f"run `clapper models pull {model.name}`, or {by_hand}"
    if model.token is None:
        return f"{model.gate}; then download it and {by_hand}"
    return (
        f"{model.gate}, set {model.token} to an access token of that account and run "
        f"`{pull_command([model])}`, or {by_hand}"
    )


def pull_command(models: Iterable[Model]) -> str:
    """The shortest command that fetches all these models: by profile where one has them all, else by name."""
    models = list(models)
    shared = [profile for profile in models[0].profiles if all(profile in one.profiles for one in models)]
    return f"clapper models pull {f'--profile {shared[0]}' if shared else ' '.join(m.name for m in models)}"


def _verify(model: Model, file: Path) -> None:
    size = file.stat().st_size
    if size != model.bytes:
        problem = f"has {size} bytes, and {model.name} has {model.bytes}"
    elif (found := file_sha256(file)) != model.sha256:
        problem = f"has SHA-256 {found}, and {model.name} has {model.sha256}"
    else:
        return
    raise ModelCorrupt(str(file), problem, f"remove it, then run `clapper models pull {model.name}`")


def _is_right(model: Model, file: Path) -> bool:
    """Whether a file is there and has the pinned bytes."""
    try:
        _verify(model, file)
    except (ModelCorrupt, FileNotFoundError):
        return False
    return True


def _verify_part(model: Model, part: Path) -> None:
    try:
        _verify(model, part)
    except ModelCorrupt as error:
        part.unlink()
        action = "nothing was kept; try again, and if it stays wrong the address serves another file"
        raise ModelCorrupt(model.url, error.problem, action) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time fill a folder; two writers would mix their bytes in one partial file."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _no_progress(name: str, done_bytes: int, total_bytes: int) -> None:
    return None
