"""The stage `labels` on rows as earlier stages write them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from schemas.recipe import Recipe
from tasks.labels.stage import STAGE
from tasks.workspace.stage import Context, Item


def test_rows_fit_the_schema_and_cover_the_clip():
    box = [10.0, 10.0, 90.0, 90.0]
    window = {
        "track": 0,
        "start_ms": 0,
        "end_ms": 2000,
        "probability": 0.9,
        "offset_ms": 0,
        "confidence": 1.0,
        "unjudged": None,
    }
    item = Item(
        id="v_0_3000",
        video_id="v",
        row={"duration_ms": 3000},
        records={
            "speech": [{"start_ms": 0, "end_ms": 3000, "score": 0.9}],
            "faces": [{"track": 0, "start_frame": 0, "boxes": [box] * 50, "scores": [0.9] * 50}],
            "turns": [],
            "speakers": [window],
        },
    )
    worker = STAGE.open(Context(Recipe(name="test", title="Test"), Path(), lambda name: Path(name)))
    produced = worker(item)
    table = pa.Table.from_pylist(produced.rows, schema=STAGE.schema)
    assert table["label"].to_pylist() == ["talking_head", "other"]
    assert table["end_ms"].to_pylist() == [2000, 3000]
    assert {key for row in produced.rows for key in row} == set(STAGE.schema.names)
