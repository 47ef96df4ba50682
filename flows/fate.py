"""What becomes of the clips of a shard: released, left out, waiting, or for people to judge; and why in a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from annotation.stage import STAGE as REVIEW
from flows.pipeline import RELEASED
from flows.survey import Survey
from schemas.judging import Review
from tasks.workspace.stage import Row


def held_back(survey: Survey) -> list[str]:
    """Clips of a complete shard that are not released.

    Left out for what they are, an analysis failed on them, they wait for an answer, or people are to judge them.
    """
    return [clip for clip, outcomes in _outcomes_of_clips(survey).items() if {*outcomes.values()} != {"done"}]


def left_out_clips(survey: Survey) -> list[str]:
    """Those among them that the recipe leaves out for what they are: black, off-screen, the same as another …"""
    return [clip for clip, outcomes in _outcomes_of_clips(survey).items() if "dropped" in outcomes.values()]


def waiting_clips(survey: Survey) -> list[str]:
    """Those for which an answer, a budget or another try is awaited."""
    return [
        clip
        for clip, outcomes in _outcomes_of_clips(survey).items()
        if _waits(outcomes) and not {*outcomes.values()} & {"dropped", "failed"}
    ]


def _waits(outcomes: Mapping[str, str | None]) -> bool:
    return any(outcome == "waiting" and stage != REVIEW.name for stage, outcome in outcomes.items())


def for_people(survey: Survey) -> list[str]:
    """Those that are otherwise fit, and of which people have yet to say whether they are taken."""
    return [
        clip
        for clip, outcomes in _outcomes_of_clips(survey).items()
        if outcomes[REVIEW.name] == "waiting" and _fit(outcomes)
    ]


def _fit(outcomes: Mapping[str, str | None]) -> bool:
    """Whether machines have nothing against a clip."""
    return all(outcome == "done" for stage, outcome in outcomes.items() if stage != REVIEW.name)


def clips_for_people(survey: Survey, review: Review) -> list[str]:
    """The clips that people are asked about, of a shard that is ready: fit, and in doubt, if only those are."""
    judged = survey.outputs["offscreen"].records()
    doubtful = review.decides and review.of == "doubtful"
    return [
        clip
        for clip, outcomes in _outcomes_of_clips(survey).items()
        if _fit(outcomes)
        and (not doubtful or any(row["verdict"] == "people" for row in judged.get(clip, ())))
    ]


def _outcomes_of_clips(survey: Survey) -> dict[str, dict[str, str | None]]:
    """Every clip with the outcome of each analysis that it needs to be released, as far as these were made."""
    clips = [row["clip_id"] for rows in survey.outputs["normalize"].records().values() for row in rows]
    analyses = {stage: survey.outputs[stage].outcomes for stage in RELEASED[1:] if stage in survey.outputs}
    return {clip: {stage: _outcome(outcomes, clip) for stage, outcomes in analyses.items()} for clip in clips}


def why_not_released(clips: pa.Table, surveys: Sequence[Survey], catalog: Sequence[Row]) -> dict[str, str]:
    """For clips (clip_id, video_id) that were released and are not to be any more: what the ledger says, in words.

    `dropped: conditions black`, `unavailable: download removed`; `cut_anew` where the video is cut at other times,
    `source_gone` where it is no more in the catalogue.
    """
    shard_of = {row["video_id"]: row["shard"] for row in catalog}
    by_shard = {survey.shard: survey for survey in surveys}
    outcomes: dict[str, dict[str, dict[str, str | None]]] = {}
    reasons = {}
    for clip, video in zip(*(clips[name].to_pylist() for name in ("clip_id", "video_id")), strict=True):
        shard = shard_of.get(video)
        if shard is None:
            reasons[clip] = "source_gone"
            continue
        if shard not in outcomes:
            outcomes[shard] = _outcomes_of_clips(by_shard[shard])
        of_clip = outcomes[shard].get(clip)
        stages = of_clip if of_clip is not None else ("download", "moments", "normalize")
        reasons[clip] = _why(by_shard[shard], stages, clip if of_clip is not None else video) or "cut_anew"
    return reasons


def _why(survey: Survey, stages: Iterable[str], item: str) -> str | None:
    """The first of some stages at which an item did not go on, with outcome and reason."""
    rows = ((stage, survey.outputs[stage].outcomes.get(item)) for stage in stages if stage in survey.outputs)
    stopped = ((stage, row) for stage, row in rows if row is not None and row["outcome"] != "done")
    return next((f"{row['outcome']}: {stage} {row['reason']}" for stage, row in stopped), None)


def _outcome(outcomes: Mapping[str, Row], item: str) -> str | None:
    return outcomes[item]["outcome"] if item in outcomes else None
