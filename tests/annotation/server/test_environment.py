"""Label Studio's own environment: whole or not there, never mixed with what somebody else has made."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from annotation.server import environment
from annotation.server.environment import REQUIREMENTS, ensure_studio, studio_place
from schemas.errors import SystemicError, ToolMissing


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Requirements of one package, which pip finds in a folder and nowhere else."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    path = tmp_path / "requirements.txt"
    path.write_text("# all that it needs\nclapper-probe==1.0\n")
    return path


def make_wheel(folder: Path, version: str) -> None:
    info = f"clapper_probe-{version}.dist-info"
    files = {
        "clapper_probe.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: clapper-probe\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"clapper_probe-{version}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
        record = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
        wheel.writestr(f"{info}/RECORD", record)


def version_in(python: Path) -> str:
    code = "import clapper_probe; print(clapper_probe.VERSION)"
    return subprocess.run(
        [python, "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def foreign(place: Path, **versions: str) -> Path:
    """An environment by somebody else, as far as anybody looks at it."""
    for name, version in versions.items():
        (place / "lib/python3.11/site-packages" / f"{name}-{version}.dist-info").mkdir(parents=True)
    return place


@pytest.mark.slow
def test_it_is_installed_once(tmp_path: Path, requirements: Path) -> None:
    said: list[str] = []
    python = ensure_studio(said.append, tmp_path / "place", requirements)
    assert version_in(python) == "1.0"
    assert "installing Label Studio" in said[0]
    assert "fetched 1 of 1 packages" in said
    said.clear()
    assert ensure_studio(said.append, tmp_path / "place", requirements) == python
    assert said == []


@pytest.mark.slow
def test_an_interrupted_installation_is_done_anew(
    tmp_path: Path, requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "place"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(environment, "_install", interrupted)
        ensure_studio(print, place, requirements)
    assert (place / "bin" / "python").exists()
    assert not (place / "ready").exists()
    assert version_in(ensure_studio(print, place, requirements)) == "1.0"


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_other_versions_make_it_anew(tmp_path: Path, requirements: Path) -> None:
    ensure_studio(print, tmp_path / "place", requirements)
    make_wheel(tmp_path / "wheels", "2.0")
    requirements.write_text("clapper-probe==2.0\n")
    assert version_in(ensure_studio(print, tmp_path / "place", requirements)) == "2.0"


@pytest.mark.slow
def test_packages_that_are_not_to_be_had_are_named(tmp_path: Path, requirements: Path) -> None:
    requirements.write_text("clapper-probe==3.0\n")
    with pytest.raises(
        SystemicError, match="No matching distribution found for clapper-probe==3.0"
    ) as caught:
        ensure_studio(print, tmp_path / "place", requirements)
    assert "CLAPPER_STUDIO" in caught.value.action
    assert not (tmp_path / "place" / "ready").exists()


def test_without_the_part_that_makes_environments_the_package_is_named(
    tmp_path: Path, requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.sys, "executable", "/bin/false")
    with pytest.raises(ToolMissing, match="Debian: apt-get install python3-venv"):
        ensure_studio(print, tmp_path / "place", requirements)


def test_an_environment_by_other_means_is_used_as_it_is(tmp_path: Path, requirements: Path) -> None:
    place = foreign(tmp_path / "place", clapper_probe="1.0", other="9")
    before = sorted(place.rglob("*"))
    assert ensure_studio(print, place, requirements) == place / "bin" / "python"
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    ("versions", "problem"),
    [
        ({"clapper_probe": "0.9"}, "clapper-probe 0.9 instead of 1.0, 1 such packages"),
        ({"something": "1.0"}, "clapper-probe missing instead of 1.0"),
    ],
)
def test_what_somebody_else_has_made_is_never_changed(
    tmp_path: Path, requirements: Path, versions: dict[str, str], problem: str
) -> None:
    place = foreign(tmp_path / "place", **versions)
    before = sorted(place.rglob("*"))
    with pytest.raises(SystemicError, match=problem):
        ensure_studio(print, place, requirements)
    assert sorted(place.rglob("*")) == before


def test_its_place_is_named_or_in_the_users_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CLAPPER_STUDIO", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert studio_place() == tmp_path / "clapper" / "label-studio-1.23.2"
    monkeypatch.setenv("CLAPPER_STUDIO", str(tmp_path / "mine"))
    assert studio_place() == tmp_path / "mine"


def test_everything_is_pinned_and_nothing_tells_where_it_was_made() -> None:
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert all(line.count("==") == 1 and "/" not in line and "@" not in line for line in packages)
    names = {line.partition("==")[0].lower() for line in packages}
    assert {"label-studio", "label-studio-sdk", "django", "gunicorn", "psycopg", "psycopg-binary"} <= names
    assert len(names) == len(packages)
