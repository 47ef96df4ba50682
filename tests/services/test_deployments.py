"""Clapper as a service: a Prefect server, `deploy --all`, a worker, a deployment's run, a schedule that works."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from flows.server import QUIET
from tasks.releases import latest_release
from tests.conftest import ROOT
from tests.flows.fixtures import SMALL

pytestmark = pytest.mark.slow

EXTRA_RECIPE = """\
name: every-second
title: A recipe that somebody added
profile: embedded
schedule: {cron: "* * * * *", timezone: UTC}
"""


@dataclass(frozen=True)
class Service:
    """A server and a worker over a copy of the repository, in which one recipe was added."""

    api: str
    workspace: Path
    prefect: Callable[..., subprocess.CompletedProcess]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def copy_of_the_repository(folder: Path) -> Path:
    copy = folder / "repository"
    copy.mkdir()
    for part in ("flows", "tasks", "schemas"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", copy)
    (copy / "flows" / "recipes" / "every-second.yaml").write_text(EXTRA_RECIPE)
    return copy


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    repository = copy_of_the_repository(folder)
    port = free_port()
    environment = {
        **os.environ,
        **QUIET,
        "PYTHONPATH": os.pathsep.join([str(repository), os.environ.get("PYTHONPATH", "")]),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "CLAPPER_WORKSPACE": str(folder / "workspace"),
    }
    command = [sys.executable, "-m", "prefect", "--no-prompt"]
    started: list[subprocess.Popen] = []

    def prefect(*arguments: str, cwd: Path = repository) -> subprocess.CompletedProcess:
        call = [*command, *arguments]
        return subprocess.run(call, env=environment, cwd=cwd, capture_output=True, text=True, timeout=240)

    def start(name: str, *arguments: str) -> None:
        with (folder / f"{name}.log").open("wb") as log:
            call = [*command, *arguments]
            started.append(
                subprocess.Popen(
                    call, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
                )
            )

    try:
        start("server", "server", "start", "--host", "127.0.0.1", "--port", str(port))
        wait_for(lambda: is_healthy(environment["PREFECT_API_URL"]), 120, folder / "server.log")
        for arguments in (("work-pool", "create", "clapper", "--type", "process"), ("deploy", "--all")):
            done = prefect(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr
        start("worker", "worker", "start", "--pool", "clapper", "--limit", "1")
        yield Service(environment["PREFECT_API_URL"], folder / "workspace", prefect)
    finally:
        for process in reversed(started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def is_healthy(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-3000:]
        time.sleep(0.2)


def deployments(service: Service) -> dict[str, dict]:
    found = httpx.post(f"{service.api}/deployments/filter", json={}).json()
    return {deployment["name"]: deployment for deployment in found}


def test_every_recipe_has_its_deployment_and_its_schedule(service: Service) -> None:
    found = deployments(service)
    recipes = {path.stem for path in (ROOT / "flows" / "recipes").glob("*.yaml")}
    assert set(found) == recipes | {"every-second"}
    assert found["realsync"]["schedules"][0]["schedule"]["cron"] == "0 3 * * *"
    assert found["every-second"]["schedules"][0]["schedule"]["cron"] == "* * * * *"
    assert found["every-second"]["parameters"] == {"recipe": "every-second"}


@pytest.mark.parametrize("name", ["realsync", "every-second"])
def test_the_schedule_really_creates_runs(service: Service, name: str) -> None:
    deployment = deployments(service)[name]
    query = {
        "deployments": {"id": {"any_": [deployment["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]}}},
    }

    def scheduled() -> list[dict]:
        runs = httpx.post(f"{service.api}/flow_runs/filter", json=query).json()
        return [run for run in runs if run["auto_scheduled"]]

    wait_for(lambda: bool(scheduled()), 60, service.workspace.parent / "server.log")


def test_a_run_of_the_deployment_ends_in_a_release(service: Service, small_broadcast: Path) -> None:
    settings = dict(pair.split("=") for pair in SMALL[3::2])
    parameters = {
        "profile": "embedded",
        "sources": [f"tv={small_broadcast}"],
        "settings": settings,
        "limit": 1,
    }
    arguments = [f"{name}={json.dumps(value)}" for name, value in parameters.items()]
    options = [option for argument in arguments for option in ("--param", argument)]
    done = service.prefect("deployment", "run", "curate/realsync", *options, "--watch")
    log = (service.workspace.parent / "worker.log").read_text(errors="replace")
    assert done.returncode == 0, done.stdout[-2000:] + log[-4000:]
    release = latest_release(service.workspace, "realsync")
    assert release is not None
    assert release.version == "1.0.0"


def test_a_bad_parameter_is_refused_before_a_run_exists(service: Service) -> None:
    done = service.prefect("deployment", "run", "curate/realsync", "--param", "limit=many")
    assert done.returncode != 0
    assert "limit" in done.stdout + done.stderr or "many" in done.stdout + done.stderr
