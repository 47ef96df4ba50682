"""Counting audio events, and the picture of the most frequent ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from schemas.manifest import MANIFEST
from tasks.sounds import EventCount, draw_top_events, top_events
from tasks.sounds.audioset import audioset_classes, ontology
from tasks.sounds.statistics import ROOT_COLOURS

SPEECH, DOG, MUSIC = "/m/09x0r", "/m/0bt9lr", "/m/04rlf"


def event(clip_id: str, id: str, start_ms: int = 0, end_ms: int = 1_000) -> dict:
    return {"clip_id": clip_id, "id": id, "start_ms": start_ms, "end_ms": end_ms}


def counted(rows: list[dict], count: int = 50) -> list[EventCount]:
    """What is counted of a table of clips that have these events."""
    clips = sorted({row["clip_id"] for row in rows}) or ["silent"]
    heard = [[row for row in rows if row["clip_id"] == clip] for clip in clips]
    table = pa.table({"clip_id": clips, "audio_events": pa.array(heard, MANIFEST.field("audio_events").type)})
    with duckdb.connect() as database:
        database.register("clips", table)
        return top_events(database, count)


def test_most_events_first_then_longest_then_by_name():
    rows = [
        event("a", MUSIC, 0, 9_000),
        event("a", SPEECH, 0, 2_000),
        event("b", SPEECH, 0, 500),
        event("b", SPEECH, 2_000, 4_500),
        event("b", DOG),
    ]
    assert counted(rows) == [
        EventCount(SPEECH, "Speech", clips=2, events=3, seconds=5.0),
        EventCount(MUSIC, "Music", clips=1, events=1, seconds=9.0),
        EventCount(DOG, "Dog", clips=1, events=1, seconds=1.0),
    ]
    assert [one.id for one in counted(rows, count=1)] == [SPEECH]
    same = [event("a", SPEECH), event("a", MUSIC), event("a", DOG)]
    assert [one.name for one in counted(same)] == ["Dog", "Music", "Speech"]


def test_nothing_heard():
    assert counted([]) == []


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from([SPEECH, DOG, MUSIC]),
            st.integers(0, 99),
            st.integers(1, 99),
        )
    )
)
def test_nothing_is_lost_or_counted_twice(drawn):
    rows = [event(clip, id, start_ms, start_ms + length_ms) for clip, id, start_ms, length_ms in drawn]
    counts = counted(rows)
    assert counts == counted(rows[::-1])
    assert sum(one.events for one in counts) == len(rows)
    assert sum(one.seconds for one in counts) * 1000 == pytest.approx(sum(row[3] for row in drawn))
    assert sum(one.clips for one in counts) == len({row[:2] for row in drawn})


def test_roots_have_colours():
    assert set(ROOT_COLOURS) == {one.name for one in ontology().values() if not one.parents}
    assert len(set(ROOT_COLOURS.values())) == len(ROOT_COLOURS)


def counts(number: int) -> list[EventCount]:
    return [
        EventCount(one.id, one.name, clips=3, events=5_000 // (place + 1), seconds=7_000.0)
        for place, one in enumerate(audioset_classes()[:number])
    ]


@pytest.mark.parametrize("number", [0, 1, 12])
def test_same_rows_same_bytes(tmp_path, number):
    files = [tmp_path / name for name in ("a.svg", "b.svg", "a.png", "b.png")]
    for file in files:
        draw_top_events(counts(number), file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[2].read_bytes() == files[3].read_bytes()
    assert ElementTree.parse(files[0]).getroot().tag.endswith("svg")


def test_bars_are_as_long_as_the_counts(tmp_path):
    """Looked for in the picture itself: the longest run of a root's colour in any line of pixels."""
    rows = [EventCount(SPEECH, "Speech", 1, 800, 1.0), EventCount(DOG, "Dog", 1, 200, 1.0)]
    draw_top_events(rows, tmp_path / "chart.png")
    picture = np.array(Image.open(tmp_path / "chart.png").convert("RGB"))
    lengths = []
    for root in ("Human sounds", "Animal"):
        colour = np.frombuffer(bytes.fromhex(ROOT_COLOURS[root][1:]), np.uint8)
        lines = (picture == colour).all(2).astype(np.uint8)
        lengths.append(max(len(run) for line in lines for run in line.tobytes().split(b"\0")))
    assert lengths[0] / lengths[1] == pytest.approx(4, rel=0.05)
    assert lengths[0] > picture.shape[1] / 2


def test_matplotlib_is_not_imported_before_a_picture_is_drawn():
    program = "import sys, tasks.sounds; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).resolve().parents[2], check=True)
