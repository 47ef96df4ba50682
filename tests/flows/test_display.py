"""The bars of a run: what is published is told beside the work, on a terminal and in a file."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from flows.display import progress_bar
from flows.outlook import Outlook
from flows.progress import Publication, announce

NOTHING = Outlook(new=[], changed=[], catalog=[], surveys=[], problems=[], review_open=False, draft=None)
NEWS = (
    Publication("writing the manifest and its clips", 3, 8),
    Publication("writing the manifest and its clips", 8, 8),
    Publication("writing checksums", 0, 1),
)


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_done_for_a_version_is_told_beside_the_work(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=140)
    with progress_bar(console, NOTHING):
        for news in NEWS:
            announce(news)
    text = console.file.getvalue()
    for what in {news.what for news in NEWS}:
        assert what in text
    if terminal:
        assert "writing checksums: 0 of" not in text, "of one thing there is no share to tell"
    else:
        assert text.count("publishing") == 2, "a line for each thing, not for each step of it"


def test_nobody_is_told_of_a_publication_after_the_run() -> None:
    console = Console(file=io.StringIO(), width=140)
    with progress_bar(console, NOTHING):
        pass
    announce(NEWS[0])
    assert "manifest" not in console.file.getvalue()
