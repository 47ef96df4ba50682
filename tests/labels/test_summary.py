"""Shares of labels, and a clip's sync in two numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.labels.fuse import LabelInterval, SpeakerWindow, SpeechSpan
from tasks.labels.summary import summarize, sync_summary


def test_shares_add_up_to_one():
    intervals = [
        LabelInterval(0, 3000, "talking_head", 0.9, 0),
        LabelInterval(3000, 4000, "other", 1, None),
    ]
    assert summarize(intervals) == {
        "talking_head": 0.75,
        "voice_over": 0.0,
        "cannot_tell": 0.0,
        "other": 0.25,
    }


def test_an_empty_clip_has_no_shares():
    assert set(summarize([]).values()) == {0.0}


def test_no_summary_without_speech_or_without_a_face():
    window = SpeakerWindow(0, 0, 3000, 0.9, 40, 2.0)
    assert sync_summary([window], []) == (None, None)
    assert sync_summary([], [SpeechSpan(0, 3000)]) == (None, None)
    assert sync_summary([window], [SpeechSpan(5000, 6000)]) == (None, None)


def test_the_offset_is_that_of_the_faces_that_fit_best():
    windows = [
        SpeakerWindow(0, 0, 3000, 0.9, -80, 2.0),
        SpeakerWindow(0, 1000, 4000, 0.8, -80, 2.0),
        SpeakerWindow(0, 2000, 5000, 0.8, 960, 0.1),
        SpeakerWindow(1, 0, 5000, 0.1, 400, 3.0),
    ]
    probability, offset_ms = sync_summary(windows, [SpeechSpan(0, 5000)])
    unjudged = [replace(window, unjudged="too_short") for window in windows]
    assert sync_summary(unjudged, [SpeechSpan(0, 5000)]) == (probability, offset_ms)
    assert offset_ms == -80
    assert probability == pytest.approx(0.83, abs=0.03)
