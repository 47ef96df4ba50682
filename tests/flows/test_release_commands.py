"""`clapper release list | show | verify | diff`: what they print is what the versions hold, and how they end."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.release_commands import release_app
from schemas.errors import ReleaseError
from tests.releases.making import release, row, without_media


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four versions: two videos; a third; one relabelled; the first gone."""
    root = tmp_path_factory.mktemp("workspace")
    a, b, c = (row(root, video, channel="<b>[news]") for video in "abc")
    relabelled = {**b, "evidence": "evident"}
    with pytest.MonkeyPatch.context() as patch:
        without_media(patch)
        for rows in ([a, b], [a, b, c], [a, relabelled, c], [relabelled, c]):
            release(root, rows, {"b": "test"})
    return root


def call(workspace: Path, *arguments: str) -> Result:
    return CliRunner().invoke(release_app, [*arguments, "-w", str(workspace)], env={"COLUMNS": "200"})


def told(workspace: Path, *arguments: str) -> dict:
    done = call(workspace, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_list_has_every_version_with_what_it_changed(workspace: Path) -> None:
    versions = told(workspace, "list")["versions"]
    assert [(each["version"], each["clips"]) for each in versions] == [
        ("1.0.0", 2), ("1.1.0", 3), ("2.0.0", 3), ("3.0.0", 2)
    ]  # fmt: skip
    assert [[(one["change"], one["clips"]) for one in each["changes"]] for each in versions] == [
        [], [("added", 1)], [("changed", 1)], [("removed", 1)]
    ]  # fmt: skip
    assert {each["published"] for each in versions} == {"2030-01-02"}
    text = call(workspace, "list", "toy").stdout
    for words in ("toy", "3.0.0", "2030-01-02", "1 removed"):
        assert words in text


def test_one_version_is_shown_by_split_and_channel(workspace: Path) -> None:
    shown = told(workspace, "show", "toy", "1.1.0")
    assert {split: (each["videos"], each["clips"]) for split, each in shown["splits"].items()} == {
        "train": (2, 2), "test": (1, 1)
    }  # fmt: skip
    assert shown["hours"] == pytest.approx(3 / 3600)
    assert shown["leakage_passed"] is True and len(shown["fingerprint"]) == 64
    text = call(workspace, "show", "toy").stdout
    for words in ("toy 3.0.0", "<b>[news]", "checks passed", "load_dataset", shown["folder"][:-5]):
        assert words in text.replace("\n", "")


def test_a_difference_is_told_from_the_older_to_the_newer(workspace: Path) -> None:
    for versions in (("1.1.0", "2.0.0"), ("2.0.0", "1.1.0")):
        difference = told(workspace, "diff", "toy", *versions)
        assert (difference["from"], difference["to"]) == ("1.1.0", "2.0.0")
        (change,) = difference["changes"]
        assert (change["change"], change["relabelled"], change["examples"]) == ("changed", 1, ["b_0_1000"])
    assert "Nothing differs" in call(workspace, "diff", "toy", "1.0.0", "1.0.0").stdout


def test_between_versions_far_apart_reasons_come_from_those_on_the_way(workspace: Path) -> None:
    rows = list(
        csv.DictReader(io.StringIO(call(workspace, "diff", "toy", "1.0.0", "latest", "--csv").stdout))
    )
    found = {each["clip_id"]: (each["change"], each["reason"], each["columns"]) for each in rows}
    assert found == {
        "a_0_1000": ("removed", "source_gone", ""),
        "b_0_1000": ("changed", "code", "evidence"),
        "c_0_1000": ("added", "", ""),
    }
    text = call(workspace, "diff", "toy", "1.0.0", "latest", "--clips").stdout
    assert "removed    a_0_1000 [train] source_gone" in text


def test_verification_ends_with_one_if_anything_is_wrong_and_names_it(workspace: Path) -> None:
    assert call(workspace, "verify", "toy", "--quick").exit_code == 0
    card = workspace / "releases" / "toy" / "1.1.0" / "README.md"
    content = card.read_bytes()
    card.chmod(0o644)
    card.write_bytes(content + b" ")
    try:
        done = call(workspace, "verify", "toy", "--json")
        assert done.exit_code == 1
        versions = {each["version"]: each for each in json.loads(done.stdout)["versions"]}
        assert [each["item"] for each in versions["1.1.0"]["findings"]] == ["README.md"]
        assert versions["1.0.0"]["well"] and versions["3.0.0"]["well"]
        text = call(workspace, "verify", "toy", "1.1.0")
        assert text.exit_code == 1 and "changed" in text.stdout and "README.md" in text.stdout
    finally:
        card.write_bytes(content)


@pytest.mark.parametrize(
    "arguments, says",
    [
        (("show", "nosuch"), "there are: toy"),
        (("show", "toy", "7.0.0"), "1.0.0, 1.1.0, 2.0.0, 3.0.0"),
        (("diff", "toy", "1.0.0", "nine"), "there are"),
    ],
)
def test_a_version_that_is_not_there_is_told_with_those_that_are(
    workspace: Path, arguments: tuple, says: str
) -> None:
    done = call(workspace, *arguments)
    assert isinstance(done.exception, ReleaseError)
    assert says in str(done.exception)


def test_a_workspace_without_releases_says_so(tmp_path: Path) -> None:
    assert "No release yet" in call(tmp_path, "list").stdout
