"""The leakage certificate: every leak that is planted by hand is found, and nothing where there is none."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.manifest import MANIFEST
from schemas.sections import Duplicates, Splits
from tasks.splits.leakage import certify
from tasks.workspace.stage import Row
from tests.splits.making import clip, failing, fixed, heard, pair, pairs_file

CLEAN = {
    "train": [clip("a", 0), clip("a", 1), clip("b", 0)],
    "dev": [clip("c", 0)],
    "test": [clip("d", 0), clip("d", 1)],
}


def files(folder: Path, rows: dict[str, list[Row]]) -> list[Path]:
    made = []
    for split, some in rows.items():
        made.append(folder / f"{split}.parquet")
        pq.write_table(
            pa.Table.from_pylist([{"split": split, **drop(row)} for row in some], schema=MANIFEST), made[-1]
        )
    return made


def drop(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "split" or value is not None}


def with_clip(split: str, row: Row) -> dict[str, list[Row]]:
    return {**CLEAN, split: [*CLEAN[split], row]}


LEAKS = {
    "none": (CLEAN, {}, {}),
    "a video in two splits": (
        with_clip("test", clip("b", 1)),
        {},
        {"one_split_per_video": 1, "same_file": 1},
    ),
    "no split": (with_clip("dev", clip("e", 1, split="validation")), {}, {"one_split_per_video": 1}),
    "a file in two splits": (with_clip("dev", clip("e", source_sha256="file of a")), {}, {"same_file": 1}),
    "frames in two splits": (with_clip("dev", clip("e", frames_xxh3="frames of a_1")), {}, {"same_file": 1}),
    "samples in two splits": (
        with_clip("dev", clip("e", samples_xxh3="samples of d_1")),
        {},
        {"same_file": 1},
    ),
    "silence": (with_clip("dev", clip("e", samples_xxh3="samples of d_1", level_dbfs=None)), {}, {}),
    "black": (with_clip("dev", clip("e", frames_xxh3="frames of a_1", conditions=["black"])), {}, {}),
    "a page in two splits": (
        {
            "train": [
                clip("a", source_url="https://example.org/1"),
                clip("b", source_url="https://example.org/2"),
            ],
            "test": [clip("d", source_url="https://example.org/1")],
        },
        {},
        {"same_source": 1},
    ),
    "a duplicate": (CLEAN, {"pairs": [pair("d_1", "a_1")]}, {"near_duplicates": 1}),
    "two duplicates of one clip": (
        CLEAN,
        {"pairs": [pair("c_0", "gone_0"), pair("d_1", "gone_0")]},
        {"near_duplicates": 1},
    ),
    "a duplicate in one split": (CLEAN, {"pairs": [pair("b_0", "a_1"), pair("gone_0", "d_0")]}, {}),
    "an opening": (CLEAN, {"pairs": [pair("d_1", "a_1", overlap_ms=14_999)]}, {}),
    "half a clip": (
        CLEAN,
        {"pairs": [pair("d_1", "a_1", overlap_ms=4_000, shorter_ms=8_000)]},
        {"near_duplicates": 1},
    ),
    "a song": (CLEAN, {"pairs": [pair("d_1", "a_1", "sound")]}, {}),
    "a song, where songs bind": (
        CLEAN,
        {"pairs": [pair("d_1", "a_1", "sound")], "rules": Splits(together=("both", "sound"))},
        {"near_duplicates": 1},
    ),
    "a held-out channel elsewhere": (
        with_clip("test", clip("e", channel="cnn")) | {"train": [clip("f", channel="cnn")]},
        {"rules": Splits(held_out={"cnn": "test"})},
        {"held_out_channels": 1},
    ),
    "a change of sides": (
        CLEAN,
        {"earlier": [fixed({"a": "test", "d": "test", "gone": "dev"})]},
        {"no_change_of_sides": 1},
    ),
    "a change of sides long ago": (
        CLEAN,
        {"earlier": [fixed({"c": "train"}), fixed({"c": "dev", "a": "train"})]},
        {"no_change_of_sides": 1},
    ),
    "no change of sides": (
        CLEAN,
        {"earlier": [fixed({"a": "train"}), fixed({"a": "train", "d": "test"})]},
        {},
    ),
}


@pytest.mark.parametrize(("rows", "given", "expected"), LEAKS.values(), ids=LEAKS)
def test_what_is_planted_is_found(tmp_path: Path, rows: dict, given: dict, expected: dict) -> None:
    assert failing(tmp_path, files(tmp_path, rows), **given) == expected


def test_it_says_what_was_looked_at_and_names_what_it_found(tmp_path: Path) -> None:
    counts = {"clips fingerprinted": 9, "pairs possible": 36, "pairs compared": 4, "pairs alike": 2}
    pairs = pairs_file(tmp_path, [pair("d_1", "a_1"), pair("b_0", "a_0")], json.dumps(counts).encode())
    made = certify(files(tmp_path, CLEAN), pairs, Splits(), Duplicates(), [], tmp_path)
    checks = {check.name: check for check in made.checks}
    assert not made.passed
    assert checks["near_duplicates"].compared == {
        **counts,
        "pairs that bind": 2,
        "pairs that bind, both released": 2,
    }
    assert checks["near_duplicates"].examples == ["d_1 in test and a_1 in train"]
    assert checks["one_split_per_video"].compared == {"videos": 4, "clips": 6}
    assert not checks["held_out_channels"].done
    assert made.thresholds["splits.together_for"] == "15 s"
    assert made.thresholds["duplicates.max_sound"] == 0.11
    assert made.thresholds["duplicates.leave_out"] == "yes"
    assert made.thresholds["splits.together"] == "both, picture"
    assert made.shares == {
        "train": (0.5, 0.9),
        "dev": (pytest.approx(1 / 6), 0.05),
        "test": (pytest.approx(1 / 3), 0.05),
    }
    assert json.loads(json.dumps(asdict(made)))["checks"][0]["name"] == "one_split_per_video"


def test_clips_that_nobody_compared_stop_it(tmp_path: Path) -> None:
    pairs = pairs_file(tmp_path, [], b'{"clips fingerprinted": 4}')
    check = certify(files(tmp_path, CLEAN), pairs, Splits(), Duplicates(), [], tmp_path).checks[3]
    assert (check.across, check.examples) == (2, ["2 released clips were not compared with any"])


def test_without_fingerprints_the_check_is_not_done(tmp_path: Path) -> None:
    made = certify(files(tmp_path, CLEAN), None, Splits(), None, [], tmp_path)
    assert made.passed
    assert [check.name for check in made.checks if not check.done] == ["held_out_channels", "near_duplicates"]


def test_the_balance_of_the_splits(tmp_path: Path) -> None:
    speech, song = [heard("Speech", 300_000)], [heard("Speech", 60_000), heard("Music", 60_000)]
    rows = {
        "train": [clip("a", 0, audio_events=speech), clip("a", 1), clip("b", width=340)],
        "test": [clip("c", 0, "cnn", talking_head_ms=600_000, voice_over_ms=0, audio_events=song)],
    }
    made = {
        one.measure: one for one in certify(files(tmp_path, rows), None, Splits(), None, [], tmp_path).balance
    }
    values = {name: (one.everywhere, dict(one.splits), one.unit) for name, one in made.items()}
    assert values["mean length of a video"] == (800.0, {"train": 900.0, "test": 600.0}, "s")
    assert values["median length of a video"] == (600.0, {"train": 900.0, "test": 600.0}, "s")
    assert values["talking heads"] == (0.5, {"train": pytest.approx(1 / 3), "test": 1.0}, "share")
    assert values["voice-overs"] == (0.125, {"train": pytest.approx(1 / 6), "test": 0.0}, "share")
    assert values["channel cnn"] == (0.25, {"train": 0.0, "test": 1.0}, "share")
    assert values["picture of 340×256 px"] == (0.25, {"train": pytest.approx(1 / 3), "test": 0.0}, "share")
    assert values["sound Speech"] == (0.15, {"train": pytest.approx(1 / 6), "test": 0.1}, "share")
    assert list(values)[-2:] == ["sound Speech", "sound Music"]
    distances = next(one for name, one in made.items() if name.startswith("greatest distance"))
    assert distances.splits == {"train": pytest.approx(1 / 6), "test": pytest.approx(1 / 3)}


def test_equal_tables_give_equal_certificates(tmp_path: Path) -> None:
    rows = files(tmp_path, LEAKS["a file in two splits"][0])
    made = [
        json.dumps(asdict(certify(some, None, Splits(), None, [], tmp_path))) for some in (rows, rows[::-1])
    ]
    assert made[0] == made[1]
