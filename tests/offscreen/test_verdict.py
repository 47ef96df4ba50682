"""What becomes of a clip: only what a model is sure of leaves it out, and everything else goes to people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.judgement import Judgement
from schemas.judging import LeaveOut, Offscreen
from tasks.offscreen.verdict import FLAWS, is_audited, verdict_on

FINE = {
    "source_name": "a dog", "source": "visible", "source_confidence": 0.97, "mismatch": "none",
    "mismatch_confidence": 0.95, "audio": "good", "audio_confidence": 0.95, "scenario": "animal_sound",
    "domain": "sound", "scenario_confidence": 0.9, "evidence": "A dog barks at 2 s.", "evidence_seconds": 2.0,
}  # fmt: skip
SECTION = Offscreen(audit=0.0)

CASES = {
    "all is well": ({}, "keep", None),
    "off screen, sure": ({"source": "off_screen"}, "drop", "off_screen"),
    "off screen, just sure enough": ({"source": "off_screen", "source_confidence": 0.9}, "drop", "off_screen"),
    "off screen, not sure": ({"source": "off_screen", "source_confidence": 0.89}, "people", "below_point"),
    "cannot tell": ({"source": "unclear"}, "people", "unclear"),
    "visible, not sure": ({"source_confidence": 0.5}, "people", "below_point"),
    "dubbed": ({"mismatch": "obvious"}, "drop", "mismatch"),
    "noisy": ({"audio": "poor"}, "drop", "poor_audio"),
    "off screen and noisy": ({"source": "off_screen", "audio": "poor"}, "drop", "off_screen"),
    "maybe off screen, surely noisy": (
        {"source": "off_screen", "source_confidence": 0.5, "audio": "poor"}, "drop", "poor_audio",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("answers", "kind", "reason"), CASES.values(), ids=CASES)
def test_what_becomes_of_a_clip(answers: dict, kind: str, reason: str | None) -> None:
    verdict = verdict_on(Judgement(**{**FINE, **answers}), SECTION, "clip")
    assert (verdict.kind, verdict.reason) == (kind, reason)


confidences = st.floats(0, 1)
judgements = st.builds(
    lambda source, mismatch, audio, sure: Judgement(
        **{**FINE, "source": source, "mismatch": mismatch, "audio": audio, "source_confidence": sure[0],
           "mismatch_confidence": sure[1], "audio_confidence": sure[2]}
    ),
    st.sampled_from(["visible", "off_screen", "unclear"]),
    st.sampled_from(["none", "obvious", "unclear"]),
    st.sampled_from(["good", "poor", "unclear"]),
    st.tuples(confidences, confidences, confidences),
)  # fmt: skip


@given(judgements, confidences, st.text(min_size=1, max_size=20))
def test_nothing_below_the_point_is_left_out_or_kept(judgement: Judgement, point: float, clip: str) -> None:
    section = Offscreen(audit=0.0, leave_out=LeaveOut(off_screen=point, mismatch=point, poor_audio=point))
    verdict = verdict_on(judgement, section, clip)
    sure = {flaw: getattr(judgement, f"{flaw.question}_confidence") >= point for flaw in FLAWS}
    bad = {flaw: getattr(judgement, flaw.question) == flaw.bad for flaw in FLAWS}
    assert (verdict.kind == "drop") == any(sure[flaw] and bad[flaw] for flaw in FLAWS)
    if verdict.kind == "keep":
        assert all(sure.values())
        assert (judgement.source, judgement.mismatch, judgement.audio) == ("visible", "none", "good")


def test_the_audit_draws_its_share_and_the_same_clips_each_time() -> None:
    clips = [f"clip{number}" for number in range(4000)]
    drawn = [clip for clip in clips if is_audited(clip, 0.05)]
    assert 150 < len(drawn) < 250
    assert {*drawn} <= {clip for clip in clips if is_audited(clip, 0.1)}
    assert not any(is_audited(clip, 0.0) for clip in clips)
    assert all(is_audited(clip, 1.0) for clip in clips)
    bad = Judgement(**{**FINE, "source": "off_screen"})
    assert verdict_on(bad, Offscreen(audit=0.05), drawn[0]).reason == "audit"
    assert verdict_on(bad, Offscreen(audit=0.05), drawn[0]).kind == "people"
