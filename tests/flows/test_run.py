"""Whole runs of the command on real video: what is released, what is done again, what is left out and why."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from flows.demo import agreement, labelled_frames
from schemas.tables import LABEL_NAMES
from tasks.releases import Release, latest_release, releases
from tasks.scenes import truth
from tests.flows.fixtures import SMALL, SOURCES, Command

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(clapper: Command, small_broadcast: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after one undisturbed run."""
    workspace = tmp_path_factory.mktemp("workspace")
    clapper("run", "realsync", "-w", workspace, "--source", f"tv={small_broadcast}", *SMALL)
    return workspace


def copy_of(workspace: Path, folder: Path) -> Path:
    shutil.copytree(workspace, folder / "workspace")
    return folder / "workspace"


def tables(workspace: Path) -> dict[str, set[str]]:
    """The table folders of every stage."""
    stages = workspace / "stages"
    return {
        stage.name: {str(path.relative_to(stage)) for path in stage.glob("*/*.[0-9]*")}
        for stage in stages.iterdir()
    }


def contents(release: Release) -> dict[str, bytes]:
    """Every file of a release, without what is a date."""
    files = (path for path in sorted(release.folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(release.folder)): re.sub(rb"\d{4}-\d{2}-\d{2}", b"", path.read_bytes())
        for path in files
    }


def test_a_run_ends_in_a_release(finished: Path) -> None:
    release = latest_release(finished, "realsync")
    assert release.version == "1.0.0"
    rows = release.rows()
    assert {row["channel"] for row in rows} == {"tv"}
    assert len({row["video_id"] for row in rows}) == 3
    assert len(rows) >= 6
    for row in rows:
        assert row["samples"] == 640 * row["frames"]
        assert (release.folder / row["path"]).stat().st_size == row["bytes"]
        assert sum(row[f"{label}_ms"] for label in LABEL_NAMES) == row["duration_ms"]
        assert row["evidence"] in ("evident", "uniform", "missing") and row["voices"] is None
        edges = [(label["start_ms"], label["end_ms"]) for label in row["labels"]]
        assert edges[0][0] == 0
        assert edges[-1][1] == row["duration_ms"]
        assert all(end == start for (_, end), (start, _) in pairwise(edges))
    assert sum(row["talking_head_ms"] for row in rows) > 3000
    assert any(row["voice_over_ms"] for row in rows)
    truths = {str(source.frame_rate): truth(source) for source in SOURCES}
    frames = Counter()
    for row in rows:
        frames += labelled_frames(truths[row["source_frame_rate"]], [row])
    assert agreement(frames) > 0.85
    assert not re.search(rb"title: One", (release.folder / "README.md").read_bytes())


def test_a_second_run_does_no_work_and_makes_no_version(
    clapper: Command, finished: Path, small_broadcast: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    started = time.monotonic()
    done = clapper("run", "realsync", "-w", finished, "--source", f"tv={small_broadcast}", *SMALL)
    print(f"second run: {time.monotonic() - started:.1f} s")
    assert "Nothing to do" in done.stdout
    after = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert after == before
    assert len(releases(finished, "realsync")) == 1


def test_a_dry_run_prints_the_plan_and_changes_nothing(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    done = clapper(
        "run", "realsync", "-w", tmp_path, "--source", f"tv={small_broadcast}", "--dry-run", *SMALL
    )
    for text in ("3 new videos", "download", "labels", "file-"):
        assert text in done.stdout
    assert [path.name for path in tmp_path.iterdir() if path.name != "listings"] == []


def test_the_status_adds_up(clapper: Command, finished: Path) -> None:
    status = json.loads(clapper("status", "realsync", "-w", finished, "--json", *SMALL).stdout)
    funnel = dict(status["funnel"])
    assert funnel["videos discovered"] == funnel["videos downloaded"] == 3
    kept_back = funnel["clips left out for what they are"] + funnel["clips with an analysis that failed"]
    assert funnel["clips cut"] == funnel["clips released"] + kept_back
    assert all(stage["waiting"] == 0 for stage in status["stages"].values())
    text = clapper("status", "realsync", "-w", finished, *SMALL).stdout
    for word in ("Items by station", "Funnel", "Channels", "tv", "1.0.0"):
        assert word in text


def test_another_threshold_redoes_only_the_events(
    clapper: Command, finished: Path, small_broadcast: Path, tmp_path: Path
) -> None:
    workspace = copy_of(finished, tmp_path)
    before = tables(workspace)
    source = ("--source", f"tv={small_broadcast}")
    clapper("run", "realsync", "-w", workspace, *source, *SMALL, "--set", "events.threshold=0.05")
    after = tables(workspace)
    assert {stage for stage in after if after[stage] != before[stage]} == {"events"}


def test_another_tagger_redoes_only_tagging(
    clapper: Command, finished: Path, small_broadcast: Path, tmp_path: Path, shared_data: Path
) -> None:
    workspace = copy_of(finished, tmp_path)
    before = tables(workspace)
    source = ("--source", f"tv={small_broadcast}")
    weights = {"CLAPPER_MODELS": str(shared_data / "weights")}
    clapper("run", "realsync", "-w", workspace, *source, *SMALL, "--set", "sounds.model=mn04", **weights)
    after = tables(workspace)
    assert {stage for stage in after if after[stage] != before[stage]} == {"sounds", "events", "evidence"}
    assert latest_release(workspace, "realsync").version == "2.0.0"


def test_killed_anywhere_the_next_run_ends_in_the_same_bytes(
    environment: dict[str, str], clapper: Command, finished: Path, small_broadcast: Path, tmp_path: Path
) -> None:
    arguments = ("run", "realsync", "-w", str(tmp_path), "--source", f"tv={small_broadcast}", *SMALL)
    chance = random.Random()
    print("moments of the kills:", end=" ")
    for _ in range(4):
        run = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait = chance.uniform(3, 12)
        print(f"{wait:.2f} s", end=" ")
        try:
            run.wait(wait)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
    clapper(*arguments)
    expected, found = (latest_release(root, "realsync") for root in (finished, tmp_path))
    assert found.version == "1.0.0"
    assert contents(found) == contents(expected)
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_lost_prefect_database_loses_nothing(
    small_broadcast: Path, tmp_path: Path, clapper: Command
) -> None:
    arguments = (
        "run",
        "realsync",
        "-w",
        tmp_path,
        "--source",
        f"tv={small_broadcast / 'sports-1.mov'}",
        *SMALL,
    )
    own_server = {"PREFECT_API_URL": ""}
    clapper(*arguments, **own_server)
    assert (tmp_path / ".prefect").is_dir()
    shutil.rmtree(tmp_path / ".prefect")
    assert "Nothing to do" in clapper(*arguments, **own_server).stdout
    assert latest_release(tmp_path, "realsync").version == "1.0.0"


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture
def mixed_folder(small_broadcast: Path, tmp_path: Path) -> Path:
    """A good source among a corrupt, a silent, a video-less, a zero-byte and a 3-second one."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    good = small_broadcast / "news-1.mp4"
    shutil.copy(good, folder / "good.mp4")
    (folder / "zero.mp4").write_bytes(b"")
    data = bytearray(good.read_bytes())
    middle = len(data) // 2
    data[middle // 2 : middle * 3 // 2] = random.Random(1).randbytes(middle)
    (folder / "corrupt.mp4").write_bytes(bytes(data))
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=12:s=320x180:r=25", "-f", "lavfi", "-i", "anullsrc=d=12", "-shortest",
           folder / "silent.mp4")  # fmt: skip
    ffmpeg("-i", good, "-vn", "-c:a", "copy", folder / "videoless.mp4")
    ffmpeg("-i", good, "-t", "3", "-c", "copy", folder / "short.mp4")
    return folder


def test_bad_sources_are_left_out_with_reasons_and_the_rest_is_released(
    clapper: Command, mixed_folder: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    clapper(
        "run",
        "realsync",
        "-w",
        workspace,
        "--source",
        mixed_folder,
        *SMALL,
        "--set",
        "limits.failed_share=0.6",
    )
    status = json.loads(clapper("status", "realsync", "-w", workspace, "--json", *SMALL).stdout)
    funnel = dict(status["funnel"])
    assert funnel["videos discovered"] == 6
    assert funnel["videos released"] == 1
    lost = {loss["reason"]: loss for loss in status["losses"] if loss["stage"] in ("download", "normalize")}
    assert {"empty_file", "silent", "no_video", "too_short"} <= set(lost)
    assert sum(loss["items"] for loss in lost.values() if "clip" not in loss["reason"]) >= 5
    assert all(loss["example"] for loss in lost.values())


def test_a_mistake_in_the_command_is_one_clear_line(clapper: Command, tmp_path: Path) -> None:
    cases = {
        ("run", "nosuch", "-w", tmp_path): "known recipes: av-syncbench, realsync",
        ("run", "realsync", "-w", tmp_path, "--set", "media.clip_length=10"): "needs a unit",
        ("run", "realsync", "-w", tmp_path, "--profile", "heavy"): "'embedded', 'light' or 'full'",
        (
            "run",
            "realsync",
            "-w",
            tmp_path,
            "--source",
            tmp_path / "none.mp4",
            "--profile",
            "embedded",
        ): "none.mp4",
    }
    for arguments, text in cases.items():
        done = clapper(*arguments, check=False)
        assert done.returncode != 0
        assert text in done.stderr + done.stdout
        assert "Traceback" not in done.stderr


def test_missing_weights_stop_a_run_before_it_begins(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    nowhere = {"CLAPPER_MODELS": "", "CLAPPER_MODELS_CACHE": str(tmp_path / "cache")}
    arguments = ("run", "realsync", "-w", tmp_path / "w", "--source", small_broadcast, "--profile", "light")
    done = clapper(*arguments, check=False, **nowhere)
    assert done.returncode == 2
    for text in ("ModelMissing", "MB", "http", "clapper models pull"):
        assert text in done.stderr
    assert not (tmp_path / "w" / "stages").exists()


def test_a_source_that_cannot_be_listed_is_said_and_the_others_are_done(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    sources = ("--source", tmp_path / "gone.mp4", "--source", small_broadcast / "sports-1.mov")
    done = clapper("run", "realsync", "-w", tmp_path / "w", *sources, *SMALL, check=False)
    assert done.returncode == 1, "half of the sources is more than the limit of a fifth"
    assert "gone.mp4" in done.stdout
    assert latest_release(tmp_path / "w", "realsync").version == "1.0.0"


def test_the_end_of_a_run_says_what_to_do_next(
    clapper: Command, small_broadcast: Path, tmp_path: Path
) -> None:
    arguments = ("run", "realsync", "-w", tmp_path, "--source", small_broadcast, "--profile", "embedded")
    done = clapper(*arguments)
    assert "too_short" in done.stdout
    assert "--set admission.min_duration='1 min'" in done.stdout
    assert "No release yet" in done.stdout
