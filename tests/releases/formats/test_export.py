"""An export as Parquet: any form from any form, whole or not at all, and nothing that may not be passed on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from schemas.errors import ReleaseError
from schemas.manifest import MANIFEST
from schemas.publishing import Publishing
from tasks.releases.folder import Release
from tasks.releases.formats.export import export_layout, milliseconds_in, rules_of
from tasks.releases.formats.exported import Options, media_form
from tests.releases.formats.making import CLIPS, CLOSED, FREE, make_clip, make_release

RULES = Publishing(redistributable=(FREE,))


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def contents(folder: Path) -> dict[str, bytes]:
    """The clips that an export gives away, by id."""
    export = Release("toy", "1.0.0", folder)
    if media_form(export) == "inside":
        rows = export.table(["clip_id", "video"]).to_pylist()
        return {row["clip_id"]: row["video"]["bytes"] for row in rows if row["video"]}
    rows = export.table(["clip_id", "path"]).to_pylist()
    return {row["clip_id"]: (folder / row["path"]).read_bytes() for row in rows if row["path"]}


@pytest.mark.parametrize("target", ["reference", "path", "inside"])
@pytest.mark.parametrize("has", ["path", "inside"])
def test_any_form_is_made_from_any_form(tmp_path, clip, has, target) -> None:
    release = make_release(tmp_path, clip, has)
    told: list[int] = []
    options = Options(RULES, media=target, advance=told.append)
    made = export_layout(release, "parquet", tmp_path / "out", options)
    assert sum(told) == milliseconds_in(release, options) == 12_000
    out = Release("toy", "1.0.0", tmp_path / "out")
    assert media_form(out) == target
    kept = [name for name in MANIFEST.names if name != "path"]
    assert out.table(kept).to_pylist() == release.table(kept).to_pylist()
    if target == "reference":
        assert (made.clips, [(share.reason, share.parts) for share in made.left_out]) == (
            0,
            [("no_media", 4)],
        )
        assert not list((tmp_path / "out").rglob("*.mp4"))
    else:
        assert (made.clips, made.left_out) == (4, [])
        assert contents(tmp_path / "out") == dict.fromkeys(CLIPS, clip.read_bytes())
    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    for line in lines:
        checksum, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == checksum
    files = {
        str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()
    }
    assert {line.split("  ")[1] for line in lines} == files - {"SHA256SUMS"}


@pytest.mark.parametrize("target", ["path", "inside"])
@pytest.mark.parametrize("has", ["path", "inside"])
def test_clips_that_may_not_be_passed_on_are_given_by_reference(tmp_path, clip, has, target) -> None:
    release = make_release(tmp_path, clip, has, licences={"a_0_3000": CLOSED, "c_0_3000": None})
    made = export_layout(release, "parquet", tmp_path / "out", Options(RULES, media=target))
    assert (made.clips, made.by_reference) == (2, True)
    assert [(share.reason, share.parts) for share in made.left_out] == [("may_not_be_passed_on", 2)]
    assert set(contents(tmp_path / "out")) == {"a_3000_6000", "b.b_0_3000"}
    assert len(Release("toy", "1.0.0", tmp_path / "out").rows()) == 4
    assert len(list((tmp_path / "out").rglob("*.mp4"))) == (2 if target == "path" else 0)
    assert "2 clips (0.00 hours) are here by reference alone" in (tmp_path / "out" / "README.md").read_text()
    export_layout(release, "parquet", tmp_path / "own", Options(RULES, media=target, own_use=True))
    assert len(contents(tmp_path / "own")) == 4


def test_an_export_is_equal_each_time_and_its_card_loads_its_form(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip)
    for name in ("one", "two"):
        export_layout(release, "parquet", tmp_path / name, Options(RULES, media="inside", limit=2))
    assert (tmp_path / "one/SHA256SUMS").read_bytes() == (tmp_path / "two/SHA256SUMS").read_bytes()
    front = yaml.safe_load((tmp_path / "one/README.md").read_text().split("---\n")[1])
    assert front["pretty_name"] == "Toy"
    assert "metadata_filenames" not in front["configs"][0]
    sizes = {split["name"]: split["num_examples"] for split in front["dataset_info"]["splits"]}
    assert sizes == {"train": 2, "test": 1}


def test_the_report_goes_along_without_excerpts_that_may_not_be_passed_on(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip)
    excerpt = '<video class="preview" data-licence="{}" src="data:video/mp4;base64,AAAA"></video>'
    page = "<p>" + excerpt.format(FREE) + excerpt.format(CLOSED) + "</p>"
    (release.folder / "report.html").write_text(page)
    export_layout(release, "parquet", tmp_path / "out", Options(RULES))
    export_layout(release, "parquet", tmp_path / "own", Options(RULES, own_use=True))
    kept = (tmp_path / "out/report.html").read_text()
    assert excerpt.format(FREE) in kept
    assert CLOSED not in kept
    assert (tmp_path / "own/report.html").read_text() == page


def test_what_stops_an_export_leaves_nothing(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip)
    (release.folder / "data/train/media/a/a_3000_6000.mp4").write_bytes(b"short")
    with pytest.raises(ReleaseError, match=r"a_3000_6000: its file should have \d+ bytes and has 5"):
        export_layout(release, "parquet", tmp_path / "out", Options(RULES, media="inside"))
    with pytest.raises(ReleaseError, match=r"a_3000_6000"):
        export_layout(release, "parquet", tmp_path / "out", Options(RULES))
    assert [path.name for path in tmp_path.iterdir()] == ["releases"]


def test_what_is_there_is_not_replaced(tmp_path, clip) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ReleaseError, match=r"is there already"):
        export_layout(make_release(tmp_path, clip), "parquet", tmp_path / "out", Options(RULES))


def test_an_export_of_nothing_says_why(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip)
    with pytest.raises(ReleaseError, match=r"no clip for this export: 4 may_not_be_passed_on.*own-use"):
        export_layout(release, "parquet", tmp_path / "out", Options(Publishing()))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["synchformer", "streamsync"])
def test_layouts_of_others_are_whole_folders_too(tmp_path, layout) -> None:
    seconds = {"synchformer": 10, "streamsync": 30}[layout]
    long = make_clip(tmp_path / "long.mp4", seconds)
    licences = {"a_0_3000": CLOSED}
    release = make_release(tmp_path, long, licences=licences, seconds=seconds)
    told: list[int] = []
    made = export_layout(release, layout, tmp_path / "out", Options(RULES, advance=told.append))
    assert (made.clips, sum(told)) == (3, 4000 * seconds)
    assert ("may_not_be_passed_on", 1) in [(share.reason, share.parts) for share in made.left_out]
    assert not made.by_reference
    assert made.notes
    lines = (tmp_path / "out" / "SHA256SUMS").read_text().splitlines()
    names = {line.split("  ")[1] for line in lines}
    files = {
        str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()
    }
    assert names == files - {"SHA256SUMS"}
    assert len([name for name in names if name.endswith((".mp4", ".mkv"))]) == 3


@pytest.mark.parametrize("layout", ["synchformer", "streamsync"])
def test_clips_that_a_layout_cannot_hold_are_told(tmp_path, clip, layout) -> None:
    release = make_release(tmp_path, clip)
    with pytest.raises(ReleaseError, match=r"no clip for this export: 4 \w+ \(choose another layout"):
        export_layout(release, layout, tmp_path / "out", Options(RULES))
    assert not (tmp_path / "out").exists()


def test_a_version_without_clips_gives_none(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip, "reference")
    with pytest.raises(ReleaseError, match=r"by reference alone, and they are asked for as `inside`"):
        export_layout(release, "parquet", tmp_path / "out", Options(RULES, media="inside"))
    assert export_layout(release, "parquet", tmp_path / "out", Options(RULES)).clips == 0


def test_versions_of_before_have_fewer_columns(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip)
    for file in release.files():
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["list_split"]), file)
    for layout, media in (("parquet", "inside"), ("parquet", "path"), ("webdataset", None)):
        out = tmp_path / f"{layout}-{media}"
        assert export_layout(release, layout, out, Options(RULES, media=media)).clips == 4


def test_rules_are_those_of_the_version(tmp_path, clip) -> None:
    release = make_release(tmp_path, clip)
    assert rules_of(release) == RULES
    (release.folder / "recipe.yaml").write_text("name: toy\n")
    assert rules_of(release) == Publishing()
    (release.folder / "recipe.yaml").unlink()
    with pytest.raises(ReleaseError, match=r"recipe\.yaml: cannot be read"):
        rules_of(release)
