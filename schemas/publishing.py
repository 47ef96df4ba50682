"""The recipe's section on releases: what a version holds, and what of it may leave this machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.sections import Section

MediaForm = Literal["reference", "path", "inside"]
"""Where a row's clip is: nowhere (source and times only), in a file beside the tables, or in the table itself."""

Layout = Literal["parquet", "webdataset", "synchformer", "streamsync"]
"""What a version can be handed on as; see `tasks.releases.formats`."""


class Publishing(Section):
    """What a version holds, and what may be passed on.

    `media`: the form in which a version keeps its clips. `redistributable`: licences of sources, as they state them
    (`CC BY 4.0`; upper and lower case alike; `*` for all, `none` for sources that state none), whose clips may be
    passed on: an export or a push gives all others by reference alone, whatever `media` says. `licence`: of the rows
    themselves, an SPDX id. `creators`, `contact` (for takedowns) and `homepage` are for the card and the citation.
    """

    media: MediaForm = "path"
    redistributable: tuple[str, ...] = ()
    licence: str = "CC-BY-4.0"
    creators: tuple[str, ...] = ()
    contact: str | None = None
    homepage: Annotated[str | None, Field(pattern=r"^https?://")] = None
