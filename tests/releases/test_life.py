"""A data set's life: whatever grows, fails, returns, is relabelled or taken down, no version breaks a promise."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.releases import PAIRS, TOMBSTONES
from tasks.releases import Release, publish, releases
from tasks.releases.publish import Beside
from tasks.releases.verify import verify
from tests.releases.making import RECIPE, TODAY, draft, made_by_one_code, row

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(1, 30)),
        st.tuples(st.sampled_from(["fail", "return", "relabel", "take down"]), st.integers(0, 100)),
        st.tuples(st.just("alike"), st.tuples(st.integers(0, 100), st.integers(0, 100))),
    ),
    min_size=2,
    max_size=4,
)
LABEL = {"start_ms": 0, "end_ms": 1000, "label": "voice_over", "probability": 0.5, "track": None}


class Life:
    """What a workspace would hold, and the versions that were made of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.videos: dict[str, str] = {}
        self.failing: set[str] = set()
        self.down: list[str] = []
        self.pairs: list[dict] = []

    def live(self, step: str, about) -> None:
        known = [video for video in self.videos if video not in self.down]
        if step == "grow":
            new = range(len(self.videos), len(self.videos) + about)
            self.videos |= {f"v{number:03d}": "other" for number in new}
        elif known and step == "alike":
            self._find_alike(*(known[number % len(known)] for number in about))
        elif known:
            video = known[about % len(known)]
            {
                "fail": lambda: self.failing.add(video),
                "return": lambda: self.failing.discard(video),
                "relabel": lambda: self.videos.update({video: "voice_over"}),
                "take down": lambda: self.down.append(video),
            }[step]()

    def _find_alike(self, video: str, other: str) -> None:
        if video != other:
            ids = {
                "video_id": video,
                "other_video": other,
                "clip_id": f"{video}_0_1000",
                "other_clip": f"{other}_0_1000",
            }
            self.pairs.append({**ids, "kind": "both", "overlap_ms": 1000, "shorter_ms": 1000})

    def rows(self) -> list[dict]:
        present = [video for video in self.videos if video not in self.failing and video not in self.down]
        made = []
        for video in present:
            changes = {"labels": [LABEL]} if self.videos[video] == "voice_over" else {}
            channel = f"channel {int(video[1:]) % 3}"
            made += [row(self.root, video, number, channel=channel, **changes) for number in range(2)]
        return made

    def publish(self) -> Release | None:
        gone = [{"video_id": video, "taken_down_on": "2030-01-01"} for video in sorted(self.down)]
        tombstones = pa.Table.from_pylist(gone, TOMBSTONES)
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            scratch = Path(folder)
            counts = {"counts": json.dumps({"clips fingerprinted": 10_000})}
            pairs = pa.Table.from_pylist(self.pairs, PAIRS).replace_schema_metadata(counts)
            pq.write_table(pairs, scratch / "pairs")
            found = draft(self.root, self.rows(), scratch, pairs=scratch / "pairs", tombstones=tombstones)
            if found is None:
                return None
            beside = Beside(pairs=scratch / "pairs", tombstones=tombstones)
            return publish.publish(self.root, RECIPE, found, beside, TODAY, scratch)


@pytest.fixture(autouse=True, scope="module")
def _without_documents():
    """Documents and pages follow from the tables and are tested where they are made."""
    with pytest.MonkeyPatch.context() as patch:
        made_by_one_code(patch)
        for name in ("write_report", "write_documents"):
            patch.setattr(
                publish, name, lambda account, *_: (account.folder / "README.md").write_text(account.version)
            )
        yield


def keep_their_promises(life: Life) -> None:
    """What must hold of all versions so far, together."""
    sides: dict[str, str] = {}
    versions = releases(life.root, RECIPE.name)
    for made in versions:
        rows = made.rows()
        assert {each["video_id"] for each in rows} <= {*life.videos}
        for each in rows:
            assert sides.setdefault(each["video_id"], each["split"]) == each["split"], "for ever on one side"
    last = {each["clip_id"]: each["split"] for each in versions[-1].rows()} if versions else {}
    for pair in life.pairs:
        both = {last[pair[name]] for name in ("clip_id", "other_clip") if pair[name] in last}
        assert len(both) < 2, "what is alike is on one side, or left out"
    numbers = [tuple(map(int, made.version.split("."))) for made in versions]
    assert numbers == sorted(set(numbers))


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(STEPS)
def test_no_version_breaks_a_promise_and_each_made_again_is_the_same(steps: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lives = [Life(Path(folder) / name) for name in ("once", "again")]
        for life in lives:
            life.root.mkdir()
            for step, about in [("grow", 20), *steps]:
                life.live(step, about)
                made = life.publish()
                present = {each["video_id"] for each in made.rows()} if made else set()
                assert not present & {*life.down}
                if made:
                    assert list(verify(made, life.root)) == []
            keep_their_promises(life)
        sums = [
            [
                (made.version, (made.folder / "SHA256SUMS").read_text())
                for made in releases(life.root, RECIPE.name)
            ]
            for life in lives
        ]
        assert sums[0] == sums[1]


def test_a_video_that_was_taken_down_leaves_its_side_behind_and_nothing_else(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.live("grow", 20)
    first = life.publish()
    side = first.assignments()["v003"]
    life.live("take down", 3)
    second = life.publish()
    assert second.version == "2.0.0"
    changes = pq.read_table(second.folder / "changes.parquet").to_pylist()
    assert {(each["video_id"], each["change"], each["reason"]) for each in changes} == {
        ("v003", "removed", "taken_down")
    }
    assert second.assignments()["v003"] == side
    assert "v003" not in {each["video_id"] for each in second.rows()}
    assert not (second.folder / "data" / side / "media" / "v003").exists()
