"""Hand a version on: verified first, then exported, then sent where it is wanted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from schemas.errors import ReleaseError
from schemas.publishing import Layout
from tasks.releases.folder import Release, releases
from tasks.releases.formats.export import export_layout, milliseconds_in
from tasks.releases.formats.exported import Exported, Options, Share, media_form
from tasks.releases.formats.push import check_target, push
from tasks.releases.formats.pushed import Pushed
from tasks.releases.verify import verify

Report = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and how much it is in all."""

LATEST = "latest"


@dataclass(frozen=True)
class HandedOn:
    """What came of handing a version on.

    Attributes:
        where: the folder or the address at which it can be had.
        pushed: what was sent; None for a folder of this machine.
    """

    where: str
    exported: Exported
    pushed: Pushed | None = None


def find_release(root: Path, dataset: str, version: str) -> Release:
    """A published version by its number, or the newest (`latest`).

    Raises:
        ReleaseError: there is none such.
    """
    found = releases(root, dataset)
    for release in reversed(found):
        if version in (LATEST, release.version):
            return release
    have = ", ".join(release.version for release in found) or "none"
    raise ReleaseError(
        f"{dataset} {version}", f"is not in this workspace, which has {have}", "see `clapper release list`"
    )


def check_release(release: Release, scratch: Path, quick: bool, report: Report) -> None:
    """Refuse to hand on a version that is not as it was published.

    Raises:
        ReleaseError: it is not; the first findings are in it.
    """
    found = list(
        islice(verify(release, scratch, quick, lambda done, whole: report("verifying", done, whole)), 4)
    )
    if found:
        told = "; ".join(f"{finding.item} {finding.says}" for finding in found[:3])
        raise ReleaseError(
            f"{release.dataset} {release.version}",
            f"is not as it was published: {told}" + (" …" if len(found) > 3 else ""),
            "see `clapper release verify`; restore it from a copy, or publish again",
        )


def hand_on(
    root: Path, release: Release, layout: Layout, out: str, options: Options, report: Report
) -> HandedOn:
    """Export a version to a folder, or, by way of a folder of the workspace, to a URL.

    Raises:
        ReleaseError: see `export_layout` and `push`.
    """
    if "://" in out:
        return send(root, release, layout, out, options, False, report)
    exported = export_layout(
        release, layout, Path(out).expanduser().absolute(), _told(release, options, report)
    )
    return HandedOn(out, exported)


def send(
    root: Path, release: Release, layout: Layout, target: str, options: Options, public: bool, report: Report
) -> HandedOn:
    """Export a version into the workspace's folder `exports` and push it from there.

    The folder stays until the push has ended, so that one that was interrupted goes on with the same files.

    Raises:
        ReleaseError: see `export_layout` and `push`; an export that is to stay here cannot be sent.
    """
    check_target(target)
    if options.own_use:
        raise ReleaseError(
            target, "is not on this machine, and `--own-use` is for this machine", "name a folder"
        )
    staged = _staged(root, release, layout, options)
    account = staged.with_suffix(".json")
    if not (staged.exists() and account.exists()):
        shutil.rmtree(staged, ignore_errors=True)
        exported = export_layout(release, layout, staged, _told(release, options, report))
        account.write_text(json.dumps(asdict(exported)), encoding="utf-8")
    size = sum(file.stat().st_size for file in staged.rglob("*") if file.is_file())
    done = 0

    def sent(more: int) -> None:
        nonlocal done
        done += more
        report("sending", done, size)

    journal = staged.with_suffix(".sent")
    pushed = push(staged, release.version, target, journal, public, sent)
    exported = _read_account(account)
    shutil.rmtree(staged)
    account.unlink()
    journal.unlink(missing_ok=True)
    return HandedOn(pushed.where, exported, pushed)


def form_to_send(release: Release, options: Options) -> Options:
    """The options with a form of clips that can be loaded from afar: inside the tables, if the version has clips."""
    if options.media is not None or media_form(release) == "reference":
        return options
    return replace(options, media="inside")


def _staged(root: Path, release: Release, layout: Layout, options: Options) -> Path:
    asked = [
        layout,
        options.media,
        list(options.splits),
        options.limit,
        sorted(options.rules.redistributable),
    ]
    digest = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]
    return root / "exports" / f"{release.dataset}-{release.version}-{layout}-{digest}".replace(".", "_")


def _read_account(file: Path) -> Exported:
    told = json.loads(file.read_text(encoding="utf-8"))
    return Exported(**told | {"left_out": [Share(**share) for share in told["left_out"]]})


def _told(release: Release, options: Options, report: Report) -> Options:
    whole, done = milliseconds_in(release, options), 0

    def advance(milliseconds: int) -> None:
        nonlocal done
        done += milliseconds
        report("exporting", done, whole)

    return replace(options, advance=advance)
