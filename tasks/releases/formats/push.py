"""Push an export to where others get it: a repository of the Hugging Face hub, or a prefix of any store of fsspec.

A version that is there is never overwritten: the hub has it under a tag (`v1.2.0`), a store under a prefix (`1.2.0`),
and both count it as there once its SHA256SUMS is. With the same checksums nothing is to do; with others it is an
error. A push that was interrupted goes on with what is missing. Log-ins come from the environment alone: HF_TOKEN,
and what the store's own package reads.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from schemas.errors import ReleaseError
from tasks.releases.formats.pushed import HUB, Pushed, Report


def push(
    export: Path,
    version: str,
    target: str,
    journal: Path,
    public: bool = False,
    report: Report = lambda n: None,
) -> Pushed:
    """Send an export.

    Args:
        export: a folder with SHA256SUMS, as `export_layout` leaves it.
        target: hf://datasets/ORG/NAME, or a URL of fsspec; without a scheme, a folder.
        journal: a file of this machine that remembers what has been sent; it may be removed after a push that ended.
        public: a repository of the hub that is made now can be seen by all.

    Raises:
        ReleaseError: the version is there with other checksums; the target cannot be used. What has been sent stays,
            and the next push goes on from there.
    """
    check_target(target)
    if target.startswith("hf://"):
        from tasks.releases.formats.hub import push_to_hub  # its package is an extra

        return push_to_hub(export, version, target.removeprefix(HUB).strip("/"), public, report)
    from tasks.releases.formats.store import push_to_store

    return push_to_store(export, version, target, journal, report)


def check_target(target: str) -> None:
    """Refuse what cannot be a target, before any work.

    Raises:
        ReleaseError: a hub URL of another form than hf://datasets/ORG/NAME; a log-in within a URL.
    """
    if target.startswith("hf://") and not re.fullmatch(
        r"[\w.-]+/[\w.-]+", target.removeprefix(HUB).strip("/")
    ):
        raise ReleaseError(target, "is no repository of data sets", "write hf://datasets/ORGANISATION/NAME")
    split = urlsplit(target)
    if split.password is not None or "@" in split.netloc:
        raise ReleaseError(
            f"{split.scheme}://…@{split.hostname}",
            "has a log-in within the URL, which ends in histories and logs",
            "give it by the environment: HF_TOKEN, AWS_ACCESS_KEY_ID …",
        )
