"""CHANGES.md: newest first, with reasons; what was written earlier stays byte for byte."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from schemas.errors import ReleaseError
from schemas.recipe import Recipe
from tasks.releases.account import Account
from tasks.releases.documents.changes import FILE, MOST_REASONS, change_log
from tasks.releases.documents.facts import Facts, read_facts
from tasks.releases.folder import Release
from tests.releases.documents.making import LEAKAGE, account, changed, row


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> Facts:
    """Of two clips of one video."""
    return read_facts(account(tmp_path_factory.mktemp("two") / "v", [row("a", 0), row("a", 1)]))


def log(facts: Facts, before: Path | None = None, **others) -> str:
    """CHANGES.md of version 1.0.0, or of the one after that which lies in a folder."""
    earlier = Release("toy", "1.0.0", before) if before else None
    made = Account(
        **{
            "recipe": Recipe(name="toy", title="Toy"),
            "version": "2.0.0" if before else "1.0.0",
            "today": date(2030, 1, 2),
            "folder": Path(),
            "before": earlier,
            "changes": (),
            "funnel": (),
            "losses": (),
            "leakage": LEAKAGE,
            "provenance": {},
            **others,
        }
    )
    return change_log(made, facts).decode()


def test_a_life_is_told_newest_first(facts: Facts, tmp_path: Path) -> None:
    first = log(facts)
    assert first == "## 1.0.0 — 2030-01-02\n\nThe first version: 2 clips of 1 video, 10.0 s.\n\n"
    (tmp_path / FILE).write_bytes(first.encode() + b"by hand:\r\n\t\xc3\xa9\n")
    second = log(
        facts,
        tmp_path,
        changes=(
            changed("added", 1),
            changed("removed", 2, "taken_down"),
            changed("removed", 3, "dropped: conditions near_silent"),
            changed("moved", 4),
            changed("changed", 5, "models: speakers a@1 → a@2"),
            changed("described", 720),
        ),
    )
    expected = (
        "## 2.0.0 — 2030-01-02\n\n"
        "- 1 clip added (5.0 s)\n"
        "- 5 clips removed (25.0 s)\n"
        "  - dropped: conditions near_silent: 3 clips (15.0 s)\n"
        "  - taken_down: 2 clips (10.0 s)\n"
        "- 4 clips moved to another split (20.0 s)\n"
        "- 5 clips with changed data (25.0 s)\n"
        "  - models: speakers a\\@1 → a\\@2: 5 clips (25.0 s)\n"
        "- 720 clips with other metadata alone (1.0 h)\n\n"
        "It now holds 2 clips of 1 video, 10.0 s; the version before was 1.0.0.\n\n"
    )
    assert second == expected + (tmp_path / FILE).read_bytes().decode()


def test_nothing_differs(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"")
    assert "No row differs from version 1.0.0." in log(facts, tmp_path)


def test_many_reasons_are_cut_and_counted(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"")
    many = [changed("removed", 1, f"dropped: {number:03d}") for number in range(MOST_REASONS + 3)]
    text = log(facts, tmp_path, changes=many)
    assert text.count("  - dropped") == MOST_REASONS
    assert "  - and 3 more reasons\n" in text


def test_a_reason_from_outside_is_no_mark(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"")
    text = log(facts, tmp_path, changes=[changed("removed", 1, "a\n## 9.9.9 <b>*x*")])
    assert r"  - a \#\# 9.9.9 &lt;b&gt;\*x\*: 1 clip (5.0 s)" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## 2.0.0 — 2030-01-02"]


def test_a_version_before_without_changes_is_an_error(facts: Facts, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"toy 1\.0\.0: its CHANGES\.md.*cannot be read.*verify"):
        log(facts, tmp_path)
