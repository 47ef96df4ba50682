"""What two versions have in common, and which versions hold a video: as a plain comparison of rows says."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv as csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ReleaseError
from tasks.releases.common import COMMON, common_clips, count_common, write_common
from tasks.releases.holders import datasets, holdings
from tests.releases.making import row
from tests.releases.versions import write_version

CLIPS = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 2)),
    st.tuples(st.sampled_from(("train", "dev", "test")), st.sampled_from("xy")),
    min_size=1,
)


def rows_of(root: Path, clips: dict) -> list[dict]:
    return [
        row(root, video, number, split=split, sha256=checksum)
        for (video, number), (split, checksum) in clips.items()
    ]


@settings(deadline=None, max_examples=12)
@given(old=CLIPS, new=CLIPS, there=st.none() | st.sets(st.sampled_from("abcd")))
def test_common_is_what_a_plain_comparison_says(tmp_path_factory, old: dict, new: dict, there) -> None:
    root = tmp_path_factory.mktemp("workspace")
    first = write_version(root, "1.0.0", rows_of(root, old))
    second = write_version(root, "2.0.0", rows_of(root, new))
    expected = {}
    for clip in old.keys() | new.keys():
        if clip not in new or clip not in old:
            expected[clip] = "only_second" if clip in new else "only_first"
        elif old[clip] == new[clip]:
            expected[clip] = "common" if there is None or clip[0] in there else "not_available"
        else:
            expected[clip] = "other_split" if old[clip][1] == new[clip][1] else "other_data"
    available = None if there is None else sorted(there)
    table = common_clips(first, second, root, available)
    assert table.schema.equals(COMMON)
    shared = sorted((video, number) for (video, number), what in expected.items() if what == "common")
    assert table.to_pylist() == [
        {"clip_id": f"{video}_{n * 1000}_{n * 1000 + 1000}", "video_id": video, "split": new[video, n][0]}
        for video, n in shared
    ]
    counted = {(group.what, group.split): (group.clips, group.milliseconds) for group in count_common(
        first, second, root, available)}  # fmt: skip
    wanted: dict = {}
    for clip, what in expected.items():
        place = what, (new.get(clip) or old[clip])[0]
        clips, milliseconds = wanted.get(place, (0, 0))
        wanted[place] = clips + 1, milliseconds + 1000
    assert counted == wanted


def test_the_ids_are_written_and_twice_the_same(tmp_path: Path) -> None:
    rows = [row(tmp_path, video) for video in ("b", "a")]
    first, second = write_version(tmp_path, "1.0.0", rows), write_version(tmp_path, "1.0.1", rows)
    for name in ("x.parquet", "y.parquet", "x.csv"):
        assert write_common(first, second, tmp_path, tmp_path / name) == 2
    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "y.parquet").read_bytes()
    assert pq.read_table(tmp_path / "x.parquet").equals(csv.read_csv(tmp_path / "x.csv"))
    with pytest.raises(ReleaseError, match="neither"):
        write_common(first, second, tmp_path, tmp_path / "x.txt")


def test_a_version_without_clips_has_nothing_in_common(tmp_path: Path) -> None:
    first, second = (
        write_version(tmp_path, "1.0.0", [row(tmp_path, "a")]),
        write_version(tmp_path, "2.0.0", []),
    )
    with pytest.raises(ReleaseError, match="no clips"):
        common_clips(first, second, tmp_path)


def test_every_version_that_holds_a_video_is_named(tmp_path: Path) -> None:
    a, again, b = row(tmp_path, "a"), row(tmp_path, "a", 1), row(tmp_path, "b")
    assert datasets(tmp_path) == []
    write_version(tmp_path, "1.0.0", [a, again, b])
    write_version(tmp_path, "2.0.0", [b])
    write_version(tmp_path, "1.0.0", [a], dataset="other")
    assert datasets(tmp_path) == ["other", "toy"]
    found = holdings(tmp_path, ["a"])
    assert [(each.dataset, each.version, each.clips, each.milliseconds, each.latest) for each in found] == [
        ("other", "1.0.0", 1, 1000, True),
        ("toy", "1.0.0", 2, 2000, False),
    ]
    for each in found:
        assert all((each.folder / path).is_file() for path in each.paths) and len(each.paths) == each.clips
    assert holdings(tmp_path, ["' OR 1 = 1 --"]) == []
