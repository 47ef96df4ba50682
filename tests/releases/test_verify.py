"""A version that is no more what was published is told file by file, and so is every promise that does not hold."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.releases.checksums import SUMS, file_names, read_checksums
from tasks.releases.folder import Release
from tasks.releases.verify import Finding, verify
from tests.releases.making import release, row, without_media


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Release:
    root = tmp_path_factory.mktemp("published")
    rows = [row(root, video, number) for video in "abc" for number in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        without_media(patch)
        return release(root, rows, {"b": "test"})


@pytest.fixture
def made(published: Release, tmp_path: Path) -> Release:
    """A copy that is open to harm."""
    folder = shutil.copytree(
        published.folder, tmp_path / "toy" / published.version, copy_function=shutil.copyfile
    )
    return Release(published.dataset, published.version, Path(folder))


def found_in(made: Release, quick: bool = False) -> list[Finding]:
    return list(verify(made, made.folder.parent, quick))


CLIP = "data/test/media/b/b_0_1000.mp4"
TABLE = "data/train/part-00000.parquet"


def test_what_was_published_is_found_well(made: Release) -> None:
    told: list[tuple[int, int]] = []
    assert list(verify(made, made.folder.parent, report=lambda *numbers: told.append(numbers))) == []
    assert found_in(made, quick=True) == []
    assert told[0][0] == 0 and told[-1][0] <= told[-1][1]
    size = sum(path.stat().st_size for path in made.folder.rglob("*") if path.is_file())
    assert told[-1] == (size - (made.folder / SUMS).stat().st_size, size)


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"!")


def turn_a_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


HARMS: tuple[tuple[str, str, Callable[[Path], None], str, bool], ...] = (
    ("a clip is gone", CLIP, os.unlink, "missing", True),
    ("a clip is longer", CLIP, lengthen, "changed", True),
    ("a bit of a clip", CLIP, turn_a_bit, "changed", False),
    ("a document is gone", "README.md", os.unlink, "missing", True),
    ("a bit of the change log", "CHANGES.md", turn_a_bit, "changed", True),
    ("a bit of the splits", "splits.parquet", turn_a_bit, "changed", True),
    ("a file too many", "data/train/media/a/z.mp4", lambda file: file.write_bytes(b"z"), "extra", True),
    (
        "a table is cut off",
        TABLE,
        lambda file: os.truncate(file, file.stat().st_size // 2),
        "unreadable",
        True,
    ),
    ("a table is empty", TABLE, lambda file: file.write_bytes(b""), "unreadable", True),
    ("a table is gone", TABLE, os.unlink, "missing", True),
)


@pytest.mark.parametrize(
    "name, harm, what, quick", [each[1:] for each in HARMS], ids=[each[0] for each in HARMS]
)
def test_the_file_that_was_harmed_is_named(
    made: Release, name: str, harm: Callable, what: str, quick: bool
) -> None:
    harm(made.folder / name)
    assert (name, what) in {(each.item, each.what) for each in found_in(made)}
    assert ((name, what) in {(each.item, each.what) for each in found_in(made, quick=True)}) == quick
    others = {each.item for each in found_in(made) if each.what in ("missing", "changed", "extra")} - {name}
    assert others == set(), "nothing else is blamed"


def test_without_checksums_nothing_is_well(made: Release) -> None:
    (made.folder / SUMS).unlink()
    assert found_in(made)[0] == Finding(
        SUMS, "missing", "without it, nothing can be told of the files of this version"
    )
    (made.folder / SUMS).write_text("nothing of use\n")
    missing = {each.item for each in found_in(made) if each.what == "missing"}
    assert {"README.md", "recipe.yaml", "splits.parquet"} <= missing


def rewritten(made: Release, name: str, change: Callable[[dict], None]) -> None:
    """Change the rows of a table, and let the checksums agree, as somebody might who means well."""
    file = made.folder / name
    table = pq.read_table(file, partitioning=None)
    rows = table.to_pylist()
    for each in rows:
        change(each)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), file)
    sums = {each.name: each.sha256 for each in read_checksums(made.folder)}
    sums[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (made.folder / SUMS).write_text("".join(f"{checksum}  {one}\n" for one, checksum in sorted(sums.items())))


@pytest.mark.parametrize(
    "name, change, item, says",
    [
        (TABLE, lambda each: each.update(video_id="b"), "b", "is in 2 splits"),
        (TABLE, lambda each: each.update(split="dev"), "a_0_1000", "says dev, and lies in the folder of another"),
        (TABLE, lambda each: each.update(clip_id="a_0_1000"), "a_0_1000", "is in 4 rows"),
        (TABLE, lambda each: each.update(sha256="0" * 64), "a_0_1000", "SHA256SUMS another or none"),
        (TABLE, lambda each: each.update(bytes=7), "data/train/media/a/a_0_1000.mp4", "8 bytes, and its row says 7"),
        (TABLE, lambda each: each.update(path=None), "data/train/media/a/a_0_1000.mp4", "in 0 rows"),
        ("splits.parquet", lambda each: each.update(split="dev"), "a", "splits.parquet another split or none"),
    ],
)  # fmt: skip
def test_a_promise_that_does_not_hold_is_told(
    made: Release, name: str, change: Callable, item: str, says: str
) -> None:
    rewritten(made, name, change)
    assert any(each.item == item and says in each.says for each in found_in(made)), found_in(made)


def test_a_certificate_that_did_not_pass_is_told(made: Release) -> None:
    (made.folder / "leakage.json").write_text('{"passed": false}')
    assert any(each.what == "broken_promise" and each.item == "leakage.json" for each in found_in(made))


def test_names_come_in_the_order_of_the_checksums(tmp_path: Path) -> None:
    names = [
        "a-b/c",
        "a/b",
        "a",
        "ab",
        "data/train/media/x/y.mp4",
        "data/train/part.parquet",
        "B",
        "é",
        "a.b/c",
    ]
    for name in names:
        if name != "a":
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
    assert list(file_names(tmp_path)) == sorted(set(names) - {"a"})
    assert "data/train/media/x/y.mp4" not in file_names(tmp_path, clips=False)
