"""A folder of weights is used as it was when it was used first."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from schemas.errors import ModelCorrupt, ModelMissing
from tasks.offscreen.local.checkpoint import (
    FOLDER_VARIABLE,
    LIST,
    check_checkpoint,
    checkpoint_digest,
    checkpoint_folder,
)

FILES = {
    "config.json": "{}",
    "model.safetensors": "weights",
    "merges.txt": "a b",
    "chat_template.jinja": "{{ x }}",
}


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "README.md").write_text("not read by anyone")
    return tmp_path


def test_the_list_is_written_at_first_use_and_is_one_of_sha256sum(folder):
    digest = check_checkpoint(folder)
    lines = (folder / LIST).read_text().splitlines()
    assert lines == [f"{hashlib.sha256(FILES[name].encode()).hexdigest()}  {name}" for name in sorted(FILES)]
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", LIST], cwd=folder, check=True)
    assert digest == checkpoint_digest(folder) == check_checkpoint(folder)


def test_a_list_that_is_there_is_kept(folder):
    own = subprocess.run(["sha256sum", *FILES], cwd=folder, check=True, capture_output=True, text=True).stdout
    (folder / LIST).write_text(own)
    assert check_checkpoint(folder) == hashlib.sha256(own.encode()).hexdigest()
    assert (folder / LIST).read_text() == own


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "merges.txt").write_text("a c"), "merges.txt has SHA-256"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors is missing"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "tokenizer.json is not on the list"),
        (lambda folder: (folder / LIST).write_text("nonsense\n"), "line 1"),
        (lambda folder: (folder / LIST).write_text(f"{'0' * 64}  ../config.json\n"), "line 1"),
    ],
)
def test_a_change_is_told_and_never_used(folder, change, told):
    check_checkpoint(folder)
    change(folder)
    with pytest.raises(ModelCorrupt, match=told):
        check_checkpoint(folder)


def test_what_nobody_reads_may_change(folder):
    check_checkpoint(folder)
    (folder / "README.md").write_text("corrected")
    check_checkpoint(folder)


def test_other_weights_under_a_new_list_are_another_model(folder):
    before = check_checkpoint(folder)
    (folder / "model.safetensors").write_text("other weights")
    (folder / LIST).unlink()
    assert check_checkpoint(folder) != before


def test_a_folder_in_which_no_list_can_be_written_says_what_to_run(folder, monkeypatch):
    def refused(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(ModelMissing, match=r"Permission denied \(run `sha256sum .* > SHA256SUMS`"):
        checkpoint_digest(folder)
    assert {file.name for file in folder.iterdir()} == {*FILES, "README.md"}


def test_the_environment_names_the_folder(folder, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    assert checkpoint_folder() == folder
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder / "nowhere"))
    with pytest.raises(ModelMissing, match=f"{FOLDER_VARIABLE}: is set to .*nowhere"):
        checkpoint_folder()
    monkeypatch.delenv(FOLDER_VARIABLE)
    with pytest.raises(ModelMissing, match=f"{FOLDER_VARIABLE} is not set .*name the folder"):
        checkpoint_folder()
