"""croissant.json: valid, says what the card says, and mlcroissant loads through it what the tables hold."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ReleaseError
from schemas.recipe import Recipe
from tasks.releases.account import Account, Checked
from tasks.releases.documents.croissant import RECORDS, croissant_json
from tasks.releases.documents.facts import Facts, read_facts
from tasks.releases.formats.features import schema_of
from tests.releases.documents.making import account, reviewed, row

HOSTILE = 'a|b "c" \\ {d} </script> \u202e\n---\n: # é'
RELEASE = {
    "media": "reference",
    "creators": ["Jo Doe", "The Team"],
    "contact": "jo@example.org",
    "homepage": "https://example.org/toy",
}
RECIPE = Recipe.model_validate({"name": "toy", "title": "Toy", "cites": "Nobody et al.", "release": RELEASE})


def rows() -> list[dict]:
    return [
        row("a", 0, **reviewed()),
        row("a", 1, labels=[], audio_events=[], conditions=[], active_box=None, channel=HOSTILE),
        row("b", 0, split="dev", source_licence=HOSTILE, level_dbfs=None),
        row("c", 0, split="test", bytes=2**53 + 1, reviewers=3),
        row("c", 1, split="test"),
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Account, Facts]:
    version = account(tmp_path_factory.mktemp("made") / "v", rows(), recipe=RECIPE)
    facts = read_facts(version)
    (version.folder / "croissant.json").write_text(croissant_json(version, facts), encoding="utf-8")
    return version, facts


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def plain(value: Any) -> Any:
    """A value of mlcroissant's as the table has it: text as str, fields without the names of what holds them."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, Mapping):
        return {name.rpartition("/")[2]: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value


def loaded(folder: Path, **filters: Any) -> list[dict]:
    dataset = mlc.Dataset(jsonld=str(folder / "croissant.json"))
    assert dataset.metadata.ctx.issues.errors == set()
    return [plain(record) for record in dataset.records(RECORDS, **filters)]


def stored(version: Account) -> Iterator[dict]:
    """The rows in the order in which mlcroissant reads files."""
    for file in sorted(version.files()):
        yield from pq.read_table(file, partitioning=None).to_pylist()


def as_croissant_has_it(one: dict) -> dict:
    """What of a row mlcroissant changes: a missing list of structs comes as one struct of nothing."""
    schema = schema_of("reference")
    changed = dict(one)
    for name, value in one.items():
        kind = schema.field(name).type
        if value is None and pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
            changed[name] = [{part.name: None for part in kind.value_type}]
    return changed


def test_it_is_valid_and_says_nothing_that_mlcroissant_would_warn_of(made, offline) -> None:
    version, _ = made
    dataset = mlc.Dataset(jsonld=str(version.folder / "croissant.json"))
    assert dataset.metadata.ctx.issues.errors == set()
    assert dataset.metadata.ctx.issues.warnings == set()
    assert dataset.metadata.version == "1.0.0"
    assert dataset.metadata.url == "https://example.org/toy"
    assert [one.name for one in dataset.metadata.creators] == ["Jo Doe", "The Team"]
    assert dataset.metadata.cite_as.startswith("@misc{toy-1.0.0,")


def test_records_are_the_rows_of_the_tables_whatever_they_hold(made, offline) -> None:
    version, _ = made
    records = loaded(version.folder)
    assert records == [as_croissant_has_it(one) for one in stored(version)]
    assert len(records) == 5
    assert any(one["channel"] == HOSTILE for one in records)


def test_one_split_is_read_alone(made, offline, monkeypatch: pytest.MonkeyPatch) -> None:
    version, _ = made
    read: list[str] = []
    import pandas

    parquet = pandas.read_parquet
    monkeypatch.setattr(pandas, "read_parquet", lambda file: read.append(file.name) or parquet(file))
    records = loaded(version.folder, filters={"default/split": "test"})
    assert [one["clip_id"] for one in records] == ["c_0_5000", "c_5000_10000"]
    assert {one["split"] for one in records} == {"test"}
    assert [Path(name).parent.name for name in read] == ["test"]


def test_only_the_first_file_is_read_for_the_first_record(
    made, offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, _ = made
    read: list[str] = []
    import pandas

    parquet = pandas.read_parquet
    monkeypatch.setattr(pandas, "read_parquet", lambda file: read.append(file.name) or parquet(file))
    records = iter(mlc.Dataset(jsonld=str(version.folder / "croissant.json")).records(RECORDS))
    next(records)
    assert len(read) == 1


def test_splits_and_videos_are_record_sets(made, offline) -> None:
    version, _ = made
    dataset = mlc.Dataset(jsonld=str(version.folder / "croissant.json"))
    assert {one["splits/name"]: one["splits/url"] for one in dataset.records("splits")} == {
        "train": "cr:TrainingSplit",
        "dev": "cr:ValidationSplit",
        "test": "cr:TestSplit",
    }
    videos = [plain(one) for one in dataset.records("videos")]
    assert videos == pq.read_table(version.folder / "splits.parquet").to_pylist()


def test_it_moves_with_its_folder(made, offline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version, _ = made
    shutil.copytree(version.folder, tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert [one["clip_id"] for one in loaded(tmp_path / "elsewhere")] == [
        one["clip_id"] for one in stored(version)
    ]


def test_every_table_is_named_with_its_checksum(made) -> None:
    version, _ = made
    written = json.loads((version.folder / "croissant.json").read_text(encoding="utf-8"))
    files = {one["contentUrl"]: one for one in written["distribution"] if one["@type"] == "cr:FileObject"}
    expected = [file.relative_to(version.folder).as_posix() for file in version.files()] + ["splits.parquet"]
    assert list(files) == expected
    for name, one in files.items():
        content = (version.folder / name).read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == f"{len(content)} B"


def test_what_is_changed_afterwards_is_noticed_by_mlcroissant(made, tmp_path: Path) -> None:
    version, _ = made
    copy = tmp_path / "copy"
    shutil.copytree(version.folder, copy)
    table = pq.read_table(copy / "splits.parquet")
    pq.write_table(table.slice(1), copy / "splits.parquet")
    dataset = mlc.Dataset(jsonld=str(copy / "croissant.json"))
    with pytest.raises(mlc.GenerationError):
        list(dataset.records("videos"))


def test_the_fields_of_the_rai_vocabulary(made) -> None:
    version, facts = made
    days = (date(2026, 11, 20), date(2026, 11, 21))
    checked = (Checked("label", "talking_head", "precision", 0.9, 0.8, 0.95, 50),)
    written = json.loads(croissant_json(replace(version, collected=days, checked=checked), facts))
    said = {name.removeprefix("rai:"): value for name, value in written.items() if name.startswith("rai:")}
    assert set(said) == {
        "annotationsPerItem", "annotatorDemographics", "dataAnnotationAnalysis", "dataAnnotationPlatform",
        "dataAnnotationProtocol", "dataBiases", "dataCollection", "dataCollectionMissingData",
        "dataCollectionRawData", "dataCollectionTimeFrame", "dataCollectionTimeframe",
        "dataCollectionType", "dataLimitations", "dataPreprocessingProtocol",
        "dataReleaseMaintenancePlan", "dataSocialImpact", "dataUseCases", "machineAnnotationTools",
        "personalSensitiveInformation",
    }  # fmt: skip
    assert said["dataCollectionTimeframe"] == said["dataCollectionTimeFrame"] == ["2026-11-20", "2026-11-21"]
    assert said["dataAnnotationPlatform"] == "Label Studio"
    assert "3 people judged 2 clips of 5" in said["dataAnnotationProtocol"]
    assert any("precision 0.90" in one for one in said["dataAnnotationAnalysis"])
    assert "conditions near_silent: 3 dropped (15.0 s)." in said["dataCollectionMissingData"]
    assert "jo@example.org" in said["dataReleaseMaintenancePlan"]
    assert said["dataCollectionType"] == "Web Scraping"
    assert len(said["machineAnnotationTools"]) == 4
    assert written["conformsTo"] == [
        "http://mlcommons.org/croissant/1.1",
        "http://mlcommons.org/croissant/RAI/1.0",
    ]


def test_nobody_annotated(tmp_path: Path) -> None:
    bare = Recipe(name="toy", title="Toy", release={"media": "reference"})
    version = account(tmp_path / "v", [row("a", downloader=None)], recipe=bare, losses=())
    written = json.loads(croissant_json(version, read_facts(version)))
    assert {
        "rai:dataAnnotationPlatform",
        "rai:annotationsPerItem",
        "rai:annotatorDemographics",
        "creator",
        "url",
    }.isdisjoint(written)
    assert "No person" in written["rai:dataAnnotationProtocol"]
    assert written["rai:dataCollectionType"] == "Secondary Data Analysis"


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", "https://spdx.org/licenses/CC-BY-4.0.html"),
        ("for members only", "for members only"),
        ('x" \n <b>', 'x" <b>'),
    ],
)
def test_a_licence_is_named_by_its_address_if_it_has_one(made, licence: str, expected: str) -> None:
    version, facts = made
    release = version.recipe.release.model_copy(update={"licence": licence})
    recipe = version.recipe.model_copy(update={"release": release})
    written = json.loads(croissant_json(replace(version, recipe=recipe), facts))
    assert written["license"] == expected
    assert mlc.Dataset(jsonld=written).metadata.license == [expected]


def test_clips_inside_the_tables_can_be_loaded(tmp_path: Path, offline) -> None:
    video, audio = ({"bytes": content, "path": "x.mp4"} for content in (b"\x00mp4", b"\x00m4a"))
    recipe = RECIPE.model_copy(update={"release": RECIPE.release.model_copy(update={"media": "inside"})})
    version = account(
        tmp_path / "v",
        [{**row("a"), "video": video, "audio": audio}],
        recipe=recipe,
        schema=schema_of("inside"),
    )
    (version.folder / "croissant.json").write_text(
        croissant_json(version, read_facts(version)), encoding="utf-8"
    )
    dataset = mlc.Dataset(jsonld=str(version.folder / "croissant.json"))
    (record,) = dataset.records(RECORDS)
    assert record["default/video"] == {"default/video/bytes": b"\x00mp4", "default/video/path": b"x.mp4"}
    assert record["default/audio"]["default/audio/bytes"] == b"\x00m4a"


def test_a_description_that_is_wrong_stops_the_version(made, monkeypatch: pytest.MonkeyPatch) -> None:
    version, facts = made
    monkeypatch.setattr("tasks.releases.documents.croissant._TABLES", "")
    with pytest.raises(ReleaseError, match=r"toy 1\.0\.0: croissant\.json would be wrong"):
        croissant_json(version, facts)


def test_the_same_account_gives_the_same_bytes(made) -> None:
    assert croissant_json(*made) == croissant_json(*made)
