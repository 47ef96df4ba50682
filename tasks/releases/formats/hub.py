"""Push to the Hugging Face hub: one commit and one tag for each version, nothing of which can be seen half done."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.errors import ReleaseError
from tasks.releases.checksums import SUMS
from tasks.releases.formats.pushed import HUB, Pushed, Report, names_to_send, refuse_other

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

KIND = "dataset"
_SENT_AT_ONCE = 50
_KEPT = (".gitattributes",)
"""Files that the hub makes itself."""


def push_to_hub(export: Path, version: str, repository: str, public: bool, report: Report) -> Pushed:
    """Send an export to a repository, which is made if it is not there, and tag it with its version.

    Large files are sent first, some at a time; those that the hub has already, from an earlier version or from a push
    that was interrupted, are not sent again. Then one commit names all files, takes away those of the version before,
    and is tagged. Earlier versions stay under their tags.

    Raises:
        ReleaseError: the hub's package or a token is not here; the hub refuses; the version is there with other
            checksums, or a later one is.
    """
    try:
        from httpx2 import HTTPError
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
        from huggingface_hub.utils import disable_progress_bars
    except ImportError as error:
        raise ReleaseError(
            f"{HUB}{repository}", f"needs a package that is not here: {error}", "install clapper-av[export]"
        ) from error
    token = os.environ.get("HF_TOKEN")
    if not token:
        raise ReleaseError(
            f"{HUB}{repository}",
            "needs a log-in, and HF_TOKEN is not set",
            "make a token with the right to write at https://huggingface.co/settings/tokens, and export HF_TOKEN",
        )
    disable_progress_bars()
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    try:
        api.create_repo(repository, repo_type=KIND, private=not public, exist_ok=True)
        return _push(api, export, version, repository, report)
    except (HfHubHTTPError, HTTPError, OfflineModeIsEnabled, RuntimeError, ValueError, OSError) as error:
        raise ReleaseError(
            f"{HUB}{repository}",
            f"the hub does not do it: {_in_words(error, token)}",
            "see that the token may write there; push again: what has been sent is not sent twice",
        ) from None


def _in_words(error: BaseException, token: str) -> str:
    """What went wrong, in a line, without the token and without addresses that are signed."""
    said = [str(each).strip().splitlines()[:1] for each in (error, error.__cause__) if each is not None]
    text = " ".join(line for lines in said for line in lines) or type(error).__name__
    return re.sub(r"\?[^\s'\"]*", "", text.replace(token, "…"))


def _push(api: HfApi, export: Path, version: str, repository: str, report: Report) -> Pushed:
    tag, where = f"v{version}", f"{HUB}{repository}@v{version}"
    sums = (export / SUMS).read_text(encoding="utf-8")
    references = api.list_repo_refs(repository, repo_type=KIND)
    if any(reference.name == tag for reference in references.tags):
        refuse_other(where, _checksums(api, repository, tag) or "", sums)
        return Pushed(where, 0, 0, was_there=True)
    _refuse_older(where, version, [reference.name for reference in references.tags])
    head = next((branch.target_commit for branch in references.branches if branch.name == "main"), None)
    if head and _checksums(api, repository, head) == sums:  # interrupted between the commit and its tag
        api.create_tag(repository, tag=tag, revision=head, repo_type=KIND)
        return Pushed(where, 0, 0)
    additions = _send_large(api, export, repository, report)
    before = api.list_repo_files(repository, revision=head, repo_type=KIND) if head else []
    commit = api.create_commit(
        repository,
        [*additions, *_deletions(before, {addition.path_in_repo for addition in additions})],
        commit_message=f"Version {version}",
        repo_type=KIND,
        parent_commit=head,
    )
    api.create_tag(repository, tag=tag, revision=commit.oid, repo_type=KIND)
    return Pushed(where, len(additions), sum(addition.upload_info.size for addition in additions))


def _refuse_older(where: str, version: str, tags: Sequence[str]) -> None:
    """What a repository shows without a tag is the newest version; an older one must not take its place.

    Raises:
        ReleaseError: a later version is there.
    """
    there = [_numbers(tag[1:]) for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    if there and max(there) > _numbers(version):
        newest = ".".join(map(str, max(there)))
        raise ReleaseError(
            where,
            f"would take the place of {newest}, which is there",
            "push versions from the oldest to the newest",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _send_large(api: HfApi, export: Path, repository: str, report: Report) -> list[CommitOperationAdd]:
    from huggingface_hub import CommitOperationAdd

    additions = []
    names = iter([*names_to_send(export), SUMS])
    while some := list(islice(names, _SENT_AT_ONCE)):
        chunk = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(export / name)) for name in some]
        api.preupload_lfs_files(repository, additions=chunk, repo_type=KIND)
        additions += chunk
        report(sum((export / name).stat().st_size for name in some))
    return additions


def _deletions(before: Sequence[str], now: set[str]) -> list:
    from huggingface_hub import CommitOperationDelete

    return [
        CommitOperationDelete(path_in_repo=name) for name in before if name not in now and name not in _KEPT
    ]


def _checksums(api: HfApi, repository: str, revision: str) -> str | None:
    """SHA256SUMS of a revision; None if it has none."""
    from huggingface_hub.errors import EntryNotFoundError

    with tempfile.TemporaryDirectory(prefix="clapper-hub-") as cache:
        try:
            file = api.hf_hub_download(repository, SUMS, repo_type=KIND, revision=revision, cache_dir=cache)
        except EntryNotFoundError:
            return None
        return Path(file).read_text(encoding="utf-8")
