"""`clapper release export` and `push`: verified first, obeying licences, with a summary that adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from flows.export_commands import add_to
from schemas.errors import ReleaseError
from tests.releases.formats.hub import TOKEN, running_hub
from tests.releases.formats.making import CLOSED, make_clip, make_release

app = typer.Typer()
add_to(app)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def workspace(tmp_path, clip) -> Path:
    """A workspace with two versions; of the newer one's clips one may not be passed on."""
    root = tmp_path / "workspace"
    make_release(root, clip)
    make_release(root, clip, version="1.1.0", licences={"a_0_3000": CLOSED})
    return root


def run(*words: str | Path):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.parametrize("layout", ["parquet", "webdataset"])
def test_an_export_says_what_is_in_it(workspace, tmp_path, layout) -> None:
    told = run(
        "export", "toy", "latest", "--out", tmp_path / "out", "--layout", layout, "-w", workspace
    ).output
    assert "toy 1.1.0" in told
    assert "with media" in told
    assert "by reference: may not be passed on" in told
    assert str(tmp_path / "out") in told
    assert (tmp_path / "out" / "SHA256SUMS").exists()


def test_numbers_for_programs(workspace, tmp_path) -> None:
    words = ("--split", "train", "--limit", "2", "--media", "inside", "--json", "--quick", "-w", workspace)
    told = json.loads(run("export", "toy", "1.1.0", "--out", tmp_path / "out", *words).stdout)
    assert (told["version"], told["exported"]["clips"], told["exported"]["milliseconds"]) == (
        "1.1.0",
        1,
        3000,
    )
    assert told["exported"]["left_out"] == [
        {"reason": "may_not_be_passed_on", "parts": 1, "milliseconds": 3000}
    ]
    own = json.loads(run("export", "toy", "1.1.0", "--out", tmp_path / "own", "--own-use", *words).stdout)
    assert own["exported"]["clips"] == 2


def test_a_version_that_is_not_what_was_published_is_not_handed_on(workspace, tmp_path) -> None:
    victim = workspace / "releases/toy/1.0.0/data/train/media/a/a_0_3000.mp4"
    victim.write_bytes(victim.read_bytes()[::-1])
    with pytest.raises(
        ReleaseError, match=r"toy 1\.0\.0: is not as it was published: data/train/media/a/a_0_3000\.mp4"
    ):
        run("export", "toy", "1.0.0", "--out", tmp_path / "out", "-w", workspace)
    assert not (tmp_path / "out").exists()
    run("export", "toy", "1.1.0", "--out", tmp_path / "out", "-w", workspace)


def test_a_version_that_is_not_there_is_named_with_those_that_are(workspace, tmp_path) -> None:
    with pytest.raises(
        ReleaseError, match=r"toy 3\.0\.0: is not in this workspace, which has 1\.0\.0, 1\.1\.0"
    ):
        run("export", "toy", "3.0.0", "--out", tmp_path / "out", "-w", workspace)


@pytest.mark.parametrize("command", [("push", "--to"), ("export", "--out")])
def test_a_version_is_sent_to_a_store_and_nothing_stays_behind(workspace, tmp_path, command) -> None:
    word, where = command
    url = f"file://{tmp_path}/store"
    told = json.loads(run(word, "toy", "1.0.0", where, url, "--json", "-w", workspace).stdout)
    assert told["where"] == f"{url}/1.0.0"
    assert told["exported"]["clips"] == 4
    assert (tmp_path / "store/1.0.0/SHA256SUMS").exists()
    assert list((workspace / "exports").iterdir()) == []
    clips = list((tmp_path / "store/1.0.0").rglob("*.mp4"))
    assert len(clips) == (0 if word == "push" else 4)  # a push puts them inside the tables
    assert "nothing was sent" in run(word, "toy", "1.0.0", where, url, "-w", workspace).output


def test_what_is_for_own_use_is_sent_nowhere(workspace, tmp_path) -> None:
    with pytest.raises(ReleaseError, match=r"`--own-use` is for this machine"):
        run("export", "toy", "latest", "--out", f"file://{tmp_path}/store", "--own-use", "-w", workspace)
    assert not (tmp_path / "store").exists()


def test_a_push_that_was_interrupted_sends_the_rest_from_the_same_files(workspace, monkeypatch) -> None:
    monkeypatch.setattr(pytest.importorskip("huggingface_hub.constants"), "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(pytest.importorskip("huggingface_hub.constants"), "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    words = ("push", "toy", "latest", "--to", "hf://datasets/org/toy", "-w", workspace)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        hub.refuse_uploads_after = 1
        with pytest.raises(ReleaseError, match=r"push again"):
            run(*words)
        (staged,) = (path for path in (workspace / "exports").iterdir() if path.is_dir())
        made = staged.stat().st_mtime_ns
        with pytest.raises(ReleaseError, match=r"push again"):
            run(*words)
        assert staged.stat().st_mtime_ns == made
        hub.refuse_uploads_after = None
        told = run(*words).output
        assert "by reference: may not be passed on" in told
        assert "hf://datasets/org/toy@v1.1.0" in told
        assert TOKEN not in told
        assert len(hub.uploads) == len(set(hub.uploads))
        assert "data/train/part-00000.parquet" in hub.files("org/toy", "v1.1.0")
        assert "nothing was sent" in run(*words).output
