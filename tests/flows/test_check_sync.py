"""`clapper check-sync`: verdicts, JSON, certificates, and how it ends."""

from __future__ import annotations

import json
from dataclasses import asdict
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from flows import check_sync
from flows.cli import app
from schemas.errors import MediaError
from tasks.media.check import check_file
from tests.media.test_check import edit_list_moved_by, flashing


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return flashing(tmp_path_factory.mktemp("clip"), 80)


def certificates(folder: Path, clip: Path, **changes: object) -> Path:
    """As `clapper normalize` writes them, with some facts changed."""
    path = folder / "certificates.jsonl"
    facts = {**asdict(check_file(clip).facts), **changes}
    row = {"path": str(clip.relative_to(folder)), "certificate": {"facts": facts}}
    path.write_text(json.dumps(row) + "\n")
    return path


def called(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["check-sync", *map(str, arguments)])


def test_good_and_bad_files_in_words(clip: Path, tmp_path: Path) -> None:
    bad = edit_list_moved_by(48)(clip, tmp_path)
    done = called(clip, bad)
    assert done.exit_code == 1
    assert f"pass {clip}" in done.stdout
    assert f"fail {bad}" in done.stdout
    assert "sound ends 3.0 ms before the picture: 2 ms at most" in done.stdout
    assert "4 flashes, 4 beeps, 4 pairs: median +80 ms" in done.stdout
    assert "1 of 2 files keep the sync contract" in done.stdout


def test_json_has_one_object_for_each_file(clip: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.mp4"
    words.write_text("not a film")
    done = called(words, clip, "--json")
    assert done.exit_code == 1
    first, second = map(json.loads, done.stdout.splitlines())
    assert set(first) == set(second) == {"path", "passed", "problems", "facts", "events"}
    assert (first["path"], first["passed"], first["facts"], first["events"]) == (
        str(words),
        False,
        None,
        None,
    )
    assert (second["path"], second["passed"], second["problems"]) == (str(clip), True, [])
    assert second["facts"]["frames"] == 100
    assert abs(second["events"]["median_ms"] - 80) <= 1


def test_a_folder_stands_for_its_clips(clip: Path) -> None:
    done = called(clip.parent, "--json")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 1)


def test_nothing_to_check(tmp_path: Path) -> None:
    assert called(tmp_path).exit_code == 2
    assert called().exit_code == 2


def test_certificates_that_agree(clip: Path) -> None:
    folder = clip.parent.parent
    path = certificates(folder, clip)
    assert called(clip, "--against", path).exit_code == 0
    assert called("--against", path).exit_code == 0


def test_a_difference_from_the_certificate_fails(clip: Path) -> None:
    path = certificates(clip.parent.parent, clip, frames=99)
    done = called(clip, "--against", path, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"] == ["frames is 100, and 99 in the certificate"]


def test_a_file_without_a_certificate_fails(clip: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(clip.read_bytes())
    path = certificates(clip.parent.parent, clip)
    done = called(other, "--against", path, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"] == [f"it has no certificate in {path}"]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"path": "a.mp4"}', '{"path": 3, "certificate": {"facts": {}}}']
)
def test_lines_that_are_no_certificates_are_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "certificates.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(MediaError, match="line 2 has no path with a certificate"):
        check_sync.read_certificates(path)
    with pytest.raises(MediaError, match="cannot be read"):
        check_sync.read_certificates(tmp_path / "nowhere.jsonl")


def test_a_long_check_tells_how_far_it_is(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_sync, "_NOTICE_SECONDS", 0.01)
    screen = Console(file=StringIO(), width=200)
    checks = list(check_sync.check_all([clip, clip], None, "", screen))
    assert [check.passed for check in checks] == [True, True]
    assert f"0 of 2 files checked; now {clip.name}" in screen.file.getvalue()


def test_names_from_outside_are_printed_as_they_are(clip: Path, tmp_path: Path) -> None:
    odd = tmp_path / "[red]odd.mp4"
    odd.write_bytes(clip.read_bytes())
    done = called(odd)
    assert done.exit_code == 0
    assert "[red]odd.mp4" in done.stdout
