"""A push to the hub or to a store: whole or not counted as there, never over another, on from where it stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from schemas.errors import ReleaseError
from schemas.publishing import Publishing
from tasks.releases.formats import store
from tasks.releases.formats.export import export_layout
from tasks.releases.formats.exported import Options
from tasks.releases.formats.push import check_target, push
from tests.releases.formats.hub import TOKEN, Hub, running_hub
from tests.releases.formats.making import FREE, SECONDS, make_clip, make_release

RULES = Publishing(redistributable=(FREE,))
NAME = "org/toy"
TARGET = f"hf://datasets/{NAME}"


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def exported(tmp_path, clip) -> Path:
    export_layout(
        make_release(tmp_path, clip), "parquet", tmp_path / "export", Options(RULES, media="inside")
    )
    return tmp_path / "export"


@pytest.fixture
def hub(monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def on_hub(hub: Hub, revision: str) -> dict[str, bytes]:
    return {name: content for name, content in hub.files(NAME, revision).items() if name != ".gitattributes"}


def test_a_version_is_one_commit_and_a_tag_on_the_hub(exported, hub, tmp_path) -> None:
    told: list[int] = []
    pushed = push(exported, "1.0.0", TARGET, tmp_path / "journal", report=told.append)
    assert on_hub(hub, "v1.0.0") == files_of(exported)
    assert [message for _, _, message in hub.commits[NAME]] == ["initial commit", "Version 1.0.0"]
    assert hub.private[NAME]
    assert (pushed.where, pushed.was_there) == (f"{TARGET}@v1.0.0", False)
    assert sum(told) == pushed.bytes == sum(map(len, files_of(exported).values()))
    sent = len(hub.uploads)
    again = push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert (again.was_there, again.files, len(hub.uploads), len(hub.commits[NAME])) == (True, 0, sent, 2)


def test_a_later_version_takes_the_place_of_the_earlier_one_which_stays_under_its_tag(
    exported, hub, tmp_path, clip
) -> None:
    push(exported, "1.0.0", TARGET, tmp_path / "journal")
    first, sent = files_of(exported), len(hub.uploads)
    later = make_release(tmp_path, clip, version="2.0.0", clips={"a_0_3000": "train", "d_0_3000": "dev"})
    export_layout(later, "parquet", tmp_path / "later", Options(RULES, media="inside"))
    push(tmp_path / "later", "2.0.0", TARGET, tmp_path / "journal", public=True)
    assert on_hub(hub, "v1.0.0") == first
    assert on_hub(hub, "v2.0.0") == on_hub(hub, "main") == files_of(tmp_path / "later")
    assert "data/test/part-00000.parquet" not in on_hub(hub, "main")
    assert len(hub.uploads) > sent


def test_a_push_to_the_hub_goes_on_where_it_stopped(exported, hub, tmp_path) -> None:
    hub.refuse_uploads_after = 1
    with pytest.raises(ReleaseError, match=r"uploading .*\.parquet.*403.*push again") as failed:
        push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert TOKEN not in str(failed.value)
    assert "signature" not in str(failed.value)
    assert (len(hub.commits[NAME]), hub.tags[NAME]) == (1, {})
    hub.refuse_uploads_after, hub.refuse_tags = None, True
    with pytest.raises(ReleaseError, match=r"the hub does not do it"):
        push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert (len(hub.commits[NAME]), hub.tags[NAME]) == (2, {})
    hub.refuse_tags = False
    push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert (len(hub.commits[NAME]), list(hub.tags[NAME])) == (2, ["v1.0.0"])
    assert on_hub(hub, "v1.0.0") == files_of(exported)
    assert len(hub.uploads) == len(set(hub.uploads))


def test_a_hub_that_is_busy_is_asked_again(exported, hub, tmp_path) -> None:
    hub.stumbles = 1
    push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert on_hub(hub, "v1.0.0") == files_of(exported)


def test_an_older_version_does_not_take_the_place_of_a_newer_one(exported, hub, tmp_path) -> None:
    push(exported, "1.10.0", TARGET, tmp_path / "journal")
    with pytest.raises(ReleaseError, match=r"@v1\.9\.0: would take the place of 1\.10\.0"):
        push(exported, "1.9.0", TARGET, tmp_path / "journal")
    assert list(hub.tags[NAME]) == ["v1.10.0"]
    assert len(hub.commits[NAME]) == 2


@pytest.mark.parametrize("target", [TARGET, "file"])
def test_another_version_of_that_number_is_never_overwritten(exported, hub, tmp_path, target) -> None:
    target = f"file://{tmp_path}/store" if target == "file" else target
    push(exported, "1.0.0", target, tmp_path / "journal")
    (exported / "README.md").write_text("# Another\n")
    sums = (exported / "SHA256SUMS").read_text().replace("README.md", "READYOU.md")
    (exported / "SHA256SUMS").write_text(sums)
    with pytest.raises(ReleaseError, match=r"1\.0\.0: is there already, and is another: 2 lines"):
        push(exported, "1.0.0", target, tmp_path / "journal")


def test_without_a_token_nothing_is_asked_of_the_hub(exported, hub, tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ReleaseError, match=r"HF_TOKEN is not set"):
        push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert hub.requests == []
    monkeypatch.setenv("HF_TOKEN", "hf_another_secret")
    with pytest.raises(ReleaseError, match=r"the hub does not do it: .*401") as failed:
        push(exported, "1.0.0", TARGET, tmp_path / "journal")
    assert "hf_another_secret" not in repr(failed.value) + str(failed.value.__cause__)


def test_a_package_that_is_not_here_is_named(exported, tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ReleaseError, match=r"huggingface_hub.*install clapper-av\[export\]"):
        push(exported, "1.0.0", TARGET, tmp_path / "journal")


@pytest.mark.slow
def test_what_was_pushed_loads_from_the_hub_by_its_tag(exported, hub, tmp_path) -> None:
    pytest.importorskip("datasets")
    push(exported, "1.0.0", TARGET, tmp_path / "journal")
    program = (
        "from datasets import Audio, load_dataset\n"
        "for streaming in (False, True):\n"
        f"    clips = load_dataset('{NAME}', revision='v1.0.0', streaming=streaming)\n"
        "    row = next(iter(clips['train'].cast_column('audio', Audio(sampling_rate=16_000))))\n"
        "    print(row['clip_id'], row['video'].metadata.num_frames, row['audio'].get_all_samples().sample_rate)\n"
    )
    environment = {
        **os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1",
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.splitlines() == [f"a_0_3000 {25 * SECONDS} 16000"] * 2


@pytest.mark.parametrize("scheme", ["file", "folder", "memory"])
def test_a_store_has_each_version_under_a_prefix(exported, tmp_path, scheme) -> None:
    url = {
        "file": f"file://{tmp_path}/store",
        "folder": f"{tmp_path}/store",
        "memory": f"memory://{tmp_path.name}",
    }[scheme]
    pushed = push(exported, "1.0.0", url, tmp_path / "journal")
    files = files_of(exported)
    reached, base = fsspec.core.url_to_fs(f"{url}/1.0.0")
    for name, content in files.items():
        assert reached.cat_file(f"{base}/{name}") == content
    assert (pushed.where, pushed.files, pushed.bytes) == (
        f"{url}/1.0.0",
        len(files),
        sum(len(content) for name, content in files.items() if name != "SHA256SUMS"),
    )
    assert push(exported, "1.0.0", url, tmp_path / "journal").was_there


def test_a_push_to_a_store_goes_on_where_it_stopped(exported, tmp_path, monkeypatch) -> None:
    sent: list[str] = []
    put = store._put

    def put_until_cut(reached, file, path, size):
        if len(sent) == 3:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(file.read_bytes()[: size // 2])
            raise OSError("connection lost")
        put(reached, file, path, size)
        sent.append(path)

    url = f"file://{tmp_path}/store"
    monkeypatch.setattr(store, "_put", put_until_cut)
    with pytest.raises(ReleaseError, match=r"connection lost.*push again"):
        push(exported, "1.0.0", url, tmp_path / "journal")
    assert not (tmp_path / "store/1.0.0/SHA256SUMS").exists()
    monkeypatch.setattr(store, "_put", put)
    pushed = push(exported, "1.0.0", url, tmp_path / "journal")
    assert pushed.files == len(files_of(exported)) - 3
    assert files_of(tmp_path / "store/1.0.0") == files_of(exported)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("hf://toy", r"is no repository of data sets"),
        ("hf://datasets/toy", r"write hf://datasets/ORGANISATION/NAME"),
        ("hf://models/org/toy", r"is no repository of data sets"),
        ("hf://datasets/org/toy/deeper", r"is no repository of data sets"),
        ("s3://key:secret@bucket/toy", r"has a log-in within the URL"),
    ],
)
def test_targets_that_cannot_be(target: str, says: str) -> None:
    with pytest.raises(ReleaseError, match=says) as refused:
        check_target(target)
    assert "secret" not in str(refused.value)


def test_a_store_that_is_not_known_is_named(exported, tmp_path) -> None:
    with pytest.raises(ReleaseError, match=r"nowhere://x: cannot be used"):
        push(exported, "1.0.0", "nowhere://x", tmp_path / "journal")
