"""What an export was asked for, which clips it takes, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from schemas.publishing import MediaForm, Publishing
from schemas.sections import SPLITS
from tasks.releases.folder import Release
from tasks.releases.formats.licences import may_be_passed_on
from tasks.releases.formats.media import read_clip
from tasks.workspace.stage import Row

NOT_TO_BE_PASSED_ON = "may_not_be_passed_on"
NO_MEDIA = "no_media"


@dataclass(frozen=True)
class Options:
    """What of a version is exported, and how.

    Attributes:
        rules: whose clips may be passed on.
        media: the form of clips where the layout leaves a choice; None: as the version has them.
        splits: those taken.
        limit: the most clips taken of each split; None: all.
        own_use: the export stays with who has the version: all clips are taken, whatever their licences.
        advance: told how many more milliseconds of clips are done, written or not.
    """

    rules: Publishing
    media: MediaForm | None = None
    splits: Sequence[str] = SPLITS
    limit: int | None = None
    own_use: bool = False
    advance: Callable[[int], None] = lambda milliseconds: None


@dataclass(frozen=True)
class Share:
    """Parts of a version that fared alike: how many, and how long together.

    Attributes:
        reason: a stable word.
        parts: whole clips, or parts of clips where a layout divides them.
    """

    reason: str
    parts: int
    milliseconds: int


@dataclass(frozen=True)
class Exported:
    """What came of an export.

    Attributes:
        clips: those whose media are in it, whole or in part.
        milliseconds: of these media together.
        left_out: what is not in it, by reason, most time first; `by_reference` says whether the rows of it are.
        notes: what a user of the layout must know, a sentence each.
    """

    clips: int
    milliseconds: int
    left_out: Sequence[Share] = ()
    by_reference: bool = False
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Clip:
    """A row of a version and its clip.

    Attributes:
        row: the columns of MANIFEST that the version has.
        file: the clip's file; None where the table holds it.
        content: the clip's bytes where the table holds them.
    """

    row: Row
    file: Path | None
    content: bytes | None

    def read(self) -> bytes:
        """The clip's file as bytes.

        Raises:
            ReleaseError: it is gone or has changed size.
        """
        if self.content is not None:
            return self.content
        return read_clip(self.row["clip_id"], self.file, self.row["bytes"])


def withheld(row: Row, options: Options) -> str | None:
    """Why a clip's media may not be in an export, as a stable word; None if they may."""
    if options.own_use or may_be_passed_on(row["source_licence"], options.rules):
        return None
    return NOT_TO_BE_PASSED_ON


def media_form(release: Release) -> MediaForm:
    """In which form a version keeps its clips.

    Raises:
        ReleaseError: it has no tables.
    """
    for file in release.files():
        if "video" in pq.read_schema(file).names:
            return "inside"
        for batch in pq.ParquetFile(file).iter_batches(1, columns=["path"]):
            return "path" if batch["path"][0].is_valid else "reference"
    raise ReleaseError(str(release.folder), "has 0 rows in its tables", "see `clapper release verify`")


def clips_of(release: Release, options: Options) -> Iterator[Clip]:
    """The clips of a version that an export asks for, in stored order; those withheld by licence too.

    Memory holds a few rows at a time; clips beside the tables are not opened.
    """
    inside = media_form(release) == "inside"
    for split in options.splits:
        left = options.limit
        for row in _rows(release, split, inside):
            if left == 0:
                break
            left = None if left is None else left - 1
            content = row.pop("video", None)
            file = release.folder / row["path"] if row["path"] else None
            yield Clip(row, file, content["bytes"] if content else None)


def _rows(release: Release, split: str, inside: bool) -> Iterator[Row]:
    wanted = [*MANIFEST.names, *(("video",) if inside else ())]
    for file in release.files():
        if file.parent.name == split:
            table = pq.ParquetFile(file)
            columns = [name for name in wanted if name in table.schema_arrow.names]
            for batch in table.iter_batches(4 if inside else 1_024, columns=columns):
                yield from batch.to_pylist()


class Tally:
    """Counts of an export as it goes."""

    def __init__(self) -> None:
        self._shares: dict[str | None, tuple[int, int]] = {}

    def add(self, reason: str | None, milliseconds: int) -> None:
        """Count a clip, or a part of one, that is left out for a reason; or (None) what is taken of a clip."""
        parts, total = self._shares.get(reason, (0, 0))
        self._shares[reason] = (parts + 1, total + milliseconds)

    def exported(self, by_reference: bool = False, notes: Sequence[str] = ()) -> Exported:
        clips, milliseconds = self._shares.get(None, (0, 0))
        left = [Share(reason, *counts) for reason, counts in self._shares.items() if reason]
        left.sort(key=lambda share: (-share.milliseconds, share.reason))
        return Exported(clips, milliseconds, left, by_reference, notes)
