"""What a workspace holds and what a run did, in numbers that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flows.fate import for_people, held_back, left_out_clips, waiting_clips
from flows.pipeline import STAGES
from flows.released import Released, of_release
from flows.survey import Survey, Workbench
from flows.targets import Shelf, shelves
from tasks.releases import latest_release
from tasks.workspace.ledger import (
    Loss,
    failed_share,
    ledger_rows,
    left_out_at_discovery,
    losses,
    outcomes_by_stage,
)
from tasks.workspace.stage import Row

HOUR_MS = 3_600_000

HINTS = {
    "too_short": "to take shorter videos: --set admission.min_duration='1 min'",
    "too_long": "to take longer videos: --set admission.max_duration='10 h'",
    "too_low": "to take smaller pictures: --set admission.min_height='360 px'",
    "licence": "to take other licences: --set admission.licences='[…]', or [] for all",
    "off_screen": "to let people judge more of them: --set offscreen.leave_out.off_screen=0.95",
    "shorter_than_minimum": "to keep shorter last clips: --set media.min_clip_length='2 s'",
}
"""What to change so that what was dropped for a reason is taken; a shortened rest of a video is seldom worth it."""
WAITING_HINTS = {
    "budget_reached": "to ask on: a later run, or --set offscreen.budget_per_run='10 USD' (and budget_total)",
    "batch_pending": "the batch is under way: a later run takes its answers in",
    "quota_exhausted": "the service's quota is used up: a later run goes on",
    "for_people": "the recipe asks no people about what the filter leaves to them: --set review.of=doubtful",
    "review_pending": "people judge clips in Label Studio (`clapper review start`); a later run takes answers in",
    "review_disputed": "a lead decides where annotators do not agree, in the recipe's adjudication project",
}
"""What to do about what waits."""
OUTCOMES = ("done", "dropped", "unavailable", "failed", "waiting")


@dataclass(frozen=True)
class Channel:
    """One channel: what was discovered and what is released."""

    name: str
    videos: int
    hours: float
    released_clips: int
    released_hours: float
    talking_head_hours: float
    voice_over_hours: float


@dataclass(frozen=True)
class Summary:
    """The state of a workspace, and what the run that made this did to it.

    Attributes:
        stages: for each stage, items by outcome, with `waiting` for those it has not come to.
        funnel: (what, number) from discovered to released, top down.
        losses: what was left out, by stage and reason.
        problems: what went wrong beyond single items.
        review: what went before people and what came from them in the run that made this.
        version: the version that this run published, if it did.
        released: the newest version, and its folder.
        shelves: how far the data set is from its targets, if the recipe names any.
    """

    stages: Mapping[str, Mapping[str, int]]
    funnel: Sequence[tuple[str, int]]
    losses: Sequence[Loss]
    channels: Sequence[Channel]
    failed_share: float
    problems: Sequence[str] = ()
    version: str | None = None
    released: tuple[str, str] | None = field(default=None)
    shelves: Sequence[Shelf] = ()
    review: Sequence[str] = ()

    def sentence(self) -> str:
        """The summary in one line."""
        counts = dict(self.funnel)
        news = f"published {self.version}" if self.version else "nothing new to publish"
        return f"{counts['videos discovered']} videos, {counts['clips released']} clips released; {news}"

    def next_steps(self) -> list[str]:
        """What a person may do about what was left out."""
        dropped = {loss.reason for loss in self.losses if loss.outcome == "dropped"}
        steps = [hint for reason, hint in HINTS.items() if reason in dropped]
        counts = dict(self.funnel)
        waiting = {loss.reason for loss in self.losses if loss.outcome == "waiting"}
        steps += [hint for reason, hint in WAITING_HINTS.items() if reason in waiting]
        if counts.get("clips for people to judge"):
            people = counts["clips for people to judge"]
            are = "1 clip is" if people == 1 else f"{people} clips are"
            steps.append(f"{are} for people to judge, and in no release until they have")
        again = sum(loss.items for loss in self.losses if loss.outcome in ("failed", "unavailable"))
        if again:
            steps.append(
                f"failed or unavailable: {again}; a later run tries again once they are due, --retry-now at once"
            )
        return steps

    def stages_table(self) -> list[dict[str, str | int]]:
        return [{"stage": stage, **counts} for stage, counts in self.stages.items()]

    def losses_table(self) -> list[dict[str, str | int]]:
        return [
            {
                "stage": loss.stage,
                "outcome": loss.outcome,
                "reason": loss.reason,
                "items": loss.items,
                "hours": f"{loss.milliseconds / HOUR_MS:.3f}",
                "example": loss.example,
            }
            for loss in self.losses
        ]


def summarize(
    bench: Workbench,
    surveys: Sequence[Survey],
    catalog: Sequence[Row],
    problems: Sequence[str] = (),
    version: str | None = None,
    review: Sequence[str] = (),
    released: Released | None = None,
) -> Summary:
    """Count everything in the workspace.

    Args:
        released: what counts as released; default: the newest version.
    """
    known = {row["video_id"] for row in catalog}
    not_taken = [row for row in left_out_at_discovery(bench.root) if row["item_id"] not in known]
    rows = ledger_rows(survey.outputs for survey in surveys)
    release = latest_release(bench.root, bench.recipe.name)
    released = released or of_release(release, bench.root)
    stages = _stages(rows, surveys, catalog)
    return Summary(
        stages=stages,
        funnel=_funnel(stages, not_taken, catalog, surveys, released),
        losses=[*losses([*not_taken, *rows]), *released.withheld],
        channels=_channels(catalog, released),
        failed_share=failed_share(rows),
        problems=tuple(problems),
        version=version,
        released=(release.version, str(release.folder)) if release else None,
        shelves=shelves(bench.recipe.targets, surveys, released.kinds),
        review=tuple(review),
    )


def _stages(
    rows: Sequence[Row], surveys: Sequence[Survey], catalog: Sequence[Row]
) -> dict[str, dict[str, int]]:
    counts = outcomes_by_stage(rows)
    videos = Counter(row["shard"] for row in catalog)
    stages: dict[str, Counter[str]] = {}
    for name, stage in STAGES.items():
        stages[name] = counts.get(name, Counter())
        for survey in (each for each in surveys if name in each.plans and name not in each.outputs):
            plan = survey.plans[name]
            if plan is not None:
                stages[name]["waiting"] += len(plan.keys)
            elif stage.works_on == "video":
                stages[name]["waiting"] += videos[survey.shard]
    # A Counter is no mapping that can be copied field by field (dataclasses.asdict would garble it).
    return {name: {outcome: counts[outcome] for outcome in OUTCOMES} for name, counts in stages.items()}


def _funnel(
    stages: Mapping[str, Mapping[str, int]],
    not_taken: Sequence[Row],
    catalog: Sequence[Row],
    surveys: Sequence[Survey],
    released: Released,
) -> list[tuple[str, int]]:
    complete = [survey for survey in surveys if survey.complete]
    cut = {survey.shard: _clips_cut(survey) for survey in surveys}
    ahead = {clip for survey in surveys if not survey.complete for clip in cut[survey.shard]}
    left_out, waiting, people, held = (
        sum(len(clips(survey)) for survey in complete)
        for clips in (left_out_clips, waiting_clips, for_people, held_back)
    )
    return [
        ("videos discovered", len(catalog) + len(not_taken)),
        ("videos taken", len(catalog)),
        ("videos downloaded", stages["download"]["done"]),
        ("videos normalised", stages["normalize"]["done"]),
        ("clips cut", sum(map(len, cut.values()))),
        ("clips not analysed to the end yet", len(ahead) - released.among(ahead)),
        ("clips left out for what they are", left_out),
        ("clips with an analysis that failed", held - left_out - waiting - people),
        ("clips that wait for an answer", waiting),
        ("clips for people to judge", people),
        ("clips withheld from all splits", sum(loss.items for loss in released.withheld)),
        ("clips released", released.clips),
        ("videos released", released.videos),
    ]


def _clips_cut(survey: Survey) -> list[str]:
    if "normalize" not in survey.outputs:
        return []
    return [row["clip_id"] for rows in survey.outputs["normalize"].records().values() for row in rows]


def _channels(catalog: Sequence[Row], released: Released) -> list[Channel]:
    videos: Counter[str] = Counter()
    listed: Counter[str] = Counter()
    for row in catalog:
        videos[row["channel"]] += 1
        listed[row["channel"]] += row["duration_ms"] or 0
    return [
        _channel(name, videos[name], listed[name], released.channels.get(name, (0, 0, 0, 0)))
        for name in sorted(videos)
    ]


def _channel(name: str, videos: int, listed_ms: int, released: tuple[int, int, int, int]) -> Channel:
    clips, *milliseconds = released
    return Channel(name, videos, listed_ms / HOUR_MS, clips, *(each / HOUR_MS for each in milliseconds))
