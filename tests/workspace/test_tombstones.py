"""Tombstones: id, date and checksums for all, the reason for the owner alone."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.releases import TOMBSTONES
from tasks.workspace.tombstones import note_erased, read_tombstones, reasons, take_down, tombstones

DAY, NEXT_DAY = date(2030, 1, 2), date(2030, 1, 3)


def test_without_a_takedown_there_are_none(tmp_path: Path) -> None:
    assert read_tombstones(tmp_path).schema.equals(TOMBSTONES)
    assert read_tombstones(tmp_path).num_rows == 0
    assert not tombstones(tmp_path).dates and not reasons(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_version_gets_the_id_and_the_day_alone(tmp_path: Path) -> None:
    assert take_down(tmp_path, {"b": ["f" * 64], "a": []}, "a person asked", DAY) == ["b", "a"]
    assert read_tombstones(tmp_path).to_pylist() == [
        {"video_id": "a", "taken_down_on": "2030-01-02"},
        {"video_id": "b", "taken_down_on": "2030-01-02"},
    ]
    assert read_tombstones(tmp_path).schema.equals(TOMBSTONES, check_metadata=True)


def test_the_reason_is_for_the_owner_alone(tmp_path: Path) -> None:
    take_down(tmp_path, {"a": []}, "„Müller“ asked", DAY)
    file = tmp_path / "tombstones" / "reasons.jsonl"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open("a") as torn:
        torn.write('{"video_id": "c", "rea')
    take_down(tmp_path, {"b": []}, "another", DAY)
    assert reasons(tmp_path) == {"a": "„Müller“ asked", "b": "another"}


def test_a_second_takedown_keeps_the_day_and_adds_checksums(tmp_path: Path) -> None:
    take_down(tmp_path, {"a": ["1"]}, "first", DAY)
    note_erased(tmp_path, ["a"])
    assert tombstones(tmp_path).erased == {"a"}
    assert take_down(tmp_path, {"a": ["2"]}, "second", NEXT_DAY) == []
    known = tombstones(tmp_path)
    assert known.dates == {"a": "2030-01-02"} and known.checksums == {"1": "a", "2": "a"}
    assert not known.erased, "what came since is still to be erased"
    assert reasons(tmp_path) == {"a": "first"}


def test_an_id_is_known_with_its_clips_and_no_other(tmp_path: Path) -> None:
    take_down(tmp_path, {"site-x_1": ["1"]}, "", DAY)
    known = tombstones(tmp_path)
    for item in ("site-x_1", "site-x_1_0_5000"):
        assert known.of(item) == "site-x_1"
    for item in ("site-x", "site-x_10", "site-x_10_0_5000", "site-x_1_0"):
        assert known.of(item) is None
    assert known.covers("site-x_1") and known.covers("other", "1")
    assert not known.covers("other", "2") and not known.covers("other", None)


@settings(max_examples=25, deadline=None)
@given(
    takedowns=st.lists(st.dictionaries(st.sampled_from("abc"), st.lists(st.sampled_from("123"), max_size=2)))
)
def test_no_takedown_is_ever_lost(tmp_path_factory, takedowns: list[dict]) -> None:
    root = tmp_path_factory.mktemp("workspace")
    for number, some in enumerate(takedowns):
        take_down(root, some, f"{number}", date(2030, 1, 1 + number % 28))
    known = tombstones(root)
    assert set(known.dates) == {video for some in takedowns for video in some}
    assert set(known.checksums) == {sha for some in takedowns for each in some.values() for sha in each}
    first = {}
    for number, some in enumerate(takedowns):
        for video in some:
            first.setdefault(video, f"2030-01-{1 + number % 28:02d}")
    assert known.dates == first
