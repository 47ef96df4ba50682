"""`clapper release export` and `push`: they read arguments and show results; what they do lies in flows.export."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from flows.arguments import Workspace, root_of, screen, wide
from schemas.sections import SPLITS

if TYPE_CHECKING:
    from flows.export import HandedOn, Report
    from tasks.releases.folder import Release
    from tasks.releases.formats.exported import Options

HOUR_MS = 3_600_000
HUB = "hf://datasets/"


class LayoutName(StrEnum):
    """What a version can be handed on as."""

    parquet = "parquet"
    webdataset = "webdataset"
    synchformer = "synchformer"
    streamsync = "streamsync"


class MediaName(StrEnum):
    """Where a row's clip is."""

    reference = "reference"
    path = "path"
    inside = "inside"


class SplitName(StrEnum):
    """The splits of a version."""

    train = "train"
    dev = "dev"
    test = "test"


Dataset = Annotated[str, typer.Argument(help="The recipe's name.")]
Version = Annotated[str, typer.Argument(help="Such as 1.2.0; or latest.")]
Split = Annotated[list[SplitName] | None, typer.Option("--split", help="Only this split; repeatable.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many clips of each split.")]
Quick = Annotated[bool, typer.Option("--quick", help="Verify clips by presence and size alone.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a summary.")]


def add_to(release_app: typer.Typer) -> None:
    """Register the commands."""
    release_app.command(
        name="export",
        epilog="Examples:\n\n- `clapper release export realsync latest --out shards --layout webdataset`\n\n"
        "- `clapper release export realsync 1.2.0 --out ~/vggsound --layout synchformer --own-use`\n\n"
        "- `clapper release export realsync 1.2.0 --out s3://bucket/realsync --media inside`",
    )(export)
    release_app.command(
        name="push",
        epilog="Examples:\n\n- `HF_TOKEN=… clapper release push realsync latest --to hf://datasets/ORG/NAME`\n\n"
        "- `clapper release push realsync 1.2.0 --to s3://bucket/realsync --layout webdataset`",
    )(push)


def export(
    dataset: Dataset,
    version: Version,
    out: Annotated[str, typer.Option(help="A new folder, or a URL that fsspec knows.")],
    layout: Annotated[LayoutName, typer.Option(help="What it is laid out for.")] = LayoutName.parquet,
    media: Annotated[
        MediaName | None, typer.Option(help="Where Parquet has the clips; default: as the version has them.")
    ] = None,
    split: Split = None,
    limit: Limit = None,
    own_use: Annotated[
        bool,
        typer.Option(
            "--own-use", help="Also clips that may not be passed on: it stays with you. Folders only."
        ),
    ] = False,
    quick: Quick = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Write a version for others' loaders: Parquet, WebDataset shards, or the layouts of Synchformer and StreamSync.

    The version is verified first. Clips whose licence the recipe does not name in `release.redistributable` are given
    by reference alone. A folder appears whole or not at all; an interrupted export is begun anew.
    """
    from flows.export import hand_on

    with _progress() as report:
        root, release = _checked(workspace, dataset, version, quick, report)
        options = _options(release, media, split, limit, own_use)
        handed = hand_on(root, release, layout.value, out, options, report)
    _show(release, handed, layout, as_json)


def push(
    dataset: Dataset,
    version: Version,
    to: Annotated[str, typer.Option(help="hf://datasets/ORG/NAME, or a URL that fsspec knows.")],
    layout: Annotated[LayoutName, typer.Option(help="What it is laid out for.")] = LayoutName.parquet,
    media: Annotated[
        MediaName | None, typer.Option(help="Where Parquet has the clips; default: inside, if there are any.")
    ] = None,
    split: Split = None,
    limit: Limit = None,
    public: Annotated[
        bool, typer.Option("--public", help="A repository of the hub that is made now can be seen by all.")
    ] = False,
    quick: Quick = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
) -> None:
    """Send a version to the Hugging Face hub or to a store; what is there is never overwritten.

    The hub has each version under a tag, a store under a prefix. Log-ins come from the environment (HF_TOKEN, AWS_…).
    An interrupted push goes on where it was.
    """
    from flows.export import form_to_send, send
    from tasks.releases.formats.push import check_target

    check_target(to)
    with _progress() as report:
        root, release = _checked(workspace, dataset, version, quick, report)
        options = form_to_send(release, _options(release, media, split, limit, False))
        handed = send(root, release, layout.value, to, options, public, report)
    _show(release, handed, layout, as_json)


def _checked(
    workspace: str | None, dataset: str, version: str, quick: bool, report: Report
) -> tuple[Path, Release]:
    from flows.export import check_release, find_release

    root = root_of(workspace)
    release = find_release(root, dataset, version)
    with tempfile.TemporaryDirectory(prefix="clapper-verify-") as scratch:
        check_release(release, Path(scratch), quick, report)
    return root, release


def _options(
    release: Release,
    media: MediaName | None,
    split: list[SplitName] | None,
    limit: int | None,
    own_use: bool,
) -> Options:
    from tasks.releases.formats.export import rules_of
    from tasks.releases.formats.exported import Options

    splits = [each for each in SPLITS if not split or each in split]
    return Options(rules_of(release), media.value if media else None, splits, limit, own_use)


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar for each thing that is done, with an estimate; it is gone at the end."""
    columns = (
        TextColumn("{task.description:<12}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=screen, transient=True) as progress:
        bars: dict[str, int] = {}

        def report(what: str, done: int, whole: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what)
            progress.update(bars[what], completed=done, total=whole)

        yield report


def _show(release: Release, handed: HandedOn, layout: LayoutName, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"dataset": release.dataset, "version": release.version, **asdict(handed)}))
        return
    out, made, pushed = wide(), handed.exported, handed.pushed
    table = Table("", "clips or parts", "hours", title=f"{release.dataset} {release.version}")
    table.add_row("with media", str(made.clips), f"{made.milliseconds / HOUR_MS:.3f}")
    for share in made.left_out:
        how = "by reference" if made.by_reference else "left out"
        words = f"{how}: {share.reason.replace('_', ' ')}"
        table.add_row(words, str(share.parts), f"{share.milliseconds / HOUR_MS:.3f}")
    out.print(table)
    for note in made.notes:
        out.print(f"[bold]note[/] {escape(note)}", soft_wrap=True)
    if pushed is not None:
        sent = f"{pushed.files} files, {pushed.bytes / 1e6:.1f} MB sent"
        out.print("It was there, with the same checksums; nothing was sent." if pushed.was_there else sent)
    out.print(f"[bold]{escape(handed.where)}[/]", soft_wrap=True)
    if layout in (LayoutName.parquet, LayoutName.webdataset) and "://" not in handed.where.removeprefix(HUB):
        name, _, tag = handed.where.removeprefix(HUB).partition("@")
        words = f'"{name}", revision="{tag}"' if handed.where.startswith(HUB) else f'"{handed.where}"'
        out.print(f"load it with datasets.load_dataset({words})", soft_wrap=True, markup=False)
