"""The stage `download` on files of this machine: nothing is copied, and what changed is noticed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Dropped, MediaError, Unavailable
from schemas.sections import FilesSource
from tasks.media import probe
from tasks.sources import discover
from tests.sources.conftest import make_clip, work


def test_local_files_stay_where_they_are(media: Path, make_recipe: Any, tmp_path: Path) -> None:
    films = tmp_path / "films $HOME; rm -rf %(id)s"
    films.mkdir()
    file = make_clip(films / "-clip: ü.mkv", 1, "320x180")
    recipe, root = make_recipe(), tmp_path / "ws"
    (row,) = discover(FilesSource(kind="files", path=str(films)), recipe, root, ()).videos
    made = work(recipe, root, row)
    assert (made["path"], made["sha256"], made["url"], made["tool"]) == (str(file), row["sha256"], None, None)
    assert (made["width"], made["height"], made["sample_rate"]) == (320, 180, 44_100)
    assert made["duration_ms"] == probe(file).duration_ms
    assert not (root / "raw").exists()
    with pytest.raises(Dropped) as caught:
        work(make_recipe({"min_duration": "1 min"}), root, row)
    assert caught.value.reason == "too_short"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(Unavailable) as gone:
        work(recipe, root, row)
    assert gone.value.reason == "file_changed"
    file.unlink()
    with pytest.raises(Unavailable) as gone:
        work(recipe, root, row)
    assert gone.value.reason == "file_gone"


def test_empty_and_broken_files(make_recipe: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(os.urandom(5000))
    recipe = make_recipe()
    noise_or_empty = discover(
        FilesSource(kind="files", path=str(tmp_path)), recipe, tmp_path / "ws", ()
    ).videos
    with pytest.raises(Dropped) as caught:
        work(recipe, tmp_path / "ws", noise_or_empty[0])
    assert caught.value.reason == "empty_file"
    with pytest.raises(MediaError):
        work(recipe, tmp_path / "ws", noise_or_empty[1])
