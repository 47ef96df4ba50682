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
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a real Prefect server."""
    with prefect_api(tmp_path_factory.mktemp("prefect")) as url:
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
