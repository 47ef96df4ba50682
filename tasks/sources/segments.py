"""From a list of segments to the videos that they are spans of."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.errors import RecipeError
from schemas.sections import ListSource
from tasks.sources.identity import safe_name, site_of, video_id
from tasks.sources.lists import BadRow, Span, read_spans
from tasks.workspace.stage import LeftOut, Row

_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")


def list_videos(
    source: ListSource, progress: Callable[[int, str], None] | None = None
) -> tuple[list[Row], list[LeftOut]]:
    """Catalogue rows of the videos that a list names, each with its spans in order of time.

    Equal spans of a video are one. Left out, with a reason: rows of no known form (`bad_row`), another label
    for a span that has one (`second_label`), and chunks that RealSync's lists only give marked as broken
    (`marked_broken`; its own loader skips them).

    Args:
        progress: called now and then with the number of rows read and the list's name.

    Raises:
        SourceError: the list cannot be read.
        RecipeError: `source.url` has no `{id}`.
    """
    path = Path(source.path)
    collected = _Videos(source, path.name)
    for number, read in enumerate(read_spans(source), start=1):
        if progress and number % 1000 == 0:
            progress(number, path.name)
        if isinstance(read, BadRow):
            collected.left_out.append(LeftOut(f"{path.name}:{read.line}", "bad_row", read.problem))
        else:
            collected.add(read, number)
    return collected.rows(), collected.left_out


class _Videos:
    """Videos in the order of the list, with what was said of them so far."""

    def __init__(self, source: ListSource, name: str) -> None:
        self.source, self.name = source, name
        self.left_out: list[LeftOut] = []
        self._videos: dict[str, Row] = {}
        self._spans: dict[str, dict[tuple[int, int], Span]] = {}
        self._marked: dict[tuple[str, int, int], str] = {}
        self._ids: dict[str, str] = {}
        self._is_youtube = site_of(_url(source, "-" * 11)) == ("Youtube", "-" * 11)

    def add(self, span: Span, number: int) -> None:
        url = _url(self.source, span.site_id)
        identity = self._identity(span.site_id, url)
        if identity is None:
            problem = f"{span.site_id!r} is no id of YouTube: eleven letters, digits, - and _"
            self.left_out.append(
                LeftOut(f"{self.name}:{span.site_id}", "bad_row", f"row {number}: {problem}")
            )
            return
        if span.marks:
            self._marked.setdefault((identity, span.start_ms, span.end_ms), span.marks)
            return
        if identity not in self._videos:
            self._videos[identity] = self._row(identity, url, span)
        kept = self._spans.setdefault(identity, {}).setdefault((span.start_ms, span.end_ms), span)
        if span.label not in (None, kept.label):
            detail = f"labelled {kept.label!r} before, and now {span.label!r}"
            self.left_out.append(
                LeftOut(_span_id(identity, span.start_ms, span.end_ms), "second_label", detail)
            )

    def _identity(self, site_id: str, url: str) -> str | None:
        if site_id not in self._ids:
            # Asking yt-dlp costs 0.2 ms, much in lists of 200,000 rows; its answer for YouTube is known.
            if self._is_youtube and _YOUTUBE_ID.fullmatch(site_id):
                self._ids[site_id] = video_id("Youtube", site_id, url)
            elif self._is_youtube:
                return None
            else:
                site, found_id = site_of(url)
                self._ids[site_id] = video_id(site, found_id or site_id, url)
        return self._ids[site_id]

    def rows(self) -> list[Row]:
        for (identity, start_ms, end_ms), marks in self._marked.items():
            if (start_ms, end_ms) not in self._spans.get(identity, {}):
                whole = _span_id(identity, start_ms, end_ms)
                self.left_out.append(
                    LeftOut(whole, "marked_broken", f"the list says {marks}", end_ms - start_ms)
                )
        for identity, row in self._videos.items():
            spans = sorted(self._spans[identity].items())
            row["segments"] = [_segment(span) for _, span in spans]
        return list(self._videos.values())

    def _row(self, identity: str, url: str, span: Span) -> Row:
        fallback = self.name.removesuffix(".gz").rpartition(".")[0] or self.name
        return {
            "video_id": identity,
            "kind": "ytdlp",
            "location": url,
            "channel": self.source.channel or safe_name(span.channel or fallback),
            "domain": self.source.domain,
            "title": None,
            "duration_ms": None,
            "height": None,
            "licence": None,
            "sha256": None,
            "bytes": None,
            "segments": None,
        }


def _url(source: ListSource, site_id: str) -> str:
    if "{id}" not in source.url:
        raise RecipeError(
            "sources.url", f"{source.url!r} has no {{id}}", "write {id} where the video's id goes"
        )
    return source.url.replace("{id}", site_id)


def _segment(span: Span) -> dict[str, Any]:
    return {"start_ms": span.start_ms, "end_ms": span.end_ms, "label": span.label, "split": span.split}


def _span_id(identity: str, start_ms: int, end_ms: int) -> str:
    return f"{identity}_{start_ms}_{end_ms}"
