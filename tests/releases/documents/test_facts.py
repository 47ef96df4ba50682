"""The numbers of the documents are those that one counts plainly."""

from __future__ import annotations

from pathlib import Path
from statistics import median_low

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.releases.documents.facts import MOST, Amount, read_facts
from tests.releases.documents.making import account, reviewed, row


def plainly(rows: list[dict], column: str) -> list[Amount]:
    """Videos, clips and time by the values of a column, most time first."""
    amounts = []
    for value in {one[column] for one in rows}:
        of_it = [one for one in rows if one[column] == value]
        videos = {one["video_id"] for one in of_it}
        amounts.append(Amount(value, len(videos), len(of_it), sum(one["duration_ms"] for one in of_it)))
    return sorted(amounts, key=lambda one: (-one.milliseconds, one.name is None, one.name or ""))


CLIPS = st.lists(
    st.fixed_dictionaries(
        {
            "video_id": st.sampled_from(["a", "b", "c", "d"]),
            "duration_ms": st.integers(1, 9).map(lambda seconds: 40 * seconds),
            "domain": st.sampled_from([None, "news", "sports"]),
            "source_licence": st.sampled_from([None, "CC BY", "X"]),
            "downloader": st.sampled_from([None, "yt-dlp 1"]),
            "face_tracks": st.integers(0, 1),
            "source_published": st.sampled_from([None, "2026-01-02", "2025-12-31"]),
            "repeated_frames": st.integers(0, 1),
            "inserted_silence_ms": st.sampled_from([0.0, 1.5]),
            "list_label": st.sampled_from([None, "dog", "cat"]),
            "bytes": st.integers(0, 10**12),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CLIPS)
def test_facts_are_what_one_counts(tmp_path_factory, clips: list[dict]) -> None:
    folder: Path = tmp_path_factory.mktemp("version")
    rows = [row(clip["video_id"], number, **clip) for number, clip in enumerate(clips)]
    facts = read_facts(account(folder, rows))
    assert facts.bytes == sum(one["bytes"] for one in rows)
    for column, amounts in (
        ("domain", facts.domains),
        ("source_licence", facts.licences),
        ("downloader", facts.tools),
    ):
        assert list(amounts.listed) == plainly(rows, column)
        assert amounts.of == len({one[column] for one in rows})
    lengths = [one["duration_ms"] for one in rows]
    assert facts.clip_ms == (min(lengths), median_low(lengths), max(lengths))
    by_video = [one.milliseconds for one in plainly(rows, "video_id")]
    assert facts.video_ms == (min(by_video), median_low(by_video), max(by_video))
    faceless = [one for one in rows if not one["face_tracks"]]
    assert facts.faceless.clips == len(faceless)
    assert facts.faceless.milliseconds == sum(one["duration_ms"] for one in faceless)
    days = [one["source_published"] for one in rows if one["source_published"]]
    assert facts.published == ((min(days), max(days)) if days else None)
    assert facts.undated == len({one["video_id"] for one in rows if not one["source_published"]})
    assert facts.repeated == sum(one["repeated_frames"] > 0 for one in rows)
    assert facts.silenced == sum(one["inserted_silence_ms"] > 0 for one in rows)
    labels = [one["list_label"] for one in rows if one["list_label"]]
    assert facts.labelled == (len(labels), len(set(labels)))
    assert facts.taken_down == 0


def test_long_lists_are_cut_and_counted(tmp_path: Path) -> None:
    rows = [row("a", number, source_licence=f"licence {number:02d}") for number in range(MOST + 7)]
    facts = read_facts(account(tmp_path / "v", rows))
    assert len(facts.licences.listed) == MOST
    assert facts.licences.of == MOST + 7


def test_what_people_judged(tmp_path: Path) -> None:
    rows = [
        row("a", 0, **reviewed(("visible", "visible", "visible"))),
        row("a", 1, **reviewed(("visible", "visible", "off_screen", "visible"), lead="L1")),
        row("a", 2),
    ]
    facts = read_facts(account(tmp_path / "v", rows))
    assert facts.judgements == (3, 4)
    assert [(one.name, one.number) for one in facts.unanimous] == [("source", 1)]
    assert facts.tables.reviewed.adjudicated == 1


def test_nobody_judged(tmp_path: Path) -> None:
    facts = read_facts(account(tmp_path / "v", [row("a")]))
    assert facts.judgements is None
    assert facts.unanimous == []
    assert facts.scenarios == []


def test_tombstones_are_counted_and_nothing_is_left_behind(tmp_path: Path) -> None:
    gone = [{"video_id": "x", "taken_down_on": "2029-12-31"}]
    made = account(tmp_path / "v", [row("a")], tombstones=gone)
    before = sorted(tmp_path.rglob("*"))
    assert read_facts(made).taken_down == 1
    assert sorted(tmp_path.rglob("*")) == before
