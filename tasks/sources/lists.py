"""Lists of segments: which spans of which videos, as public datasets hand them out.

Understood, row by row, plain or gzipped, with a header or without:

| row | of | means |
|---|---|---|
| `id, start, label, split` | VGGSound's list | `start` in seconds, `source.segment` long |
| `id, start, end, labels` | AudioSet's lists | both in seconds |
| `id_chunkstart_chunkend_second_fraction, start, channel` | RealSync's lists | the chunk, in seconds |
| `id_start.mp4, label` | VGGSound's test list | `start` in seconds, six digits, `source.segment` long |
| `id_start_end` | SparseSync's split files | milliseconds |
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from schemas.errors import SourceError
from schemas.sections import ListSource

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SPAN = re.compile(r"(?P<id>[A-Za-z0-9_-]+)_(?P<start>\d+)_(?P<end>\d+)(?:\.mp4)?")
_START = re.compile(r"(?P<id>[A-Za-z0-9_-]+)_(?P<start>\d{6})(?:\.mp4)?")
_CHUNK = re.compile(
    r"(?P<id>[A-Za-z0-9_-]+)_(?P<start>\d+)_(?P<end>\d+)(?P<marks>(?:_[a-z]+)*)_(?P<second>\d+)_(?P<fraction>\d+)"
)
_COLUMNS = {
    "id": ("id", "ytid", "youtube_id", "youtubeid", "video_id", "video", "filename"),
    "start": ("start", "start_s", "start_sec", "start_second", "start_seconds"),
    "end": ("end", "end_s", "end_sec", "end_second", "end_seconds"),
    "label": ("label", "labels", "class", "desc", "positive_labels"),
    "split": ("split", "subset", "set"),
    "channel": ("channel",),
}
_MAX_MS = 1000 * 3600 * 1000
"""A thousand hours: a time beyond it is in another unit than the row's form says."""


@dataclass(frozen=True)
class Span:
    """One row's meaning: a span of a video, in ms. `marks`: what a RealSync row says against it."""

    site_id: str
    start_ms: int
    end_ms: int
    label: str | None = None
    split: str | None = None
    channel: str | None = None
    marks: str = ""


@dataclass(frozen=True)
class BadRow:
    """A row that no form fits."""

    line: int
    problem: str


def read_spans(source: ListSource) -> Iterator[Span | BadRow]:
    """What each row of a list says, in the list's order, repeats included.

    Raises:
        SourceError: the file is missing, or is no text.
    """
    path = Path(source.path).expanduser()
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield from _spans(file, source.segment)
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise SourceError(source.path, f"is no UTF-8 list: {error}", "check the file") from error
    except OSError as error:
        raise SourceError(source.path, f"cannot be read: {error}", "check the path") from error


def _spans(lines: Iterable[str], segment_ms: int) -> Iterator[Span | BadRow]:
    header: Mapping[str, int] | None = None
    first = True
    for number, line in enumerate(lines, start=1):
        if line.startswith("#") or not line.strip(", \t\r\n"):
            continue
        try:
            # Line by line: a quote that is never closed spoils its own row and not the rest of the list.
            cells = [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True, strict=True))]
            if first:
                first, header = False, _header(cells)
                if header is not None:
                    continue
            yield _by_header(cells, header, segment_ms) if header else _by_form(cells, segment_ms)
        except (ValueError, csv.Error) as error:
            yield BadRow(number, f"{line.strip()[:120]!r}: {error}")


def _header(cells: list[str]) -> Mapping[str, int] | None:
    """Column number by meaning, or None when the first row is no header."""
    lowered = [cell.lower() for cell in cells]
    found = {
        meaning: next(lowered.index(name) for name in names if name in lowered)
        for meaning, names in _COLUMNS.items()
        if any(name in lowered for name in names)
    }
    return found if "id" in found and len(found) > 1 else None


def _by_header(cells: list[str], columns: Mapping[str, int], segment_ms: int) -> Span:
    named = {meaning: cells[column] for meaning, column in columns.items() if column < len(cells)}
    if "id" not in named:
        raise ValueError(f"{len(cells)} columns are too few for the header")
    if "start" not in named:
        return _by_form([named["id"], named.get("label", "")], segment_ms)
    start_ms = _milliseconds(named["start"])
    end_ms = _milliseconds(named["end"]) if named.get("end") else start_ms + segment_ms
    texts = {key: named.get(key) or None for key in ("label", "split", "channel")}
    return _span(named["id"], start_ms, end_ms, **texts)


def _by_form(cells: list[str], segment_ms: int) -> Span:
    name, rest = cells[0], cells[1:]
    if len(rest) == 2 and (chunk := _CHUNK.fullmatch(name)):
        return _chunk(chunk, rest[1])
    if len(rest) == 0:
        return _named_span(name)
    if _is_number(rest[0]):
        start_ms = _milliseconds(rest[0])
        if len(rest) > 2 and _is_number(rest[1]) and _milliseconds(rest[1]) > start_ms:
            return _span(name, start_ms, _milliseconds(rest[1]), ",".join(rest[2:]) or None)
        if len(rest) > 3:
            raise ValueError("more than four columns; a label with commas must stand in quotes")
        texts = [text or None for text in (*rest[1:3], "", "")[:2]]
        return _span(name, start_ms, start_ms + segment_ms, *texts)
    if match := _START.fullmatch(name):
        start_ms = int(match["start"]) * 1000
        return _span(match["id"], start_ms, start_ms + segment_ms, rest[0] or None)
    raise ValueError("neither `id,start,…` nor another known form")


def _named_span(name: str) -> Span:
    """`id_start_end` in ms or a RealSync clip id: ids may end in digits, so YouTube's 11 decide."""
    span, chunk = _SPAN.fullmatch(name), _CHUNK.fullmatch(name)
    if chunk and not (span and len(span["id"]) == 11):
        return _chunk(chunk, None)
    if span:
        return _span(span["id"], int(span["start"]), int(span["end"]))
    raise ValueError("neither `id_start_end` (ms) nor another known form")


def _chunk(match: re.Match[str], channel: str | None) -> Span:
    marks = match["marks"].strip("_")
    return _span(
        match["id"], int(match["start"]) * 1000, int(match["end"]) * 1000, channel=channel, marks=marks
    )


def _span(name: str, start_ms: int, end_ms: int, *texts: str | None, **more: str | None) -> Span:
    if not _ID.fullmatch(name):
        raise ValueError(f"{name!r} is no id: letters, digits, - and _ only, at most 64")
    if not 0 <= start_ms < end_ms <= _MAX_MS:
        raise ValueError(f"a span from {start_ms} to {end_ms} ms is impossible")
    return Span(name, start_ms, end_ms, *texts, **more)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _milliseconds(text: str) -> int:
    if not _is_number(text):
        raise ValueError(f"{text!r} is no time in seconds")
    return round(Decimal(text) * 1000)
