"""Videos that were taken down: forgotten in listings and raw files, and never discovered or kept again."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Dropped
from schemas.sections import FilesSource, ListSource, YtdlpSource
from tasks.sources import discover
from tasks.sources.forget import forget
from tasks.sources.hashes import FileHashes
from tasks.workspace.tombstones import take_down
from tests.sources.conftest import Site, work
from tests.sources.test_stage import direct

DAY = date(2030, 1, 2)
TAKEN_DOWN = ("taken_down", "on 2030-01-02")


def left_out(found: Any) -> dict[str, tuple[str, str]]:
    return {part.id: (part.reason, part.detail) for part in found.left_out}


def test_a_channel_gives_it_no_more_and_no_listing_keeps_its_title(
    site: Site, claptube: None, make_recipe: Any, tmp_path: Path
) -> None:
    titles = {name: f"A title of {name}" for name in "abc"}
    channel = site.put_channel("tv", [{"id": name, "title": title} for name, title in titles.items()])
    source = YtdlpSource(kind="ytdlp", url=channel)
    first = discover(source, make_recipe(), tmp_path, known=())
    assert len(first.videos) == 3 and "A title of b" in _listings(tmp_path)

    forget(tmp_path, ["claptubevideo-b"], [])
    assert "A title of b" not in _listings(tmp_path) and "A title of a" in _listings(tmp_path)
    take_down(tmp_path, {"claptubevideo-b": []}, "", DAY)
    for relist in ("10 min", "0 s"):
        found = discover(source, make_recipe(relist_after=relist), tmp_path, known=())
        assert [row["video_id"] for row in found.videos] == ["claptubevideo-a", "claptubevideo-c"]
        assert "A title of b" not in _listings(tmp_path)
    assert left_out(found) == {"claptubevideo-b": TAKEN_DOWN}


def _listings(root: Path) -> str:
    return "".join(file.read_text() for file in (root / "listings").glob("*.json"))


def test_a_local_file_is_known_by_its_bytes_wherever_it_comes_from(make_recipe: Any, tmp_path: Path) -> None:
    folder, workspace = tmp_path / "videos", tmp_path / "workspace"
    folder.mkdir()
    for name, content in (("a.mp4", b"one"), ("again.mp4", b"one"), ("b.mp4", b"two"), ("c.mp4", b"three")):
        (folder / name).write_bytes(content)
    one, two = (hashlib.sha256(content).hexdigest() for content in (b"one", b"two"))
    take_down(workspace, {f"file-{one[:16]}": [one], "site-x": [two]}, "", DAY)
    source = FilesSource(kind="files", path=str(folder))
    found = discover(source, make_recipe(), workspace, known=())
    assert [Path(row["location"]).name for row in found.videos] == ["c.mp4"]
    assert left_out(found) == {
        f"file-{one[:16]}": TAKEN_DOWN,
        f"file-{two[:16]}": ("taken_down", "on 2030-01-02: the same bytes as site-x"),
    }, "nothing is said of the copy's path either"


def test_a_list_that_names_it_says_nothing_else_of_it(make_recipe: Any, tmp_path: Path) -> None:
    rows = ["aaaaaaaaaaa,0,dog,train", "aaaaaaaaaaa,0,cat,train", "bbbbbbbbbbb,10,cat,test"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    take_down(tmp_path, {"youtube-aaaaaaaaaaa": []}, "", DAY)
    source = ListSource(kind="list", path=str(tmp_path / "list.csv"))
    found = discover(source, make_recipe(), tmp_path, known=())
    assert [row["video_id"] for row in found.videos] == ["youtube-bbbbbbbbbbb"]
    assert left_out(found) == {"youtube-aaaaaaaaaaa": TAKEN_DOWN}


def test_a_download_of_the_same_bytes_is_dropped_and_not_kept(
    site: Site, make_recipe: Any, media: Path, tmp_path: Path
) -> None:
    content = (media / "clip.mp4").read_bytes()
    site.put("/other.mp4", content)
    row = direct(site.url + "/other.mp4", "generic-other")
    take_down(tmp_path, {"youtube-aaaaaaaaaaa": [hashlib.sha256(content).hexdigest()]}, "", DAY)
    with pytest.raises(Dropped) as caught:
        work(make_recipe(), tmp_path, row)
    assert caught.value.reason == "taken_down"
    assert [path.name for path in (tmp_path / "raw").iterdir() if path.is_file()] == []


def test_files_of_ours_go_and_files_of_others_stay(tmp_path: Path) -> None:
    workspace, outside = tmp_path / "workspace", tmp_path / "mine.mp4"
    raw = workspace / "raw"
    (raw / ".partial" / "site-a").mkdir(parents=True)
    for name in ("site-a.mp4", "site-a.info.json", "site-ab.mp4", ".partial/site-a/x.part"):
        (raw / name).write_bytes(name.encode())
    outside.write_bytes(b"mine")
    lost = tmp_path / "lost.mp4"
    lost.write_bytes(b"lost")
    hashes = FileHashes(workspace)
    sums = {path: hashes.sha256(path) for path in (raw / "site-a.mp4", raw / "site-ab.mp4", outside, lost)}
    lost.unlink()
    forget(workspace, ["site-a"], sums.values())
    assert sorted(path.name for path in raw.rglob("*") if path.is_file()) == ["site-ab.mp4"]
    kept = [
        json.loads(line)[0] for line in (workspace / "listings" / "hashes.jsonl").read_text().splitlines()
    ]
    assert kept == [str(outside)], "of a file that still lies there, its owner's"
    assert outside.exists()
    forget(workspace, ["site-a"], sums.values())
    forget(tmp_path / "nothing", ["site-a"], [])
