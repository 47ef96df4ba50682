"""What the gateway knows from the workspace: people, projects and clips, read anew when their files change."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from annotation.private import FOLDER, Person, Secrets, open_secrets, read_people
from schemas.errors import ServiceError
from schemas.judging import Review

ProjectKind = Literal["review", "adjudication"]
Signature = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Project:
    """A project on the server that belongs to a recipe's review.

    Attributes:
        number: on the server.
    """

    number: int
    kind: ProjectKind
    recipe: str


@dataclass
class _Read:
    """What was read from some files, and from which state of them."""

    signature: Signature | None = None
    value: Any = None


@dataclass(frozen=True)
class Known:
    """A workspace's people, projects and clips as they are now.

    Every question looks at the files' time, size and number, and reads them only when one of these has changed.
    Safe to ask from several threads.
    """

    root: Path
    secrets: Secrets
    _reads: dict[str, _Read] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def people(self) -> Mapping[int, Person]:
        """Everybody with an account, by number on the server."""
        path = self.root / FOLDER / "people.json"
        return self._fresh("people", [path], lambda: {each.user: each for each in read_people(self.root)})

    def projects(self) -> Mapping[int, Project]:
        """The projects of all recipes, by number on the server."""
        files = sorted((self.root / "reviews").glob("*/projects.json"))
        return self._fresh("projects", files, lambda: _projects_in(files))

    def address_lasts_ms(self, project: int | None) -> int:
        """How long the address of a clip of a project is valid, as its recipe says."""
        files = sorted((self.root / "reviews").glob("*/review.json"))
        reviews = self._fresh("reviews", files, lambda: _reviews_in(files))
        found = self.projects().get(project) if project is not None else None
        return reviews.get(found.recipe if found else "", Review()).address_lasts

    def clip(self, item_key: str) -> Path | None:
        """The file that is shown for an item; None for an unknown one, or where it is no file of the workspace."""
        files = sorted((self.root / "reviews").glob("*/items.parquet"))
        relative = self._fresh("clips", files, lambda: _clips_in(files)).get(item_key)
        if relative is None:
            return None
        path = (self.root / relative).resolve()
        return path if path.is_relative_to(self.root.resolve()) and path.is_file() else None

    def admin_token(self) -> str:
        """Raises: ServiceError: there is none."""
        named = os.environ.get("CLAPPER_REVIEW_TOKEN")
        token = named or next((each.token for each in self.people().values() if each.role == "admin"), "")
        if not token:
            raise ServiceError(
                "review server",
                "the gateway has no administrator's token",
                "start the review anew",
                "refused_token",
            )
        return token

    def _fresh(self, name: str, files: Sequence[Path], read: Callable[[], Any]) -> Any:
        signature = tuple(_state(path) for path in files)
        with self._lock:
            held = self._reads.setdefault(name, _Read())
            if held.signature != signature:
                held.value = read()
                held.signature = signature
            return held.value


def open_known(root: Path) -> Known:
    return Known(root, open_secrets(root))


def _state(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino


def _projects_in(files: Sequence[Path]) -> dict[int, Project]:
    found = {}
    for path in files:
        for kind, number in json.loads(path.read_text(encoding="utf-8")).items():
            if kind in ("review", "adjudication"):
                found[int(number)] = Project(int(number), kind, path.parent.name)
    return found


def _reviews_in(files: Sequence[Path]) -> dict[str, Review]:
    return {path.parent.name: Review.model_validate_json(path.read_text(encoding="utf-8")) for path in files}


def _clips_in(files: Sequence[Path]) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in files:
        table = pq.read_table(path, columns=["item_key", "path"])
        found.update(zip(table["item_key"].to_pylist(), table["path"].to_pylist(), strict=True))
    return found
