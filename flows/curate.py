"""`curate`: one step of reconciliation between a recipe (what should be) and a workspace (what is).

It discovers, does what is missing, publishes what is complete, and stops; nothing waits. Prefect runs one
task per shard and step, never one per clip, and at most about a thousand in one flow run. What is done is
known from the workspace alone: Prefect's database may be lost at any time.

    prefect deployment run curate/realsync --watch
    clapper run realsync --workspace W --source videos/
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed, Failed, State
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import exponential_backoff

from annotation.packages import check_packages
from annotation.private import connection_of
from flows.arguments import root_of
from flows.outlook import check_sources, find_new, recipe_for, survey_all
from flows.pipeline import LAST, LATE, STEPS, check_models, steps_before
from flows.progress import Publication, Step, announce
from flows.release import publish_next
from flows.summary import Summary, summarize
from flows.survey import Workbench, bring_up_to_date, find_duplicates_in, steps_to_take, survey
from schemas.errors import ClapperError, SystemicError
from schemas.recipe import Recipe
from schemas.sections import Source
from tasks.models import open_store
from tasks.workspace.catalog import add_to_catalog, read_catalog, shards
from tasks.workspace.layout import exclusive
from tasks.workspace.ledger import record_left_out
from tasks.workspace.reconcile import Retries


def worth_retrying(task: Any, run: Any, state: State) -> bool:
    """Prefect's retry condition: a full disk may be freed, a missing model does not appear."""
    return not isinstance(state.result(raise_on_failure=False), SystemicError)


@task(task_run_name="discover-{number}", cache_policy=NO_CACHE)
def discover_source(number: int, source: Source, bench: Workbench, limit: int | None) -> str | None:
    """List one source, and put what is new into the catalogue; returns a problem to report, if any."""
    known = {row["video_id"] for row in read_catalog(bench.root)}
    discovery, problem = find_new(source, bench, known, limit)
    if discovery:
        found = [*discovery.videos, *discovery.known]
        new = add_to_catalog(bench.root, found, bench.recipe.limits.shard)
        record_left_out(bench.root, discovery.left_out)
        get_run_logger().info("%d new videos in %d new shards", len(discovery.videos), len(new))
    return problem


@task(
    task_run_name="{step}-{shard}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=5),
    retry_jitter_factor=0.5,
    retry_condition_fn=worth_retrying,
)
def run_step(step: str, shard: str, bench: Workbench) -> dict[str, dict[str, int]]:
    """Bring one step of one shard up to date; returns by stage how many items reached each outcome."""
    videos = shards(read_catalog(bench.root))[shard]

    def report(stage: str, outcome: Mapping[str, Any]) -> None:
        what = (outcome[name] for name in ("item_id", "outcome", "reason", "milliseconds"))
        announce(Step(stage, shard, *what))

    outputs = bring_up_to_date(step, shard, videos, bench, report)
    counts: dict[str, dict[str, int]] = {}
    for stage, output in outputs.items():
        counts[stage] = dict(Counter(outcome["outcome"] for outcome in output.outcomes.values()))
        get_run_logger().info("%s of shard %s: %s", stage, shard, counts[stage])
    return counts


@task(cache_policy=NO_CACHE)
def compare_clips(bench: Workbench) -> Path:
    """Say over all shards which clips are the same as others; returns the file of the verdicts."""
    return find_duplicates_in(survey_all(read_catalog(bench.root), bench), bench)


@task(cache_policy=NO_CACHE)
def exchange_reviews(bench: Workbench) -> tuple[list[str], list[str]]:
    """Put new clips before people and take in what they have answered; returns what was done and what went wrong."""
    connection = connection_of(bench.root)
    if connection is None:
        return ["no review server runs: what people have decided so far holds"], []
    try:
        check_packages()
        from flows.review import exchange  # its packages are an extra, which only a review needs

        exchanged = exchange(bench, connection)
    except ClapperError as error:  # what people decided so far holds, and the release goes on
        return [], [str(error)]
    told = [exchanged.sentence(), *exchanged.notes]
    get_run_logger().info("review: %s", "; ".join(told))
    return told, list(exchanged.problems)


@task(cache_policy=NO_CACHE)
def publish_release(bench: Workbench) -> str | None:
    """Publish the next version, if anything differs; returns it."""
    log = _now_and_then(get_run_logger().info)

    def report(what: str, done: int, total: int) -> None:
        log(what, done, total)
        announce(Publication(what, done, total))

    release = publish_next(bench, report=report)
    return release.version if release else None


def _now_and_then(say: Callable[..., None]) -> Callable[[str, int, int], None]:
    """Tell how a publication goes on: each new step, and every ten seconds how far it is and how long it may take."""
    begun: dict[str, float] = {}
    told = 0.0

    def report(what: str, done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        new = what not in begun
        since = now - begun.setdefault(what, now)
        if new or now - told > 10:
            told = now
            left = f", {since * (total - done) / done:.0f} s left" if done and since > 1 else ""
            say("%s: %d of %d%s", what, done, total, left)

    return report


@flow(name="curate-shards", validate_parameters=False)
def curate_shards(names: list[str], steps: Sequence[str], bench: Workbench) -> list[str]:
    """Bring some shards up to date, each step after those it reads; returns what went wrong, if anything."""
    by_shard = shards(read_catalog(bench.root))
    futures: dict[tuple[str, str], PrefectFuture] = {}
    for name in names:
        state = survey(name, by_shard[name], bench)
        for step in steps_to_take(state, steps):
            before = [
                futures[key] for key in ((earlier, name) for earlier in steps_before(step)) if key in futures
            ]
            futures[step, name] = run_step.submit(step, name, bench, wait_for=before)
    wait(list(futures.values()))
    unfinished = {key: future.state for key, future in futures.items() if not future.state.is_completed()}
    return [f"{step} of shard {shard}: {state.message}" for (step, shard), state in unfinished.items()]


@flow(name="curate", flow_run_name="curate-{recipe}")
def curate(
    recipe: str = "realsync",
    workspace: str | None = None,
    profile: str | None = None,
    sources: list[str] | None = None,
    limit: int | None = None,
    settings: dict[str, Any] | None = None,
    retry_now: bool = False,
) -> State:
    """Do what a recipe lacks in a workspace, and publish what is complete.

    Args:
        recipe: a recipe's name, or the path of a recipe file on the machine that runs the flow.
        workspace: a folder; default: the environment's CLAPPER_WORKSPACE, else ./workspace.
        profile: embedded, light or full; default: the recipe's.
        sources: paths and URLs instead of the recipe's sources.
        limit: take at most so many videos from each source; a repeat takes the same.
        settings: dotted recipe key to value.
        retry_now: try again now what failed or was unavailable, without waiting its time.
    """
    effective = recipe_for(recipe, profile, sources, settings)
    root = root_of(workspace)
    bench = Workbench(effective, root, open_store(), Retries.of(effective, at_once=retry_now))
    check_models(effective, bench.models)
    check_sources(bench)
    with exclusive(root):
        found = [discover_source(n, source, bench, limit) for n, source in enumerate(effective.sources)]
        unlisted = [problem for problem in found if problem]
        told, broken = _curate_all(bench)
        version = publish_release(bench)
        catalog = read_catalog(root)
        summary = summarize(bench, survey_all(catalog, bench), catalog, [*unlisted, *broken], version, told)
    _show_in_prefect(effective, summary)
    too_many = len(unlisted) > effective.limits.failed_share * len(effective.sources)
    return _final_state(effective, summary, problems=broken + (unlisted if too_many else []))


def _curate_all(bench: Workbench) -> tuple[list[str], list[str]]:
    """All that lacks: what each shard can do for itself, what is decided over all of them, what people decide.

    Returns what the review told, and the problems.
    """
    early = [step for step in STEPS if step not in (*LATE, *LAST)]
    if bench.recipe.duplicates is None:
        problems = _curate_steps([*early, *LATE], bench)
    else:
        problems = _curate_steps(early, bench)
        bench = replace(bench, verdicts=compare_clips(bench))
        problems += _curate_steps(LATE, bench)
    told, unreviewed = exchange_reviews(bench) if bench.recipe.review is not None else ([], [])
    return told, problems + unreviewed + _curate_steps(LAST, bench)


def _curate_steps(steps: Sequence[str], bench: Workbench) -> list[str]:
    """All shards that lack one of the steps, some at a time, so that no flow run has too many task runs."""
    surveys = survey_all(read_catalog(bench.root), bench)
    names = [each.shard for each in surveys if steps_to_take(each, steps)]
    at_once = max(1, bench.recipe.limits.task_runs // len(steps))
    runner = ThreadPoolTaskRunner(max_workers=bench.recipe.limits.workers)
    problems: list[str] = []
    for start in range(0, len(names), at_once):
        some = names[start : start + at_once]
        problems += curate_shards.with_options(task_runner=runner)(some, steps, bench)
    return problems


def _show_in_prefect(recipe: Recipe, summary: Summary) -> None:
    create_table_artifact(
        summary.losses_table(), key=f"{recipe.name}-left-out", description="left out, and why"
    )
    create_table_artifact(summary.stages_table(), key=f"{recipe.name}-stages", description="items by outcome")


def _final_state(recipe: Recipe, summary: Summary, problems: list[str]) -> State:
    """Red when too many items failed or too many sources could not be listed, or a shard could not be done."""
    if summary.failed_share > recipe.limits.failed_share:
        message = (
            f"{summary.failed_share:.0%} of the items failed, more than the recipe's limit of "
            f"{recipe.limits.failed_share:.0%}"
        )
        return Failed(message=message, data=summary)
    if problems:
        return Failed(message=f"{len(problems)} problems: {problems[0]}", data=summary)
    return Completed(message=summary.sentence(), data=summary)
