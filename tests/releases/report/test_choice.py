"""Which moments a report shows: of every kind, of many channels and videos, and always the same."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.releases.report import choice
from tasks.releases.report.choice import LONGEST_MS, OF_LABEL, SHORTEST_MS, Moment, Sheet, sheets_of
from tasks.releases.report.tables import report_tables
from tasks.workspace.query import open_database
from tests.releases.report.making import CLIP_MS, event, invented, row, spans, write_rows


def chosen(rows: list[dict], folder: Path) -> dict[str, Sheet]:
    files = write_rows(folder, rows)
    tables = report_tables(files, folder)
    with open_database(folder, clips=files) as database:
        return {sheet.name: sheet for sheet in sheets_of(database, tables)}


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return invented(240)


@pytest.fixture(scope="module")
def sheets(rows, tmp_path_factory) -> dict[str, Sheet]:
    return chosen(rows, tmp_path_factory.mktemp("version"))


def test_every_kind_is_shown_and_every_moment_is_what_it_says(rows, sheets):
    assert list(sheets) == [
        "talking_head", "voice_over", "cannot_tell", "other", "least sure", "scenarios", "sounds", "conditions",
    ]  # fmt: skip
    clips = {each["clip_id"]: each for each in rows}
    for name, sheet in sheets.items():
        assert len({(moment.kind, moment.clip_id) for moment in sheet.moments}) == len(sheet.moments)
        for moment in sheet.moments:
            clip = clips[moment.clip_id]
            of_clip = [
                *(
                    (span["label"], span["start_ms"], span["end_ms"], span["probability"])
                    for span in clip["labels"]
                ),
                *(
                    (one["name"], one["start_ms"], one["end_ms"], one["score"])
                    for one in clip["audio_events"]
                ),
                *((one, 0, clip["duration_ms"], None) for one in (*clip["conditions"], clip["scenario"])),
            ]
            assert (moment.kind, moment.from_ms, moment.to_ms, moment.probability) in of_clip, name
            assert (moment.path, moment.channel) == (clip["path"], clip["channel"])


def test_the_moments_of_a_label_are_of_as_many_channels_and_videos(sheets):
    labels = [sheets[name].moments for name in ("talking_head", "voice_over", "cannot_tell", "other")]
    for moments in labels:
        assert len(moments) == OF_LABEL == len({moment.channel for moment in moments})
    videos = [moment.video_id for moments in labels for moment in moments]
    assert len(set(videos)) == len(videos)


def test_the_least_sure_are_those_of_lowest_probability(rows, sheets):
    shown = sheets["least sure"].moments
    assert Counter(moment.kind for moment in shown) == dict.fromkeys(
        ("talking_head", "voice_over", "cannot_tell", "other"), 4
    )
    for label in ("talking_head", "other"):
        sure = sorted(
            span["probability"]
            for each in rows
            for span in each["labels"]
            if span["label"] == label
            and span["probability"] is not None
            and span["end_ms"] - span["start_ms"] >= 1000
        )
        mine = [moment.probability for moment in shown if moment.kind == label]
        assert mine == sorted(mine) and mine[0] == sure[0] and mine[-1] < sure[20]


def test_the_same_rows_in_other_files_give_the_same_moments(rows, sheets, tmp_path):
    assert chosen(rows[::-1], tmp_path) == sheets


def test_of_many_clips_few_are_looked_at_and_rare_kinds_are_found_all_the_same(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(choice, "_LOOKED_AT", 20)
    rare = row("rare", split="test", conditions=["muffled"], **spans((0, CLIP_MS, "talking_head", 0.001)))
    found = chosen([*rows, rare], tmp_path)
    assert "muffled" in {moment.kind for moment in found["conditions"].moments}
    assert found["least sure"].moments[0].clip_id == rare["clip_id"]
    for name in ("talking_head", "voice_over", "cannot_tell", "other"):
        assert len(found[name].moments) == OF_LABEL


def test_sheets_without_anything_on_them_are_left_out(tmp_path):
    plain = row("a", conditions=[], audio_events=[], **spans((0, CLIP_MS, "other", 1.0)))
    found = chosen([plain], tmp_path)
    assert list(found) == ["other"]
    assert found["other"].moments[0].shown_ms == (1480, 4480)


def test_sounds_are_shown_where_the_tagger_is_sure(tmp_path):
    doubtful = [
        row(f"d{n}", audio_events=[event("/m/0bt9lr", 0, 3000, 0.2)], conditions=[]) for n in range(20)
    ]
    sure = row("sure", audio_events=[event("/m/0bt9lr", 1000, 3000, 0.9)], conditions=[])
    (moment,) = chosen([*doubtful, sure], tmp_path)["sounds"].moments
    assert (moment.kind, moment.video_id) == ("Dog", "sure")


@given(st.integers(1, 7500), st.data())
def test_what_is_shown_is_whole_frames_within_the_clip(frames, data):
    duration = 40 * frames
    start = data.draw(st.integers(0, duration - 1))
    end = data.draw(st.integers(start + 1, duration))
    moment = Moment("other", "c", "v", "n", None, None, None, 0, duration, start, end, None)
    first, last = moment.shown_ms
    assert 0 <= first < last <= duration and first % 40 == last % 40 == 0
    assert last - first <= LONGEST_MS
    assert last - first >= min(SHORTEST_MS, duration)
    assert first <= end and start <= last
