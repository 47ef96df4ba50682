"""`clapper release …`: it reads arguments and shows results; what it does lies in tasks.releases."""

from __future__ import annotations

import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from flows.arguments import Workspace, root_of, screen, wide

if TYPE_CHECKING:
    from tasks.releases.folder import Release
    from tasks.releases.verify import Finding

release_app = typer.Typer(
    help="Published versions: list, show, verify, compare.", no_args_is_help=True, rich_markup_mode="markdown"
)

Dataset = Annotated[str, typer.Argument(help="The recipe's name.")]
Version = Annotated[str, typer.Argument(help="Such as 1.2.0; or latest.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


@release_app.command(
    "list",
    epilog="Examples:\n\n- `clapper release list -w W`\n\n"
    "- `clapper release list realsync -w W --json | jq .versions[].clips`",
)
def list_versions(
    dataset: Annotated[str | None, typer.Argument(help="The recipe's name; default: all there are.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Every version: when it was published, what it holds, and what it changed."""
    from flows.release_display import contents_json, show_list
    from tasks.releases.between import versions_of
    from tasks.releases.contents import contents_of

    root = root_of(workspace)
    names = [dataset] if dataset else sorted(path.name for path in (root / "releases").glob("[!.]*"))
    with _scratch() as scratch:
        held = [contents_of(each, scratch) for name in names for each in versions_of(root, name)]
    if as_json:
        print(json.dumps({"versions": [contents_json(each) for each in held]}, ensure_ascii=False))
    elif held:
        show_list(wide(), held)
    else:
        wide().print("No release yet; `clapper run` publishes one.")


@release_app.command(
    epilog="Examples:\n\n- `clapper release show realsync -w W`\n\n"
    "- `clapper release show realsync 1.2.0 -w W --json | jq .splits`"
)
def show(
    dataset: Dataset, version: Version = "latest", workspace: Workspace = None, as_json: AsJson = False
) -> None:
    """One version: splits and channels in hours, what it changed, whether anything leaks, and how to load it."""
    from flows.release_display import contents_json, show_version
    from tasks.releases.between import versions_of
    from tasks.releases.checksums import fingerprint
    from tasks.releases.contents import contents_of

    (release,) = versions_of(root_of(workspace), dataset, [version])
    with _scratch() as scratch:
        held = contents_of(release, scratch, channels=True)
    if as_json:
        more = {"fingerprint": fingerprint(release.folder), "folder": str(release.folder)}
        print(json.dumps({**contents_json(held), **more}, ensure_ascii=False))
    else:
        show_version(wide(), held, fingerprint(release.folder))


@release_app.command(
    epilog="Examples:\n\n- `clapper release verify realsync -w W`\n\n"
    "- `clapper release verify realsync 1.0.0 1.1.0 -w W --quick`"
)
def verify(
    dataset: Dataset,
    versions: Annotated[
        list[str] | None, typer.Argument(help="Such as 1.2.0, or latest; default: all.")
    ] = None,
    workspace: Workspace = None,
    quick: Annotated[bool, typer.Option("--quick", help="Clips by presence and size alone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Is every file what was published, and does every row keep its promise; ends with 1 if not."""
    from flows.release_display import finding_json, show_findings
    from tasks.releases.between import versions_of

    results = []
    for release in versions_of(root_of(workspace), dataset, versions or ()):
        findings = _verified(release, quick)
        results.append((release, findings))
        if not as_json:
            show_findings(wide(), release, findings, quick)
    if as_json:
        told = [
            {
                "version": release.version,
                "well": not findings,
                "findings": [finding_json(each) for each in findings],
            }
            for release, findings in results
        ]
        print(json.dumps({"dataset": dataset, "quick": quick, "versions": told}, ensure_ascii=False))
    raise typer.Exit(1 if any(findings for _, findings in results) else 0)


@release_app.command(
    epilog="Examples:\n\n- `clapper release diff realsync 1.0.0 1.1.0 -w W`\n\n"
    "- `clapper release diff realsync 1.0.0 latest -w W --csv > changes.csv`"
)
def diff(
    dataset: Dataset,
    first: Version,
    second: Version,
    workspace: Workspace = None,
    clips: Annotated[bool, typer.Option("--clips", help="Also each clip.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Each clip, as CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    """What differs from the older of two versions to the newer: clips, hours and reasons."""
    from flows.release_display import change_json, show_difference
    from tasks.releases.between import happened, rows_of, versions_of, write_difference

    wanted = versions_of(root_of(workspace), dataset, [first, second])
    older, newer = sorted(wanted, key=lambda each: tuple(map(int, each.version.split("."))))
    with _scratch() as scratch:
        file = scratch / "difference.parquet"
        with screen.status("comparing"):
            write_difference(older, newer, scratch, file)
            found = happened(file, scratch)
        rows = rows_of(file)
        if as_csv:
            _print_csv(rows)
        elif as_json:
            listed = {"clips": list(rows)} if clips else {}
            told = {
                "from": older.version,
                "to": newer.version,
                "changes": [change_json(each) for each in found],
            }
            print(json.dumps({"dataset": dataset, **told, **listed}, ensure_ascii=False))
        else:
            show_difference(wide(), older, newer, found, rows if clips else ())


def _print_csv(rows: Iterator[dict]) -> None:
    from schemas.releases import CHANGES

    writer = csv.DictWriter(sys.stdout, CHANGES.names)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "columns": " ".join(row["columns"])})


def _verified(release: Release, quick: bool) -> list[Finding]:
    """What is wrong with a version; a bar in bytes and an estimate of the time while it is looked at."""
    from tasks.releases.verify import verify as check

    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with _scratch() as scratch, Progress(*columns, console=screen, transient=True) as progress:
        bar = progress.add_task(f"{release.dataset} {release.version}", total=None)

        def report(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        return list(check(release, scratch, quick, report))


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for what memory does not hold; not in the workspace, in which a run may be at work."""
    with tempfile.TemporaryDirectory(prefix="clapper-release-") as folder:
        yield Path(folder)
