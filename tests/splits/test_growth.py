"""Any life of a dataset: videos come, fail, return, are relabelled and taken down, and are found to be alike."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.sections import SPLITS, Splits
from tasks.splits import Splitting, split_videos
from tasks.splits.leakage import certify
from tasks.workspace.stage import Row
from tests.splits.making import clip, heard, pair, pairs_file, parts, splits_of, written

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("grow", "fail", "return", "relabel", "take down", "alike")),
        st.integers(0, 10_000),
        st.integers(1, 30),
    ),
    min_size=2,
    max_size=6,
)


@dataclass
class Life:
    """What a workspace holds: clips by id, those that fail for now, pairs that were found."""

    clips: dict[str, Row] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    pairs: dict[tuple[str, str], Row] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def live(self, step: tuple[str, int, int]) -> None:
        what, seed, count = step
        rng = np.random.default_rng(seed)
        some = sorted(self.clips)
        picked = [some[place] for place in rng.integers(0, len(some), count)] if some else []
        match what:
            case "grow":
                self._grow(rng, count)
            case "fail":
                self.failing |= set(picked)
            case "return":
                self.failing -= set(picked)
            case "relabel":
                for name in picked:
                    self.clips[name] = {**self.clips[name], "talking_head_ms": int(rng.integers(0, 600_000))}
            case "take down":
                self.gone |= {self.clips[name]["video_id"] for name in picked[:2]}
            case "alike":
                for one, other in zip(picked[::2], picked[1::2], strict=False):
                    kind = str(rng.choice(("both", "picture", "sound")))
                    self.pairs[one, other] = pair(
                        one, other, kind, overlap_ms=int(rng.integers(2_000, 60_000))
                    )

    def _grow(self, rng: np.random.Generator, count: int) -> None:
        for _ in range(count):
            name, channel = f"v{rng.integers(10**9)}", f"c{rng.integers(4)}"
            for number in range(rng.integers(1, 4)):
                length_ms = int(rng.integers(3_000, 600_000))
                sounds = [heard(str(rng.choice(("Speech", "Music", "Crowd"))), length_ms // 2)]
                made = clip(name, number, channel, duration_ms=length_ms, audio_events=sounds)
                self.clips[made["clip_id"]] = made

    def found(self) -> list[Row]:
        """The pairs among clips that are not taken down: what is found when all is compared anew."""
        return [
            row
            for both, row in self.pairs.items()
            if not {name.rsplit("_", 1)[0] for name in both} & self.gone
        ]

    def rows(self) -> list[Row]:
        return [
            row
            for name, row in self.clips.items()
            if name not in self.failing and row["video_id"] not in self.gone
        ]


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(STEPS, st.sampled_from((Splits(), Splits(held_out={"c1": "dev"}, train=0.6, dev=0.2, test=0.2))))
def test_no_video_ever_changes_sides_and_nothing_alike_is_parted(
    tmp_path: Path, steps: list[tuple[str, int, int]], rules: Splits
) -> None:
    life, assigned, earlier = Life(), None, []
    for step in [("grow", 1, 20), *steps]:
        life.live(step)
        rows = life.rows()
        alike = pairs_file(tmp_path, life.found())
        made = split_videos(parts(tmp_path, rows), assigned, alike, rules, tmp_path)
        if assigned is not None:
            before = dict(zip(assigned["video_id"].to_pylist(), assigned["split"].to_pylist(), strict=True))
            assert {video: splits_of(made)[video] for video in before} == before
        assert {row["video_id"] for row in rows} <= set(splits_of(made))
        fixed, assigned = assigned, made.assignments
        files = written(tmp_path, rows, made)
        if files:
            told = certify(files, alike, rules, None, earlier, tmp_path)
            assert told.passed, json.dumps(asdict(told), indent=1)
        earlier.append(tmp_path / f"splits-{len(earlier)}.parquet")
        pq.write_table(assigned, earlier[-1])
        assert_little_is_withheld(made, rows, life.pairs)
    assert same(made, split_videos(parts(tmp_path, rows[::-1], 3), fixed, alike, rules, tmp_path))


def same(one: Splitting, other: Splitting) -> bool:
    return one.assignments.equals(other.assignments) and one.withheld.equals(other.withheld)


def assert_little_is_withheld(made: Splitting, rows: list[Row], pairs: dict[tuple[str, str], Row]) -> None:
    """Nothing in test, nothing that is like nothing."""
    alike = {name for both in pairs for name in both}
    sides = splits_of(made)
    for row in made.withheld.to_pylist():
        assert row["clip_id"] in alike
        assert sides[row["video_id"]] != SPLITS[-1]
        assert row["clip_id"] in {one["clip_id"] for one in rows}


def test_videos_that_come_one_by_one_end_in_shares_with_likeness_kept(tmp_path: Path) -> None:
    """Sixty videos of three channels in lots of four, some of them copies of earlier ones."""
    rng = np.random.default_rng(5)
    life, assigned = Life(), None
    for number in range(60):
        name = f"v{number:03d}"
        life.clips[f"{name}_0"] = clip(
            name, 0, f"c{number % 3}", duration_ms=int(rng.integers(200_000, 400_000))
        )
        if number % 10 == 9:
            life.pairs[name, ""] = pair(f"{name}_0", f"v{number - 9:03d}_0")
        if number % 4 == 3:
            alike = pairs_file(tmp_path, life.pairs.values())
            made = split_videos(parts(tmp_path, life.rows()), assigned, alike, Splits(), tmp_path)
            assigned = made.assignments
    assert made.withheld.num_rows == 0
    total = sum(row["duration_ms"] for row in life.clips.values())
    for split in ("dev", "test"):
        held = sum(
            row["duration_ms"] for row in life.clips.values() if splits_of(made)[row["video_id"]] == split
        )
        assert abs(held - 0.05 * total) <= 2 * 400_000


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    life = Life()
    for step in (("grow", 7, 30), ("alike", 8, 30)):
        life.live(step)
    sums = set()
    for count in (1, 4):
        made = split_videos(
            parts(tmp_path, life.rows(), count),
            None,
            pairs_file(tmp_path, life.pairs.values()),
            Splits(),
            tmp_path,
        )
        sink = pa.BufferOutputStream()
        pq.write_table(made.assignments, sink)
        sums.add(sink.getvalue().to_pybytes())
    assert len(sums) == 1


def test_without_parts_all_stay_as_they_are(tmp_path: Path) -> None:
    life = Life()
    life.live(("grow", 3, 5))
    made = split_videos(parts(tmp_path, life.rows()), None, None, Splits(), tmp_path)
    again = split_videos([], made.assignments, None, Splits(), tmp_path)
    assert again.assignments.equals(made.assignments)
    assert again.withheld.num_rows == 0
