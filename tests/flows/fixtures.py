"""A small broadcast, a Prefect server and the command, shared by the tests of whole runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from flows.server import prefect_api
from tasks.scenes import Scene, Source, render
from tasks.scenes.programme import NEWS, SPORTS

SMALL = (
    "--profile", "embedded",
    "--set", "admission.min_duration=5 s",
    "--set", "admission.min_height=100 px",
    "--set", "media.clip_length=5 s",
    "--set", "limits.shard=15 s",
)  # fmt: skip

Command = Callable[..., subprocess.CompletedProcess]


def _scenes(*rows: tuple) -> tuple[Scene, ...]:
    return tuple(Scene(kind, seconds * 1000, 7, people, voices) for kind, seconds, people, voices in rows)


SOURCES = (
    Source("news-1", "One", NEWS, "mp4", 320, 180, Fraction(25), 48_000,
           _scenes(("talking_head", 8, (1,), (1,)), ("hammer", 4, (), ()))),
    Source("news-2", "Two", NEWS, "mkv", 320, 180, Fraction(30000, 1001), 44_100,
           _scenes(("music", 4, (), ()), ("listening", 8, (0,), (2,)))),
    Source("sports-1", "Three", SPORTS, "mov", 320, 180, Fraction(50), 22_050,
           _scenes(("bounce", 5, (), ()), ("wind", 5, (), ()))),
)  # fmt: skip


@pytest.fixture(scope="session")
def small_broadcast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three rendered sources of 10 to 12 s."""
    folder = tmp_path_factory.mktemp("broadcast")
    for source in SOURCES:
        render(source, folder)
    return folder


@pytest.fixture(scope="session")
def prefect_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the Prefect server of the tests keeps its database and its log."""
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def prefect_url(prefect_folder: Path) -> Iterator[str]:
    """The API of a real Prefect server."""
    with prefect_api(prefect_folder) as url:
        yield url


@pytest.fixture(scope="session")
def environment(prefect_url: str) -> dict[str, str]:
    return {**os.environ, "PREFECT_API_URL": prefect_url, "COLUMNS": "200"}


@pytest.fixture(scope="session")
def clapper(environment: dict[str, str]) -> Command:
    """Run the command as a user would; `check=False` to look at a failure."""

    def call(*arguments: str | Path, check: bool = True, **changes: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "flows.cli", *map(str, arguments)]
        done = subprocess.run(
            command, env={**environment, **changes}, capture_output=True, text=True, timeout=300
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return call


WILD_SOURCES = (
    Source("secret-match", "Secret match", SPORTS, "mp4", 256, 144, Fraction(25), 44_100,
           _scenes(("bounce", 8, (), ()), ("claps", 8, (), ()))),
    Source("secret-street", "Secret street", NEWS, "mkv", 256, 144, Fraction(25), 48_000,
           _scenes(("listening", 9, (0,), (2,)), ("hammer", 8, (), ()))),
    Source("secret-talk", "Secret talk", NEWS, "mov", 256, 144, Fraction(25), 22_050,
           _scenes(("talking_head", 9, (1,), (1,)), ("dubbed", 7, (3,), (0,)))),
)  # fmt: skip
UPLOADED_AGAIN = "secret-upload.mp4"


@pytest.fixture(scope="session")
def wild_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the wild has it: three sources of 16 to 17 s, the last one uploaded again, and one without sound.

    The second upload begins 0.3 s later, is smaller and worse. Every file's name begins with `secret-`.
    """
    folder = tmp_path_factory.mktemp("wild")
    first, *_, last = [render(source, folder) for source in WILD_SOURCES]
    worse = ("-vf", "scale=192:108", "-crf", "30", "-c:a", "aac", "-b:a", "64k")
    ffmpeg("-ss", "0.3", "-i", last, *worse, folder / UPLOADED_AGAIN)
    ffmpeg("-i", first, "-an", "-c:v", "copy", "-t", "5", folder / "secret-mute.mp4")
    return folder


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)
