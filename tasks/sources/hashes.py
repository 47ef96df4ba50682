"""SHA-256 of files, remembered by path, size and time of change, so that terabytes are read once."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

_LOCK = threading.Lock()


class FileHashes:
    """A memory of checksums: one JSON line per file in `listings/hashes.jsonl` of a workspace.

    A line is one write to a file opened for appending, so that several workers may share it; a torn or
    strange line is passed over, and its file is read again.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "listings" / "hashes.jsonl"
        self._known: dict[tuple[str, int, int], str] = {}
        self._position = 0

    def sha256(self, path: Path) -> str:
        """SHA-256 (hex) of a file's bytes, read only when its size or time of change differs from last time.

        Raises:
            OSError: the file cannot be read.
        """
        stat = path.stat()
        key = (str(path), stat.st_size, stat.st_mtime_ns)
        with _LOCK:
            if key not in self._known:
                self._read_news()
            if key in self._known:
                return self._known[key]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # A file that is still being written must not be remembered under the figures it had before.
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) == key[1:]:
            with _LOCK:
                self._remember(key, digest)
        return digest

    def _read_news(self) -> None:
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._position += len(line)
                try:
                    path, size, changed_ns, digest = json.loads(line)
                    self._known[path, size, changed_ns] = digest
                except (ValueError, TypeError):
                    continue

    def _remember(self, key: tuple[str, int, int], digest: str) -> None:
        self._known[key] = digest
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps([*key, digest], ensure_ascii=True) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all, even when the machine stops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
