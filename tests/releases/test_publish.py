"""Releases: versions follow from what changed, appear whole, never change, and are complete in themselves."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from schemas.publishing import Publishing
from schemas.releases import CHANGES, SPLIT_TABLE, TOMBSTONES, WITHHELD
from tasks.releases import publish, releases
from tasks.releases.folder import Release
from tasks.releases.publish import Beside
from tasks.workspace.layout import sweep
from tests.releases.making import RECIPE, fixed_split, made_by_one_code, newest, release, row, without_media


@pytest.fixture(autouse=True)
def _without_media(monkeypatch: pytest.MonkeyPatch) -> None:
    without_media(monkeypatch)
    made_by_one_code(monkeypatch)


@pytest.fixture
def undescribed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions without their documents, which cost half of the time, where nobody reads them."""
    monkeypatch.setattr(publish, "write_documents", lambda account, *more: None)


def contents(made: Release) -> dict[str, bytes]:
    files = sorted(path for path in made.folder.rglob("*") if path.is_file())
    return {str(path.relative_to(made.folder)): path.read_bytes() for path in files}


def test_a_release_is_complete_in_itself(tmp_path: Path) -> None:
    made = release(tmp_path, [row(tmp_path, "a"), row(tmp_path, "b")], {"a": "train", "b": "test"})
    assert made.version == "1.0.0"
    schema = pq.read_schema(made.folder / "data" / "test" / "part-00000.parquet")
    assert schema.names[: len(MANIFEST)] == MANIFEST.names
    assert schema.field("clip_id").metadata[b"description"]
    by_split = {each["split"]: each for each in made.rows()}
    assert {split: each["video_id"] for split, each in by_split.items()} == {"train": "a", "test": "b"}
    assert all((made.folder / each["path"]).read_bytes() == each["clip_id"].encode() for each in made.rows())
    sums = dict(reversed(line.split("  ")) for line in (made.folder / "SHA256SUMS").read_text().splitlines())
    present = contents(made)
    assert {*sums} == {*present} - {"SHA256SUMS"}
    assert list(sums) == sorted(sums)
    assert all(hashlib.sha256(present[name]).hexdigest() == checksum for name, checksum in sums.items())
    tables = {"splits": SPLIT_TABLE, "withheld": WITHHELD, "tombstones": TOMBSTONES, "changes": CHANGES}
    for name, table in tables.items():
        assert pq.read_schema(made.folder / f"{name}.parquet").equals(table), name
    assert json.loads(present["leakage.json"])["passed"] is True
    documents = {
        "README.md",
        "CHANGES.md",
        "CITATION.bib",
        "croissant.json",
        "recipe.yaml",
        "provenance.json",
    }
    assert documents <= {*sums}
    assert b"2030-01-02" in present["README.md"]


def test_nobody_may_write_to_a_release(tmp_path: Path) -> None:
    made = release(tmp_path, [row(tmp_path, "a")], {})
    files = [path for path in made.folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}
    clip = made.folder / made.rows()[0]["path"]
    assert clip.samefile(tmp_path / "clips" / "a_0_1000.mp4"), "a clip takes no room twice"


@pytest.mark.usefixtures("undescribed")
def test_nothing_new_makes_no_version(tmp_path: Path) -> None:
    rows = [row(tmp_path, "a")]
    assert release(tmp_path, rows, {})
    assert release(tmp_path, rows, {}) is None
    assert release(tmp_path, [], {}) is None
    assert [made.version for made in releases(tmp_path, "toy")] == ["1.0.0"]


@pytest.mark.usefixtures("undescribed")
def test_the_version_says_what_changed(tmp_path: Path) -> None:
    a, b = row(tmp_path, "a"), row(tmp_path, "b")
    relabelled = {**a, "labels": [{**a["labels"][0], "label": "voice_over"}]}
    states = ([a], [a, b], [{**a, "source_licence": "CC BY"}, b], [relabelled, b], [relabelled])
    made = [release(tmp_path, rows, {}) for rows in states]
    assert [each.version for each in made] == ["1.0.0", "1.1.0", "1.1.1", "2.0.0", "3.0.0"]
    changes = [pq.read_table(each.folder / "changes.parquet").to_pylist() for each in made]
    assert changes[0] == []
    assert [(one["clip_id"], one["change"], one["reason"]) for some in changes[1:] for one in some] == [
        ("b_0_1000", "added", None),
        ("a_0_1000", "described", "source"),
        ("a_0_1000", "changed", "source; code"),
        ("b_0_1000", "removed", "source_gone"),
    ]
    assert changes[3][0]["relabelled"] and changes[3][0]["columns"] == ["source_licence", "labels"]


def test_versions_are_ordered_as_numbers(tmp_path: Path) -> None:
    for version in ("1.2.0", "1.10.0", "1.9.0"):
        (tmp_path / "releases" / "toy" / version).mkdir(parents=True)
    assert [made.version for made in releases(tmp_path, "toy")] == ["1.2.0", "1.9.0", "1.10.0"]


@pytest.mark.usefixtures("undescribed")
def test_splits_are_remembered_even_of_videos_that_are_gone(tmp_path: Path) -> None:
    release(tmp_path, [row(tmp_path, "a"), row(tmp_path, "b")], {"b": "test"})
    release(tmp_path, [row(tmp_path, "a")], {})
    assert newest(tmp_path).assignments() == {"a": "train", "b": "test"}
    again = release(tmp_path, [row(tmp_path, "a"), row(tmp_path, "b")], {"b": "dev"})
    assert {found["video_id"]: found["split"] for found in again.rows()} == {"a": "train", "b": "test"}


@pytest.mark.usefixtures("undescribed")
def test_withheld_and_taken_down_clips_are_out_and_named(tmp_path: Path) -> None:
    rows = [row(tmp_path, video) for video in "abc"]
    release(tmp_path, rows, {})
    held = {
        "clip_id": "b_0_1000",
        "video_id": "b",
        "reason": "straddles_splits",
        "detail": "",
        "duration_ms": 1,
    }
    down = pa.Table.from_pylist([{"video_id": "c", "taken_down_on": "2030-01-01"}], TOMBSTONES)
    made = release(tmp_path, rows[:2], beside=Beside(tombstones=down), split=fixed_split({}, [held]))
    assert made.version == "2.0.0"
    assert [each["clip_id"] for each in made.rows()] == ["a_0_1000"]
    reasons = {
        each["clip_id"]: each["reason"] for each in pq.read_table(made.folder / "changes.parquet").to_pylist()
    }
    assert reasons == {"b_0_1000": "withheld: straddles_splits", "c_0_1000": "taken_down"}
    assert pq.read_table(made.folder / "withheld.parquet").to_pylist() == [held]
    assert pq.read_table(made.folder / "tombstones.parquet").equals(down)


@pytest.mark.usefixtures("undescribed")
@pytest.mark.parametrize("harm", ["gone", "longer"])
def test_a_clip_that_is_not_what_was_made_stops_the_release_and_leaves_nothing(
    tmp_path: Path, harm: str
) -> None:
    rows = [row(tmp_path, video) for video in "abc"]
    file = tmp_path / "clips" / f"{rows[0]['clip_id']}.mp4"
    file.unlink() if harm == "gone" else file.write_bytes(b"something else, and longer")
    with pytest.raises(ReleaseError, match=r"a_0_1000.*bytes"):
        release(tmp_path, rows, {})
    assert list((tmp_path / "releases" / "toy").iterdir()) == []


@pytest.mark.usefixtures("undescribed")
def test_what_leaks_is_not_published(tmp_path: Path) -> None:
    rows = [row(tmp_path, "a"), {**row(tmp_path, "b"), "source_sha256": row(tmp_path, "a")["source_sha256"]}]
    with pytest.raises(ReleaseError, match="leak.*same_file"):
        release(tmp_path, rows, {"a": "train", "b": "test"})
    assert list((tmp_path / "releases" / "toy").iterdir()) == []
    assert release(tmp_path, rows, {"a": "test", "b": "test"})


def test_two_releases_of_the_same_rows_are_equal_in_every_byte(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        first = [row(root, f"v{number // 3}", number % 3) for number in range(60)]
        release(root, first, {"v1": "dev", "v2": "test"})
        made.append([contents(release(root, [*first[3:], row(root, "w")], {})) for _ in range(1)])
    assert made[0] == made[1]


@pytest.mark.usefixtures("undescribed")
@pytest.mark.parametrize("media", ["path", "reference"])
def test_a_clip_that_may_not_be_linked_is_copied(
    tmp_path: Path, media: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    recipe = RECIPE.model_copy(update={"release": Publishing(media=media)})
    made = release(tmp_path, [row(tmp_path, "a")], {}, recipe)
    paths = [each["path"] for each in made.rows()]
    assert (paths == [None]) == (media == "reference")
    for path in filter(None, paths):
        assert (made.folder / path).read_bytes() == b"a_0_1000"
        assert not (made.folder / path).samefile(tmp_path / "clips" / "a_0_1000.mp4")


@pytest.mark.usefixtures("undescribed")
@pytest.mark.parametrize(
    "step, code",
    [
        ("place", errno.ENOSPC),
        ("certify", errno.EDQUOT),
        ("write_documents", errno.ENOSPC),
        ("write_checksums", errno.ENOSPC),
    ],
)
def test_a_full_disk_is_told_and_nothing_of_the_version_is_left(
    tmp_path: Path, step: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(tmp_path, "a"), row(tmp_path, "b")]
    release(tmp_path, rows[:1], {})
    before = contents(newest(tmp_path))
    working = getattr(publish, step)

    def fill(*arguments, **named):
        working(*arguments, **named)
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as full:
        full.setattr(publish, step, fill)
        with pytest.raises(ReleaseError, match=r"toy 1\.1\.0.*MB are free.*run again"):
            release(tmp_path, rows, {})
    assert [path.name for path in (tmp_path / "releases" / "toy").iterdir()] == ["1.0.0"]
    assert contents(newest(tmp_path)) == before
    assert release(tmp_path, rows, {}).version == "1.1.0"


KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.releases import provenance, publish
from tests.releases.making import release, row

publish.write_report = lambda account, *more: (account.folder / "report.html").write_text("page")
# A version rightly says which code made it; a commit in the checkout under test must not look like a fault.
provenance.code = lambda: {"version": "1.0", "revision": None, "changed": None}

def changes(root, last):
    rows = [row(root, f"v{number}") for number in range(6)]
    count = 0

    def kill(event, arguments):
        nonlocal count
        opened = event == "open" and arguments[1] in ("w", "wb")
        if (opened or event in ("os.mkdir", "os.link", "os.rename", "os.chmod")) and "/releases/" in str(arguments):
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill)
    release(root, rows, {"v1": "dev", "v2": "test"})
    return count

for line in sys.stdin:
    root, last = line.split()
    if not os.fork():
        print(changes(Path(root), int(last)), flush=True)
        os._exit(0)
    print("status", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@contextmanager
def publishers() -> Iterator[Callable[[Path, int], tuple[int, int]]]:
    """Publishes, each time in a process of its own that is killed at its so-manieth change to the folder of releases.

    Returns how the process ended and how many changes it made, 0 if it was killed. What all import is imported once.
    """
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starting:

        def publish_once(root: Path, last: int) -> tuple[int, int]:
            print(root, last, file=starting.stdin, flush=True)
            made = 0
            while not (line := starting.stdout.readline()).startswith("status"):
                assert line, "the process that starts publications ended"
                made = int(line)
            return int(line.split()[1]), made

        yield publish_once
        starting.stdin.close()


@pytest.mark.slow
def test_killed_anywhere_nothing_is_visible_and_the_next_publishes_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    with publishers() as published:
        ended, steps = published(tmp_path / "whole", 0)
        assert ended == 0 and steps > 20
        for last in (1, steps // 3, 2 * steps // 3, steps):
            root = tmp_path / str(last)
            root.mkdir()
            assert published(root, last)[0] == -signal.SIGKILL
            assert releases(root, "toy") == []
            sweep(root)
            assert list((root / "releases" / "toy").glob(".*")) == []
            assert published(root, 0)[0] == 0
            assert contents(newest(root)) == contents(newest(tmp_path / "whole"))
            shutil.rmtree(root)
