"""Lists of segments: the forms in which public datasets hand them out."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import RecipeError, SourceError
from schemas.sections import ListSource
from schemas.tables import CATALOG
from tasks.sources import discover, source_from_argument
from tasks.sources.lists import Span, _by_form
from tasks.sources.segments import list_videos

A, B = "---g-f_I2yQ", "0B4dYTMsgHA"


def read(tmp_path: Path, text: str, name: str = "list.csv", **more: Any) -> tuple[list[dict], list]:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return list_videos(ListSource(kind="list", path=str(path), segment="10 s", **more))


def spans(rows: list[dict]) -> dict[str, list[tuple]]:
    return {row["video_id"]: [tuple(segment.values()) for segment in row["segments"]] for row in rows}


def test_vggsound_rows(tmp_path: Path) -> None:
    rows, left_out = read(
        tmp_path, f'{A},30,"rowboat, canoe, kayak rowing",train\n{B},0.5,"dog barking",test\n', "vgg.csv.gz"
    )
    assert not left_out
    assert spans(rows) == {
        f"youtube-{A}": [(30_000, 40_000, "rowboat, canoe, kayak rowing", "train")],
        f"youtube-{B}": [(500, 10_500, "dog barking", "test")],
    }
    assert rows[0] == dict.fromkeys(CATALOG.names) | {
        "video_id": f"youtube-{A}",
        "kind": "ytdlp",
        "location": f"https://www.youtube.com/watch?v={A}",
        "channel": "vgg",
        "segments": rows[0]["segments"],
    }


def test_a_header_names_the_columns(tmp_path: Path) -> None:
    rows, left_out = read(tmp_path, f"\ufeffsplit,filename,desc,start\r\ntrain,{A},playing tennis,185\r\n")
    assert not left_out
    assert spans(rows) == {f"youtube-{A}": [(185_000, 195_000, "playing tennis", "train")]}


def test_realsync_chunks_once_each_with_their_channel(tmp_path: Path) -> None:
    text = "".join(f"{A}_600_900_{second}_0,{second}.0,ABCNews\n" for second in range(20, 290, 10))
    text += f"{A}_0_300_20_0,20.0,ABCNews\n{A}_600_900_broken_silence_20_0,20.0,ABCNews\n"
    text += f"{B}_300_600_broken_10_0,10.0,NFL\n"
    rows, left_out = read(tmp_path, text)
    assert spans(rows) == {f"youtube-{A}": [(0, 300_000, None, None), (600_000, 900_000, None, None)]}
    assert rows[0]["channel"] == "ABCNews"
    assert [(out.id, out.reason, out.milliseconds) for out in left_out] == [
        (f"youtube-{B}_300000_600000", "marked_broken", 300_000)
    ]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        (f"{A}_000012.mp4,playing hammond organ", (12_000, 22_000, "playing hammond organ", None)),
        (f"{A}_1000_11000", (1000, 11_000, None, None)),
        (f"{A}_1000_11000.mp4", (1000, 11_000, None, None)),
        (f"{A}_4500_4800_240_0", (4_500_000, 4_800_000, None, None)),
        (f'{A}, 30.000, 40.000, "/m/09x0r,/t/dd00088"', (30_000, 40_000, "/m/09x0r,/t/dd00088", None)),
        (f"{A},30", (30_000, 40_000, None, None)),
    ],
)
def test_other_forms(text: str, span: tuple, tmp_path: Path) -> None:
    rows, left_out = read(tmp_path, f"# a comment\n\n{text}\n")
    assert not left_out
    assert spans(rows) == {f"youtube-{A}": [span]}


def test_an_id_may_end_like_a_span(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "aaaaa_10_20_1000_11000\n", "list.txt")
    assert spans(rows) == {"youtube-aaaaa_10_20": [(1000, 11_000, None, None)]}


def test_bad_rows_are_told_by_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    bad = [
        "x y,3,a,b",
        f"{A},-3,a,b",
        f"{A},three,a,b",
        f"{A},nan,a",
        f'{A},3,"open',
        f"{A},3,a,b,train",
        "abc,3,a,b",
        "word",
    ]
    rows, left_out = read(tmp_path, f"{A},1,a,b\n" + "\n".join(bad) + f"\n{B},2,a,b\n")
    assert list(spans(rows)) == [f"youtube-{A}", f"youtube-{B}"]
    assert [out.reason for out in left_out] == ["bad_row"] * len(bad)
    assert [out.id for out in left_out if out.id != "list.csv:abc"] == [
        f"list.csv:{n}" for n in (2, 3, 4, 5, 6, 7, 9)
    ]


def test_repeats_are_one_and_a_second_label_is_told(tmp_path: Path) -> None:
    rows, left_out = read(tmp_path, f"{A},1,dog,train\n{A},1,dog,train\n{A},1,cat,train\n{A},0,dog,train\n")
    assert spans(rows) == {f"youtube-{A}": [(0, 10_000, "dog", "train"), (1000, 11_000, "dog", "train")]}
    assert [(out.id, out.reason) for out in left_out] == [(f"youtube-{A}_1000_11000", "second_label")]


def test_another_site_by_its_pattern(tmp_path: Path) -> None:
    rows, _ = read(tmp_path, "76979871,1,a,b\n", url="https://vimeo.com/{id}")
    assert rows[0]["video_id"] == "vimeo-76979871"
    rows, _ = read(tmp_path, "one,1\ntwo,1\n", url="https://media.example.org/v/{id}.mp4", channel="own")
    assert len(rows) == 2
    assert all(row["video_id"].startswith("generic-") and row["channel"] == "own" for row in rows)
    with pytest.raises(RecipeError, match="no {id}"):
        read(tmp_path, "one,1\n", url="https://media.example.org/v/")


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv.gz", b"no gzip"), ("a.csv", b"\xff\xfe"), ("a.csv.gz", None)]
)
def test_what_is_no_list(name: str, content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError):
        list_videos(ListSource(kind="list", path=str(tmp_path / name)))


@given(st.lists(st.text(max_size=30), min_size=1, max_size=6))
def test_any_row_is_a_possible_span_or_refused(cells: list[str]) -> None:
    try:
        span = _by_form(cells, 10_000)
    except ValueError:
        return
    assert isinstance(span, Span)
    assert 0 <= span.start_ms < span.end_ms


def test_known_videos_come_with_their_spans(tmp_path: Path, make_recipe: Any) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{A},1,a,b\n{B},2,a,b\nbad row\n")
    calls = []
    found = discover(
        ListSource(kind="list", path=str(path)),
        make_recipe(),
        tmp_path,
        {f"youtube-{A}"},
        None,
        lambda *a: calls.append(a),
    )
    assert [row["video_id"] for row in found.videos] == [f"youtube-{B}"]
    assert spans(found.known) == {f"youtube-{A}": [(1000, 11_000, "a", "b")]}
    assert [out.reason for out in found.left_out] == ["bad_row"]
    assert len(discover(ListSource(kind="list", path=str(path)), make_recipe(), tmp_path, (), 1).videos) == 1


@pytest.mark.parametrize(
    ("text", "kind", "channel"),
    [
        ("https://www.youtube.com/@CNN", "ytdlp", None),
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", "ytdlp", None),
        ("CNN=https://www.youtube.com/watch?v=dQw4w9WgXcQ", "ytdlp", "CNN"),
        ("lists/vggsound.csv.gz", "list", None),
        ("mine=ids.txt", "list", "mine"),
        ("films/", "files", None),
        ("mine=films/*.mp4", "files", "mine"),
        ("films/a=b.mp4", "files", None),
    ],
)
def test_source_from_argument(text: str, kind: str, channel: str | None) -> None:
    source = source_from_argument(text)
    assert (source.kind, source.channel) == (kind, channel)
    assert (getattr(source, "url", "") if kind == "ytdlp" else source.path) == text.removeprefix(
        f"{channel}="
    )


REAL = {
    "realsync_uniform.evaluation.csv.gz": (74, 618, {}),
    "realsync_uniform.test.csv.gz": (85, 612, {}),
    "realsync_normal.evaluation.csv.gz": (65, 620, {"marked_broken": 1}),
    "realsync_normal.skip_ids.txt": (79, 254, {}),
    "vggsound_test.csv.gz": (14_851, 15_446, {}),
    "vggsound_valid_ids.txt.gz": (14_156, 18_845, {}),
    "vggsound_sparse_clean.csv": (581, 600, {}),
}


@pytest.mark.parametrize("name", sorted(REAL))
def test_public_lists_parse_completely(name: str, shared_data: Path) -> None:
    began = time.monotonic()
    rows, left_out = list_videos(ListSource(kind="list", path=str(shared_data / "lists" / name)))
    reasons = {out.reason: sum(o.reason == out.reason for o in left_out) for out in left_out}
    assert (len(rows), sum(len(row["segments"]) for row in rows), reasons) == REAL[name]
    assert len({row["video_id"] for row in rows}) == len(rows)
    assert time.monotonic() - began < 30
