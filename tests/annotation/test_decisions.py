"""Decisions as the pipeline reads them."""

from __future__ import annotations

from pathlib import Path

from annotation.decisions import decisions
from annotation.store import write_decided
from tests.annotation.rows import decision


def test_the_newest_decisions_are_read(tmp_path: Path) -> None:
    assert decisions(tmp_path, "test") == {}
    write_decided(tmp_path, "test", [decision("a", "pending", counted=1)])
    assert decisions(tmp_path, "test")["a"]["counted"] == 1
    write_decided(tmp_path, "test", [decision("a", "accepted"), decision("b", "disputed", question="audio")])
    found = decisions(tmp_path, "test")
    assert {clip: row["outcome"] for clip, row in found.items()} == {"a": "accepted", "b": "disputed"}
    assert found["a"] == decision("a", "accepted")
    assert decisions(tmp_path, "other") == {}
