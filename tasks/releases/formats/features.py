"""What a version's tables declare beside the manifest, so that `datasets.load_dataset(folder)` gives playable clips.

    from datasets import Audio, load_dataset

    clips = load_dataset("path/to/version").cast_column("audio", Audio(sampling_rate=16_000))
    clips["train"][0]["video"], clips["train"][0]["audio"]     # torchcodec decoders, in step with each other

That line holds from any working directory, with `streaming=True` too, for clips beside the tables (`path`) and
within them (`inside`); without clips (`reference`) it is `load_dataset` alone. `datasets` resolves a path against the
folder of a table in one way only: its builder for folders of videos reads tables with a column `video_file_name`, and
refuses what lies above. So clips lie below their tables. That builder is chosen by the files that the card lists, see
`card_entries`; it declares sound as video too, which is why the line casts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import MANIFEST
from schemas.publishing import MediaForm
from schemas.sections import SPLITS
from schemas.tables import TEXT
from tasks.releases.folder import manifest_files

SAMPLE_RATE = 16_000
"""Of the sound of all clips, Hz."""

_BYTES_AND_PATH = pa.struct([("bytes", pa.binary()), ("path", TEXT)])
_FILE_NAMES = (
    pa.field(
        "video_file_name", TEXT, metadata={"description": "the clip's file, relative to this table's folder"}
    ),
    pa.field("audio_file_name", TEXT, metadata={"description": "likewise: its sound is in the same file"}),
)
_CONTENTS = (
    pa.field(
        "video", _BYTES_AND_PATH, metadata={"description": "the clip's file; `sha256` is of these bytes"}
    ),
    pa.field(
        "audio",
        _BYTES_AND_PATH,
        metadata={"description": "the clip's sound alone: its AAC packets as they are, on the same clock"},
    ),
)
_ADDED: Mapping[MediaForm, Sequence[pa.Field]] = {"reference": (), "path": _FILE_NAMES, "inside": _CONTENTS}
_DECODED = {"video": {"_type": "Video"}, "audio": {"sampling_rate": SAMPLE_RATE, "_type": "Audio"}}


def schema_of(media: MediaForm) -> pa.Schema:
    """The schema of a version's tables: MANIFEST, and the columns that hold or name the clips."""
    features = {field.name: _DECODED[field.name] for field in _ADDED[media] if field.name in _DECODED}
    declared = {"huggingface": json.dumps({"info": {"features": features}})} if features else None
    return pa.schema([*MANIFEST, *_ADDED[media]], metadata=declared)


def card_entries(folder: Path, media: MediaForm) -> dict[str, Any]:
    """The entries `configs` and `dataset_info` of a card's front matter; a split without rows is in neither.

    Args:
        folder: a version whose tables are written, be it in the making.

    A card that lists more videos than tables chooses the builder for folders of videos. One clip of each split is
    listed as often as it takes: it need not be looked for among all others each time somebody loads the version.
    """
    by_split = {
        split: [file for file in manifest_files(folder) if file.parent.name == split] for split in SPLITS
    }
    counts = {
        split: sum(pq.read_metadata(file).num_rows for file in files) for split, files in by_split.items()
    }
    present = {split: files for split, files in by_split.items() if counts[split]}
    config: dict[str, Any] = {"config_name": "default"}
    if media == "path":
        config["metadata_filenames"] = sorted({file.name for files in present.values() for file in files})
    config["data_files"] = [
        {"split": split, "path": [f"data/{split}/*.parquet", *_listed_clips(files, media)]}
        for split, files in present.items()
    ]
    sizes = [
        {
            "name": split,
            "num_bytes": sum(file.stat().st_size for file in files),
            "num_examples": counts[split],
        }
        for split, files in present.items()
    ]
    return {"configs": [config], "dataset_info": {"config_name": "default", "splits": sizes}}


def _listed_clips(files: Sequence[Path], media: MediaForm) -> list[str]:
    if media != "path":
        return []
    file = next(file for file in files if pq.read_metadata(file).num_rows)
    first = next(pq.ParquetFile(file).iter_batches(1, columns=["path"]))["path"][0].as_py()
    return [first] * (len(files) + 1)


def shard_features(columns: Sequence[str]) -> list[dict[str, Any]]:
    """The entry `features` of a card for shards, whose samples are a clip (`mp4`) and its row (`json`).

    Without it the loader takes the types of all rows from the first five, in which a column may well be null.

    Args:
        columns: those of MANIFEST that the rows have.
    """
    row = [_in_card(MANIFEST.field(name).name, MANIFEST.field(name).type) for name in columns]
    return [
        {"name": "mp4", "dtype": "video"},
        {"name": "json", "struct": row},
        {"name": "__key__", "dtype": "string"},
        {"name": "__url__", "dtype": "string"},
    ]


def _in_card(name: str, kind: pa.DataType) -> dict[str, Any]:
    """A column as a card's front matter declares it."""
    if pa.types.is_list(kind):
        inner = kind.value_type
        if pa.types.is_struct(inner):
            return {"name": name, "list": [_in_card(child.name, child.type) for child in inner]}
        return {"name": name, "list": _dtype(inner)}
    return {"name": name, "dtype": _dtype(kind)}


def _dtype(kind: pa.DataType) -> str:
    return {pa.float64(): "float64", pa.bool_(): "bool"}.get(kind, str(kind))
