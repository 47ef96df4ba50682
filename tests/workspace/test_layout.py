"""Files appear whole or not at all, and one run at a time works in a workspace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.errors import WorkspaceError
from tasks.workspace.catalog import add_to_catalog, read_catalog, shards
from tasks.workspace.layout import TEMPORARY, appearing, exclusive, open_workspace


def video(number: int, duration_ms: int | None = 3_600_000) -> dict:
    names = ("channel", "domain", "title", "height", "licence", "sha256", "bytes", "segments")
    known = {"video_id": f"v{number}", "kind": "files", "location": f"/v{number}.mp4"}
    return {**known, "duration_ms": duration_ms, **dict.fromkeys(names)}


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), appearing(tmp_path / "a") as unfinished:
        unfinished.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with appearing(tmp_path / "a") as unfinished:
        unfinished.write_text("whole")
        assert not (tmp_path / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "old").write_text("kept")
    with pytest.raises(OSError), appearing(tmp_path / "release") as unfinished:
        unfinished.mkdir()
        (unfinished / "new").write_text("refused")
    assert [path.name for path in (tmp_path / "release").iterdir()] == ["old"]


def test_a_workspace_is_for_one_run_at_a_time_and_the_lock_ends_with_the_process(tmp_path: Path) -> None:
    held = (
        "import sys; from pathlib import Path; from tasks.workspace.layout import exclusive\n"
        "with exclusive(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", held, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(WorkspaceError, match="another run"), exclusive(tmp_path):
            pass
        other.kill()
    with exclusive(tmp_path):
        pass


def test_the_next_run_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    left = tmp_path / "stages" / "faces" / "00000" / f"{TEMPORARY}77-key.0"
    left.mkdir(parents=True)
    (left / "records.parquet").write_text("half")
    with exclusive(tmp_path):
        assert not left.exists()


def test_urls_and_unwritable_places_are_refused_with_words(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="object stores"):
        open_workspace("s3://bucket/w")
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="cannot be made"):
        open_workspace(tmp_path / "file" / "w")


def test_shards_are_fixed_at_discovery(tmp_path: Path) -> None:
    assert add_to_catalog(tmp_path, [video(1), video(2), video(3)], 2 * 3_600_000) == ["00000", "00001"]
    assert add_to_catalog(tmp_path, [video(3), video(4)], 2 * 3_600_000) == ["00002"]
    assert add_to_catalog(tmp_path, [video(1)], 2 * 3_600_000) == []
    grouped = {
        name: [row["video_id"] for row in rows] for name, rows in shards(read_catalog(tmp_path)).items()
    }
    assert grouped == {"00000": ["v1", "v2"], "00001": ["v3"], "00002": ["v4"]}


def test_unknown_durations_do_not_make_endless_shards(tmp_path: Path) -> None:
    names = add_to_catalog(tmp_path, [video(n, None) for n in range(20)], 4 * 3_600_000)
    assert len(names) == 3


def test_a_further_list_adds_its_segments_and_a_moved_file_is_found(tmp_path: Path) -> None:
    spans = [{"start_ms": n, "end_ms": n + 5, "label": None, "split": None} for n in (0, 10)]
    add_to_catalog(tmp_path, [{**video(1), "segments": spans[:1], "location": "/nowhere/a.mp4"}], 1)
    for _ in range(2):
        add_to_catalog(tmp_path, [{**video(1), "segments": spans, "location": "/elsewhere/a.mp4"}], 1)
    (row,) = read_catalog(tmp_path)
    assert (row["segments"], row["location"], row["shard"]) == (spans, "/elsewhere/a.mp4", "00000")
    assert len(list((tmp_path / "catalog").iterdir())) == 2, "what is known already is not written again"
