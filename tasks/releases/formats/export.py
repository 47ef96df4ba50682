"""Export a version: as Parquet, as shards, or in the layout that other people's loaders read.

An export appears whole or not at all, with SHA256SUMS of all its files. One that is interrupted leaves nothing, and
is begun anew; the same version and the same options end in the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.compute as pc
import yaml

from schemas.errors import ReleaseError
from schemas.publishing import Layout, Publishing
from tasks.releases.checksums import SUMS, file_names, sha256_of
from tasks.releases.folder import Release
from tasks.releases.formats.cards import write_card
from tasks.releases.formats.exported import (
    NOT_TO_BE_PASSED_ON,
    Exported,
    Options,
    media_form,
    withheld,
)
from tasks.releases.formats.parquet import rows_of, write_parquet
from tasks.releases.formats.streamsync import write_streamsync
from tasks.releases.formats.synchformer import write_synchformer
from tasks.releases.formats.webdataset import write_webdataset
from tasks.releases.report import without_previews
from tasks.workspace.layout import appearing

ALONGSIDE = (
    "CHANGES.md", "CITATION.bib", "recipe.yaml", "provenance.json", "leakage.json", "splits.parquet",
    "tombstones.parquet", "figures/audio_events.svg",
)  # fmt: skip
"""What goes with the rows, whatever the layout."""
REPORT = "report.html"


LAYOUTS: Mapping[Layout, Callable[[Release, Path, Options], Exported]] = {
    "parquet": write_parquet,
    "webdataset": write_webdataset,
    "synchformer": write_synchformer,
    "streamsync": write_streamsync,
}


def rules_of(release: Release) -> Publishing:
    """The recipe's section on releases, as the version was published with it.

    Raises:
        ReleaseError: the version has no recipe, or one that cannot be read.
    """
    file = release.folder / "recipe.yaml"
    try:
        recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Publishing.model_validate(recipe.get("release") or {})
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise ReleaseError(str(file), f"cannot be read: {error}", "see `clapper release verify`") from error


def export_layout(release: Release, layout: Layout, out: Path, options: Options) -> Exported:
    """Write a version to a new folder in a layout.

    Raises:
        ReleaseError: the folder is there already; no clip could be taken; a clip is not as it was published.
        MediaError: a clip cannot be rewritten as the layout needs it.
    """
    if out.exists():
        raise ReleaseError(str(out), "is there already", "name a new folder, or remove it first")
    with appearing(out) as unfinished:
        unfinished.mkdir()
        exported = LAYOUTS[layout](release, unfinished, options)
        _refuse_nothing(release, layout, options, exported)
        _copy_alongside(release, unfinished, options)
        if not (unfinished / "README.md").exists():
            write_card(release, layout, unfinished, exported)
        write_checksums(unfinished)
    return exported


def _copy_alongside(release: Release, out: Path, options: Options) -> None:
    """What is said of the version; from its report go the excerpts of clips that may not be passed on."""
    for name in ALONGSIDE:
        if (release.folder / name).is_file() and not (out / name).exists():
            (out / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(release.folder / name, out / name)
    report = release.folder / REPORT
    if report.is_file():
        page = report.read_text(encoding="utf-8")
        kept = without_previews(page, lambda licence: withheld({"source_licence": licence}, options) is None)
        (out / REPORT).write_text(kept, encoding="utf-8")


def _refuse_nothing(release: Release, layout: Layout, options: Options, exported: Exported) -> None:
    """An export without a single clip, where clips were asked for, is hardly what was meant.

    Raises:
        ReleaseError: so it is.
    """
    rows_alone = layout == "parquet" and (options.media or media_form(release)) == "reference"
    if exported.clips or rows_alone:
        return
    left = ", ".join(f"{share.parts} {share.reason}" for share in exported.left_out) or "there are none"
    by_licence = any(share.reason == NOT_TO_BE_PASSED_ON for share in exported.left_out)
    raise ReleaseError(
        f"{release.dataset} {release.version}",
        f"has no clip for this export: {left}",
        "name the licences of its sources in the recipe's `release.redistributable`, or, for yourself alone, add "
        "`--own-use`; `--layout parquet --media reference` gives rows without clips"
        if by_licence
        else "choose another layout",
    )


def write_checksums(folder: Path) -> None:
    """SHA256SUMS of all files of a folder, clips too: an export is not always of the bytes that its rows name."""
    names = [name for name in file_names(folder) if name != SUMS]
    lines = "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(lines, encoding="utf-8")


def milliseconds_in(release: Release, options: Options) -> int:
    """How long the clips are together that an export looks at: what its progress is measured against."""
    return sum(
        pc.sum(batch["duration_ms"]).as_py()
        for split in options.splits
        for batch in rows_of(release, split, options, ["duration_ms"])
    )
