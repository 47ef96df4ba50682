"""croissant.json: a version as MLCommons' Croissant describes data sets, with the fields of its RAI vocabulary.

    import mlcroissant as mlc

    dataset = mlc.Dataset(jsonld="path/to/version/croissant.json")
    next(iter(dataset.records("default", filters={"default/split": "test"})))

It is built by mlcroissant's own classes, which also check it. Reading asks no network: the files lie beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from schemas.errors import ReleaseError
from schemas.releases import SPLIT_TABLE
from schemas.sections import SPLITS
from tasks.releases.account import Account
from tasks.releases.documents import cautions, collected, kept, labelled
from tasks.releases.documents.citation import citation_entry
from tasks.releases.documents.facts import Facts
from tasks.releases.documents.text import outside
from tasks.releases.formats.features import schema_of

if TYPE_CHECKING:
    import mlcroissant as mlc

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")

RECORDS, VIDEOS, KINDS = "default", "videos", "splits"
"""The record sets: the clips; the source videos with their splits; what each split is for."""

_PARQUET = "application/x-parquet"
_TABLES = "tables"
_FOR = {"train": "cr:TrainingSplit", "dev": "cr:ValidationSplit", "test": "cr:TestSplit"}


def croissant_json(account: Account, facts: Facts) -> str:
    """The JSON of a version whose tables are written.

    Raises:
        ReleaseError: mlcroissant finds it wrong.
    """
    import mlcroissant as mlc  # brings pandas, networkx and rdflib, and takes more than a second

    recipe = account.recipe
    try:
        described = mlc.Metadata(
            **_who_and_when(account, mlc),
            **_responsible(account, facts),
            name=outside(recipe.title),
            description=f"{collected.size_of_it(recipe, facts)} {' '.join(collected.purpose(recipe))}",
            conforms_to=list(CONFORMS_TO),
            keywords=["audio-visual synchronisation", "active speaker", "audio events"],
            distribution=_files(account, mlc),
            record_sets=[_splits(mlc), _videos(mlc), _clips(account, mlc)],
        )
    except mlc.ValidationError as error:
        raise ReleaseError(
            f"{recipe.name} {account.version}", f"croissant.json would be wrong: {error}", "mend the recipe"
        ) from error
    return json.dumps(described.to_json(), indent=1, ensure_ascii=False) + "\n"


def _who_and_when(account: Account, mlc: Any) -> dict[str, Any]:
    release = account.recipe.release
    return {
        "version": account.version,
        "license": [_licence(release.licence)],
        "url": release.homepage,
        "cite_as": citation_entry(account),
        "date_published": account.today.isoformat(),
        "creators": [mlc.Person(name=outside(name)) for name in release.creators],
    }


def _licence(name: str) -> str:
    """The address of a licence that has an SPDX id, as Croissant advises; any other by what it is called."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+-]*", name):
        return f"https://spdx.org/licenses/{name}.html"
    return outside(name)


def _responsible(account: Account, facts: Facts) -> dict[str, Any]:
    """The RAI fields, from the sentences of the datasheet."""
    recipe, per_item = account.recipe, labelled.per_item(facts)
    people = labelled.by_people(account, facts)
    return {
        "data_collection": _joined(
            [collected.sources(recipe), collected.admission(recipe), *collected.timeframe(account, facts)]
        ),
        "data_collection_type": _kinds(facts),
        "data_collection_missing_data": _joined(
            [*collected.missing(account), *_lost(account), *collected.absent(facts)]
        ),
        "data_collection_raw_data": _joined(
            [collected.size_of_it(recipe, facts), *kept.rights(recipe, facts)]
        ),
        **_timeframe(account.collected),
        "data_preprocessing_protocol": collected.preprocessing(account),
        "data_annotation_protocol": [
            _joined([*labelled.by_machine(account, facts), *labelled.judge(account, facts), *people])
        ],
        "data_annotation_platform": ["Label Studio"] if per_item or account.checked else None,
        "data_annotation_analysis": [*labelled.errors(account, facts), *labelled.agreement(account, facts)],
        "annotations_per_item": per_item and f"{per_item} people for each clip that people judged",
        "annotator_demographics": labelled.demographics(facts) or None,
        "machine_annotation_tools": labelled.tools(facts) or None,
        "data_biases": cautions.biases(account, facts),
        "data_limitations": [*cautions.limitations(account, facts), *collected.sync(facts)],
        "data_use_cases": [*cautions.USES, *(f"Not for: {use}" for use in cautions.MISUSES)],
        "data_social_impact": cautions.IMPACT,
        "personal_sensitive_information": cautions.personal(facts),
        "data_release_maintenance_plan": _joined([*kept.versions(account), *kept.takedown(account, facts)]),
    }


def _kinds(facts: Facts) -> list[str]:
    """How the videos came here, in the vocabulary's words: by a program from the web, or from a disk."""
    names = [tool.name for tool in facts.tools.listed]
    return [
        *(["Web Scraping"] if any(names) else []),
        *(["Secondary Data Analysis"] if None in names else []),
    ]


def _timeframe(days: tuple[date, date] | None) -> dict[str, Any]:
    """mlcroissant spells the field otherwise than the vocabulary, so it stands there in both spellings."""
    if days is None:
        return {}
    written = [day.isoformat() for day in days]
    return {
        "data_collection_timeframe": written,
        "extra_properties": {"rai:dataCollectionTimeframe": written},
    }


def _lost(account: Account) -> list[str]:
    """The largest losses, as sentences."""
    return [
        f"{station} {reason}: {items:,} {outcome} ({length})."
        for station, outcome, reason, items, length in collected.losses(account)[:20]
    ]


def _joined(sentences: Sequence[str]) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _files(account: Account, mlc: Any) -> list[Any]:
    """The tables as one set, and each file with its checksum."""
    folder = account.folder
    files = [*account.files(), folder / "splits.parquet"]
    present = [split for split in SPLITS if any(file.parent.name == split for file in files)]
    return [
        mlc.FileSet(
            id=_TABLES,
            name=_TABLES,
            description="The rows of all clips, split by split.",
            encoding_formats=[_PARQUET],
            includes=[f"data/{split}/*.parquet" for split in present],
        ),
        *(_file(file, folder, mlc) for file in files),
        *(
            [
                mlc.FileSet(
                    id="clips",
                    name="clips",
                    description="The clips; SHA256SUMS and the column sha256 have their checksums.",
                    encoding_formats=["video/mp4"],
                    includes=["data/*/media/*/*.mp4"],
                )
            ]
            if account.recipe.release.media == "path"
            else []
        ),
    ]


def _file(file: Path, folder: Path, mlc: Any) -> Any:
    name = file.relative_to(folder).as_posix()
    with file.open("rb") as stream:
        checksum = hashlib.file_digest(stream, "sha256").hexdigest()
    return mlc.FileObject(
        id=name,
        name=name,
        content_url=name,
        content_size=f"{file.stat().st_size} B",
        encoding_formats=[_PARQUET],
        sha256=checksum,
    )


def _splits(mlc: Any) -> Any:
    """What each split is for, in Croissant's words."""
    name, purpose = f"{KINDS}/name", f"{KINDS}/url"
    return mlc.RecordSet(
        id=KINDS,
        name=KINDS,
        description="The splits: whole source videos lie in one of them.",
        data_types=[mlc.DataType.SPLIT],
        key=[name],
        fields=[
            mlc.Field(id=name, name="name", data_types=[mlc.DataType.TEXT]),
            mlc.Field(id=purpose, name="url", data_types=[mlc.DataType.URL, mlc.DataType.SPLIT]),
        ],
        data=[{name: split, purpose: _FOR[split]} for split in SPLITS],
    )


def _videos(mlc: Any) -> Any:
    """Every source video that any version assigned, with its split."""
    fields = [
        mlc.Field(
            id=f"{VIDEOS}/{field.name}",
            name=field.name,
            description=_meaning(field),
            data_types=[mlc.DataType.TEXT],
            source=mlc.Source(file_object="splits.parquet", extract=mlc.Extract(column=field.name)),
            **({"references": mlc.Source(field=f"{KINDS}/name")} if field.name == "split" else {}),
        )
        for field in SPLIT_TABLE
    ]
    return mlc.RecordSet(
        id=VIDEOS,
        name=VIDEOS,
        description="Every source video that this or an earlier version assigned, with its split.",
        key=[f"{VIDEOS}/video_id"],
        fields=fields,
    )


def _clips(account: Account, mlc: Any) -> Any:
    """One record for each clip."""
    return mlc.RecordSet(
        id=RECORDS,
        name=RECORDS,
        description="One record for each clip; times in ms from the clip's start unless a name says source.",
        key=[f"{RECORDS}/clip_id"],
        fields=[_field(field, mlc) for field in schema_of(account.recipe.release.media)],
    )


def _field(field: pa.Field, mlc: Any) -> Any:
    """A column with the parts of what is nested in it; mlcroissant reads a missing list of structs as one null."""
    described = {"id": f"{RECORDS}/{field.name}", "name": field.name, "description": _meaning(field)}
    kind = field.type
    if field.name == "split":
        return mlc.Field(
            **described, data_types=[mlc.DataType.TEXT, mlc.DataType.SPLIT], source=_from_path(mlc)
        )
    if pa.types.is_struct(kind):
        return mlc.Field(**described, sub_fields=_parts(field.name, kind, mlc))
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return mlc.Field(
            **described, is_array=True, array_shape="-1", sub_fields=_parts(field.name, kind.value_type, mlc)
        )
    if pa.types.is_list(kind):
        return mlc.Field(
            **described,
            is_array=True,
            array_shape="-1",
            data_types=[_data_type(kind.value_type, mlc)],
            source=_from_column(field.name, mlc),
        )
    return mlc.Field(**described, data_types=[_data_type(kind, mlc)], source=_from_column(field.name, mlc))


def _parts(column: str, kind: pa.StructType, mlc: Any) -> list[Any]:
    return [
        mlc.Field(
            id=f"{RECORDS}/{column}/{part.name}",
            name=part.name,
            data_types=[_data_type(part.type, mlc)],
            source=_from_column(column, mlc, part.name),
        )
        for part in kind
    ]


def _from_column(column: str, mlc: Any, part: str | None = None) -> mlc.Source:
    transforms = [mlc.Transform(json_path=part)] if part else []
    return mlc.Source(file_set=_TABLES, extract=mlc.Extract(column=column), transforms=transforms)


def _from_path(mlc: Any) -> mlc.Source:
    """The split by the folder of the file: so readers open only the files of the split that they want.

    A reference to the record set of splits would say more, but mlcroissant joins what is referenced, and reads all
    files whole before it gives the first record; `videos` has that reference.
    """
    return mlc.Source(
        file_set=_TABLES,
        extract=mlc.Extract(file_property=mlc.FileProperty.fullpath),
        transforms=[mlc.Transform(regex=f"^data/({'|'.join(SPLITS)})/.+\\.parquet$")],
    )


def _data_type(kind: pa.DataType, mlc: Any) -> Any:
    names = {
        pa.string(): "TEXT",
        pa.int64(): "INT64",
        pa.float64(): "FLOAT64",
        pa.bool_(): "BOOL",
        pa.binary(): "VIDEO_OBJECT",
    }
    return getattr(mlc.DataType, names[kind])


def _meaning(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"description", b"").decode()
