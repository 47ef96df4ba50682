"""Push to a store that fsspec knows: s3://, gs://, file://, memory:// …"""

from __future__ import annotations

from pathlib import Path

import fsspec

from schemas.errors import ReleaseError
from tasks.releases.checksums import SUMS
from tasks.releases.formats.pushed import Pushed, Report, names_to_send, refuse_other


def push_to_store(export: Path, version: str, url: str, journal: Path, report: Report) -> Pushed:
    """Send an export's files to `url`/`version`; SHA256SUMS goes last and makes the version count as there.

    Files that the journal names, and that are there with their size, were sent by an earlier push.

    Raises:
        ReleaseError: see `push`.
    """
    where = f"{url.rstrip('/')}/{version}"
    try:
        store, base = fsspec.core.url_to_fs(url)
        base = f"{base.rstrip('/')}/{version}"
        sums = (export / SUMS).read_text(encoding="utf-8")
        if store.exists(f"{base}/{SUMS}"):
            refuse_other(where, store.cat_file(f"{base}/{SUMS}").decode(), sums)
            return Pushed(where, 0, 0, was_there=True)
        return _send(export, store, base, where, journal, report)
    except (ImportError, ValueError) as error:
        raise ReleaseError(
            url,
            f"cannot be used: {error}",
            "name a URL that fsspec knows, and install the package it asks for",
        ) from error
    except ReleaseError:
        raise
    except (
        Exception
    ) as error:  # stores raise what their packages define; all of it means that the push has stopped
        raise ReleaseError(
            where,
            f"could not be written: {type(error).__name__}: {error}",
            "see that it is there and may be written to; push again: what has been sent is not sent twice",
        ) from error


def _send(export: Path, store, base: str, where: str, journal: Path, report: Report) -> Pushed:
    done = _sent_before(journal, where)
    files = size_sent = 0
    for name in names_to_send(export):
        size = (export / name).stat().st_size
        if name not in done or not _is_there(store, f"{base}/{name}", size):
            _put(store, export / name, f"{base}/{name}", size)
            with journal.open("a", encoding="utf-8") as lines:
                lines.write(f"{where}\t{name}\n")
            files, size_sent = files + 1, size_sent + size
        report(size)
    _put(store, export / SUMS, f"{base}/{SUMS}", (export / SUMS).stat().st_size)
    return Pushed(where, files + 1, size_sent)


def _sent_before(journal: Path, where: str) -> set[str]:
    if not journal.exists():
        return set()
    pairs = (line.split("\t", 1) for line in journal.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return {name for target, name in pairs if target == where}


def _is_there(store, path: str, size: int) -> bool:
    return store.exists(path) and store.size(path) == size


def _put(store, file: Path, path: str, size: int) -> None:
    """Send one file, and see that all of it has arrived.

    Raises:
        OSError: it has not.
    """
    # Others make what they need; for some, a folder made here would be a new bucket.
    if "file" in store.protocol:
        store.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    store.put_file(str(file), path)
    store.invalidate_cache()
    found = store.size(path)
    if found != size:
        raise OSError(f"{path} has {found} bytes after it was sent, and should have {size}")
