"""Classes: from the surest source there is, one for each video, and each of them in every split."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.releases.formats.classes import VideoLabels, classes_of


def clip(
    video: str = "a", label: str | None = None, scenario: str | None = None, **heard: float
) -> dict[str, Any]:
    events = [{"name": name, "start_ms": 0, "end_ms": 1_000, "score": score} for name, score in heard.items()]
    return {
        "video_id": video,
        "list_label": label,
        "scenario": scenario,
        "audio_events": events,
        "duration_ms": 10_000,
    }


@pytest.mark.parametrize(
    ("clips", "label"),
    [
        ([clip(label="dog, barking", scenario="animal", Speech=0.9)], ("dog, barking", "list")),
        ([clip(scenario="animal", Speech=0.9)], ("animal", "scenario")),
        ([clip(Speech=0.5, Music=0.6)], ("Music", "audio_event")),
        ([clip()], ("unlabelled", "none")),
        ([clip(Speech=0.5), clip(Speech=0.5), clip(Music=0.9)], ("Speech", "audio_event")),
        ([clip(label="b"), clip(label="a")], ("a", "list")),
        ([clip(Speech=0.9), clip(label='owl\n"hoots"')], ("owl 'hoots'", "list")),
    ],
)
def test_the_label_of_a_video(clips: list[dict[str, Any]], label: tuple[str, str]) -> None:
    labels = VideoLabels()
    for each in clips:
        labels.add(each)
    assert labels.label("a") == label


@pytest.mark.parametrize(
    ("videos", "classes"),
    [
        ({"a": ("dog", "train"), "b": ("dog", "test")}, {"dog"}),
        ({"a": ("dog", "train"), "b": ("cat", "test")}, {"other"}),
        # `cat` is in one split alone; so `owl`, the smaller of the others, joins it.
        (
            {
                "a": ("dog", "train"), "b": ("dog", "train"), "c": ("dog", "test"),
                "d": ("owl", "train"), "e": ("owl", "test"), "f": ("cat", "train"),
            },
            {"dog", "other"},
        ),
    ],
)  # fmt: skip
def test_which_classes_there_are(videos: dict[str, tuple[str, str]], classes: set[str]) -> None:
    labels, splits = ({video: each[part] for video, each in videos.items()} for part in (0, 1))
    assert set(classes_of(labels, splits).values()) == classes


@given(
    st.dictionaries(
        st.integers(0, 60).map(str),
        st.tuples(
            st.sampled_from(["dog", "cat", "owl", "other"]), st.sampled_from(["train", "valid", "test"])
        ),
        min_size=1,
    )
)
def test_every_split_has_every_class(videos: dict[str, tuple[str, str]]) -> None:
    labels, splits = ({video: each[part] for video, each in videos.items()} for part in (0, 1))
    classes = classes_of(labels, splits)
    assert classes.keys() == videos.keys()
    for split in set(splits.values()):
        assert {classes[video] for video in videos if splits[video] == split} == set(classes.values())
