"""Local files: content makes the id, checksums are read once."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SourceError
from schemas.sections import FilesSource
from schemas.tables import CATALOG
from tasks.sources import discover
from tasks.sources.hashes import FileHashes
from tasks.sources.identity import file_id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "films"
    for name, content in {
        "CNN/a.mp4": b"one",
        "CNN/deep/er/b.MKV": b"two",
        "NFL/copy of a.mp4": b"one",
        "NFL/../NFL/ru b; rm -rf $HOME.webm": b"three",
        "NFL/notes.txt": b"text",
        "NFL/c.mp4.part": b"part",
        "NFL/d.ytdl": b"x",
        "NFL/.hidden.mp4": b"hidden",
        ".trash/e.mp4": b"trash",
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def find(path: Path | str, make_recipe: Any, root: Path, **more: Any) -> Any:
    source = FilesSource(kind="files", path=str(path), **more.pop("source", {}))
    return discover(source, make_recipe(), root, more.pop("known", ()), **more)


def test_a_folder_is_searched_in_depth(folder: Path, make_recipe: Any, tmp_path: Path) -> None:
    found = find(folder, make_recipe, tmp_path / "ws", source={"domain": "news"})
    assert [Path(row["location"]).name for row in found.videos] == [
        "a.mp4",
        "b.MKV",
        "ru b; rm -rf $HOME.webm",
    ]
    assert [row["channel"] for row in found.videos] == ["CNN", "er", "NFL"]
    sha256 = hashlib.sha256(b"one").hexdigest()
    assert found.videos[0] == dict.fromkeys(CATALOG.names) | {
        "video_id": f"file-{sha256[:16]}",
        "kind": "files",
        "location": str(folder / "CNN/a.mp4"),
        "channel": "CNN",
        "domain": "news",
        "title": "a",
        "sha256": sha256,
        "bytes": 3,
    }
    assert [(out.id, out.reason) for out in found.left_out] == [(file_id(sha256), "duplicate_file")]
    assert "copy of a.mp4" in found.left_out[0].detail


def test_a_file_a_glob_and_a_channel(folder: Path, make_recipe: Any, tmp_path: Path) -> None:
    one = find(folder / "CNN/a.mp4", make_recipe, tmp_path, source={"channel": "mine"})
    assert [row["channel"] for row in one.videos] == ["mine"]
    globbed = find(f"{folder}/**/*.[mM]*", make_recipe, tmp_path)
    assert [Path(row["location"]).name for row in globbed.videos] == ["a.mp4", "b.MKV"]


def test_known_files_are_told_apart_and_the_limit_counts_them(
    folder: Path, make_recipe: Any, tmp_path: Path
) -> None:
    everything = find(folder, make_recipe, tmp_path).videos
    again = find(folder, make_recipe, tmp_path, known={everything[0]["video_id"]}, limit=2)
    assert again.known == everything[:1]
    assert again.videos == everything[1:2]


@pytest.mark.parametrize("path", ["nothing", "nothing/*.mp4"])
def test_nothing_there_is_an_error(path: str, make_recipe: Any, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing"):
        find(tmp_path / path, make_recipe, tmp_path)


def test_checksums_are_remembered_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    first = FileHashes(tmp_path / "ws").sha256(file)
    reads = []
    real = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: reads.append(a) or real(*a))
    assert FileHashes(tmp_path / "ws").sha256(file) == first
    assert not reads
    os.utime(file, ns=(1, 1))
    assert FileHashes(tmp_path / "ws").sha256(file) == first
    file.write_bytes(b"other")
    assert FileHashes(tmp_path / "ws").sha256(file) == hashlib.sha256(b"other").hexdigest()
    assert len(reads) == 2


def test_a_torn_memory_costs_a_second_reading_only(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    FileHashes(tmp_path).sha256(file)
    memory = tmp_path / "listings" / "hashes.jsonl"
    memory.write_bytes(b'not json\n["x", 1]\n' + memory.read_bytes()[:-9])
    assert FileHashes(tmp_path).sha256(file) == hashlib.sha256(b"one").hexdigest()
    assert FileHashes(tmp_path).sha256(file) == hashlib.sha256(b"one").hexdigest()


def test_two_workers_share_one_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    early, late = FileHashes(tmp_path), FileHashes(tmp_path)
    digest = early.sha256(file)
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: pytest.fail("read again"))
    assert late.sha256(file) == digest


def test_a_file_that_cannot_be_read_is_left_out(folder: Path, make_recipe: Any, tmp_path: Path) -> None:
    broken = folder / "CNN" / "link.mp4"
    broken.symlink_to(tmp_path / "nowhere")
    (folder / os.fsdecode(b"\xff.mp4")).write_bytes(b"four")
    found = find(folder, make_recipe, tmp_path)
    assert sorted(out.reason for out in found.left_out) == ["duplicate_file", "unreadable", "unreadable"]
    assert len(found.videos) == 3
