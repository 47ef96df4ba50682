"""`clapper models`: what there is, where it is, and that its bytes are right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.flows.fixtures import Command

pytestmark = pytest.mark.slow


@pytest.fixture
def places(shared_data: Path, tmp_path: Path) -> dict[str, str]:
    return {"CLAPPER_MODELS": str(shared_data / "weights"), "CLAPPER_MODELS_CACHE": str(tmp_path / "cache")}


def test_list_and_verify_say_what_is_here(clapper: Command, places: dict[str, str]) -> None:
    listed = clapper("models", "list", **places).stdout
    for word in ("yunet", "lr-asd", "mn04", "MIT", "ok"):
        assert word in listed
    verified = clapper("models", "verify", **places).stdout
    assert verified.count("ok ") >= 5


def test_pull_brings_what_the_light_profile_needs(
    clapper: Command, places: dict[str, str], tmp_path: Path
) -> None:
    pulled = clapper("models", "pull", **places).stdout.split()
    assert {Path(path).name for path in pulled} == {
        "face_detection_yunet_2026may.onnx", "lrasd_pretrain_AVA.model", "mn04_as_mAP_432.pt",
    }  # fmt: skip
    assert all(Path(path).is_file() for path in pulled)


def test_a_wrong_byte_is_an_error(
    clapper: Command, places: dict[str, str], shared_data: Path, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    shutil.copytree(shared_data / "weights", mirror)
    file = mirror / "mn04_as_mAP_432.pt"
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[1000] ^= 1
    file.write_bytes(bytes(data))
    done = clapper("models", "verify", check=False, **{**places, "CLAPPER_MODELS": str(mirror)})
    assert done.returncode == 1
    assert "corrupt" in done.stdout
    done = clapper("models", "pull", "mn04", check=False, **{**places, "CLAPPER_MODELS": str(mirror)})
    assert done.returncode == 2
    assert "SHA-256" in done.stderr
    assert not (tmp_path / "cache" / "mn04_as_mAP_432.pt").exists()
