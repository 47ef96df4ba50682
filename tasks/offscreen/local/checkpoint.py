"""The checkpoint of a local vision-language model: a folder named by the environment, pinned by a list.

The model store pins single files by checksums that two public sources agree on. For these models no such list is
published, so the folder carries its own: `SHA256SUMS`, as `sha256sum` writes it. It is written when the folder is
used first, and from then on the folder is used only as it was then. The list's digest is the model's identity:
another list is another model, and its answers are never taken for the first one's.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.models.checksum import file_sha256

FOLDER_VARIABLE = "CLAPPER_OFFSCREEN_MODEL"
LIST = "SHA256SUMS"

_KINDS = frozenset({".json", ".safetensors", ".txt", ".jinja"})
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<name>[^/\\\x00-\x1f]+)")
_WITHOUT = "or go on without: set offscreen.model to gemini or none"


def checkpoint_folder() -> Path:
    """The folder that the environment names.

    Raises:
        ModelMissing: `CLAPPER_OFFSCREEN_MODEL` is not set, or names no folder with a config.json.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    wanted = f"name the folder of a Qwen2.5-Omni or Qwen3-Omni checkpoint, all its files in it, {_WITHOUT}"
    if not named:
        raise ModelMissing("qwen-omni", f"is a folder of files, and {FOLDER_VARIABLE} is not set", wanted)
    folder = Path(named)
    if not (folder / "config.json").is_file():
        problem = f"is set to '{named}', which is no folder with a config.json"
        raise ModelMissing(FOLDER_VARIABLE, problem, wanted)
    return folder


def checkpoint_digest(folder: Path) -> str:
    """SHA-256 (hex) of the folder's list; the list is written first if there is none, which reads every file.

    Raises:
        ModelMissing: there is no list, and none can be written.
    """
    listed = folder / LIST
    if not listed.is_file():
        _write(listed, "".join(f"{file_sha256(file)}  {file.name}\n" for file in _files(folder)))
    return hashlib.sha256(listed.read_bytes()).hexdigest()


def check_checkpoint(folder: Path) -> str:
    """See that every file is as the folder's list has it; reads every file, once per process and state.

    Returns:
        The folder's `checkpoint_digest`.

    Raises:
        ModelCorrupt: a file is missing, has other bytes, or is not on the list; or the list is no list.
        ModelMissing: as `checkpoint_digest`.
    """
    digest = checkpoint_digest(folder)
    wanted = _read(folder / LIST)
    found = {file.name: file for file in _files(folder)}
    problems = [f"{name} is missing" for name in wanted if not (folder / name).is_file()]
    problems += [f"{name} is not on the list" for name in found if name not in wanted]
    problems += [
        f"{name} has SHA-256 {file_sha256(folder / name)[:16]}… and not {sha256[:16]}…"
        for name, sha256 in wanted.items()
        if (folder / name).is_file() and file_sha256(folder / name) != sha256
    ]
    if problems:
        action = f"restore them; or, if the change is meant, remove {LIST}: it then counts as another model"
        told = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise ModelCorrupt(str(folder), f"is not as its {LIST} has it: {told}", action)
    return digest


def _files(folder: Path) -> list[Path]:
    """What a checkpoint is read from, by name."""
    return sorted(file for file in folder.iterdir() if file.suffix in _KINDS and file.is_file())


def _read(listed: Path) -> dict[str, str]:
    entries = {}
    for number, line in enumerate(listed.read_text(encoding="utf-8").splitlines(), start=1):
        entry = _LINE.fullmatch(line)
        if entry is None:
            problem = f"line {number} is not '<SHA-256>  <file name>'"
            raise ModelCorrupt(str(listed), problem, "write it with sha256sum, or remove it")
        entries[entry["name"]] = entry["sha256"]
    return entries


def _write(listed: Path, text: str) -> None:
    part = listed.with_name(f".{LIST}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(listed)
    except OSError as error:
        part.unlink(missing_ok=True)
        problem = f"has no {LIST}, and none can be written: {error.strerror}"
        action = (
            f"run `sha256sum *.json *.safetensors *.txt *.jinja > {LIST}` in it, as one who may write there"
        )
        raise ModelMissing(str(listed.parent), problem, action) from error
