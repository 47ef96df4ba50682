"""`clapper doctor`: what it finds, what it says will be used, and that it keeps secrets."""

from __future__ import annotations

import io
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from flows import doctor
from flows.cli import app
from flows.doctor import Diagnosis, Finding, examine, show_diagnosis
from tasks.media import hardware
from tasks.media.hardware import Capability

SECRET = "hf_thisMustNotBePrinted"


@pytest.fixture(autouse=True)
def plain_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No card, no models, no keys, whatever this machine has."""
    monkeypatch.setattr(hardware, "signs_of_a_device", lambda: ())
    monkeypatch.setattr(hardware, "graphics_cards", lambda: ())
    cached = (hardware.decoders, hardware.video_encoding)
    for function in cached:
        function.cache_clear()
    for name in ("CLAPPER_MODELS", "HF_TOKEN", "GEMINI_API_KEY", "CLAPPER_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLAPPER_MODELS_CACHE", str(tmp_path / "cache"))
    yield
    for function in cached:
        function.cache_clear()


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def report(*arguments: str) -> tuple[int, dict[str, dict], list[str]]:
    """Exit code, findings by name, sentences."""
    code, text = call("--json", *arguments)
    found = json.loads(text)
    assert found["can_run"] == (code == 0)
    return code, {finding["name"]: finding for finding in found["findings"]}, found["will_use"]


def test_a_machine_with_everything_needed_can_run(tmp_path: Path) -> None:
    began = time.monotonic()
    code, text = call("--workspace", str(tmp_path / "not" / "yet" / "made"))
    assert time.monotonic() - began < 3
    assert code == 0, text
    for word in ("Programs", "Libraries", "Models", "Graphics", "Machine", "Keys", "What will be used"):
        assert word in text
    assert "Decoding: the processor. NVDEC is not usable: no NVIDIA device" in text
    assert "Encoding: libx264 (core" in text
    assert not (tmp_path / "not").exists()


def test_json_has_the_versions_and_the_states() -> None:
    code, found, sentences = report()
    assert code == 0
    assert found["Python"]["detail"] == ".".join(map(str, sys.version_info[:3]))
    assert found["ffmpeg"]["state"] == found["ffprobe"]["state"] == "ok"
    assert "with FFmpeg" in found["PyAV"]["detail"]
    assert found["x264"]["detail"].startswith("core ")
    assert found["AAC decoder, fixed point"]["state"] == "ok"
    assert found["NVDEC"]["state"] == found["NVENC"]["state"] == "absent"
    assert int(found["cores"]["detail"]) >= 1
    assert any(sentence.startswith("Workers: `--set limits.workers=") for sentence in sentences)


@pytest.mark.parametrize("lacking", ["ffmpeg", "ffprobe"])
def test_without_ffmpeg_it_ends_with_1_and_says_what_to_install(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in {"ffmpeg", "ffprobe"} - {lacking}:
        (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(folder))
    code, found, sentences = report()
    assert code == 1
    assert [name for name, finding in found.items() if finding["state"] == "missing"] == [lacking]
    assert "install ffmpeg" in found[lacking]["action"]
    assert sentences[0].startswith(f"No run can work yet. {lacking} is not on the PATH: install ffmpeg")
    code, text = call()
    assert code == 1 and "→ install ffmpeg" in text


@pytest.mark.parametrize(
    ("script", "problem"),
    [("exit 127", "tells no version"), ("exec sleep 60", "does not run"), (None, "does not run")],
)
def test_an_ffmpeg_that_does_not_run_counts_as_missing(
    script: str | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_VERSION_SECONDS", 0.5)
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n" if script else "#!/no/such/interpreter\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    code, found, _ = report()
    assert code == 1
    assert found["ffmpeg"]["state"] == "missing" and problem in found["ffmpeg"]["detail"]


def test_missing_models_do_not_stop_the_embedded_profile() -> None:
    code, found, sentences = report()
    assert code == 0
    assert found["embedded"]["state"] == "ok"
    assert found["light"]["state"] == "absent"
    assert found["light"]["action"] == "run `clapper models pull --profile light`"
    assert found["full"]["state"] == "absent" and "pyannote-segmentation missing" in found["full"]["detail"]
    assert "Profiles whose models are here: embedded." in sentences


def test_models_that_are_here_are_checked(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAPPER_MODELS", str(shared_data / "weights"))
    _, found, sentences = report()
    assert found["light"]["detail"] == "yunet ok, lr-asd ok, mn04 ok"
    assert "Profiles whose models are here: embedded, light." in sentences


def test_a_wrong_models_folder_is_told_and_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAPPER_MODELS", str(tmp_path / "nowhere"))
    code, found, _ = report()
    assert code == 0
    assert "which is no folder" in found["store"]["detail"] and found["store"]["action"]


def test_a_missing_package_is_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.importlib.util.find_spec
    monkeypatch.setattr(
        doctor.importlib.util,
        "find_spec",
        lambda name: None if name in ("silero_vad", "torch") else real(name),
    )
    code, found, _ = report()
    assert code == 1
    assert found["silero-vad"]["state"] == "missing" and "pip install" in found["silero-vad"]["action"]
    assert found["torch"]["state"] == "absent" and "light" in found["torch"]["detail"]


def test_a_workspace_that_cannot_be_written_to_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    code, found, _ = report("--workspace", str(file))
    assert code == 1
    assert found["workspace"]["state"] == "missing" and "--workspace" in found["workspace"]["action"]


def test_secrets_are_only_said_to_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", SECRET)
    _, found, _ = report()
    assert found["HF_TOKEN"]["detail"].startswith("set:")
    assert found["GEMINI_API_KEY"]["detail"].startswith("not set:")
    for arguments in ((), ("--json",)):
        assert SECRET not in call(*arguments)[1]


def test_a_usable_card_is_what_will_be_used_and_only_for_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    card = hardware.GraphicsCard("NVIDIA L4", "570.86.15")
    monkeypatch.setattr(hardware, "graphics_cards", lambda: (card,))
    monkeypatch.setattr(hardware, "video_decoding", lambda: Capability("NVDEC", True, "decodes h264"))
    monkeypatch.setattr(hardware, "video_encoding", lambda: Capability("NVENC", True, "111 pictures"))
    _, found, sentences = report()
    assert found["card 0"]["detail"] == "NVIDIA L4, driver 570.86.15"
    assert sentences[0].startswith("Decoding: NVDEC where the stream is 8 bit 4:2:0 (decodes h264)")
    assert sentences[1].startswith("Encoding: libx264")
    assert sentences[2].startswith("NVENC may be asked for by name")


@pytest.mark.parametrize(
    ("cores", "free_gib", "workers"), [(1, 8, 2), (2, 8, 2), (16, 64, 8), (64, 4, 4), (8, 0.3, 1)]
)
def test_workers_fit_cores_and_memory(cores: int, free_gib: float, workers: int) -> None:
    free = int(free_gib * 1024**3)
    assert doctor._Machine(cores, free, free, Path("w"), True, 0).workers == workers


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_off_at_a_usual_width(width: int) -> None:
    console = Console(width=width, record=True, file=io.StringIO())
    diagnosis = examine("workspace")
    show_diagnosis(console, diagnosis)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= width
    shown = "".join("".join(lines).split())
    for text in (*(finding.detail for finding in diagnosis.findings[:3]), *diagnosis.will_use):
        assert "".join(text.split()[:3]) in shown
    assert not any("…" in line for line in lines)


def test_square_brackets_are_text() -> None:
    finding = Finding(
        "Graphics", "NVENC", "absent", "[h264_nvenc] No capable devices found", "pip install 'a[b]'"
    )
    console = Console(width=120, record=True, file=io.StringIO())
    show_diagnosis(console, Diagnosis((finding,), ("said [so]",)))
    text = console.export_text()
    assert "[h264_nvenc] No capable" in text and "'a[b]'" in text and "said [so]" in text
