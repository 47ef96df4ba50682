"""A run from the command line: look, and only if there is something to do, start Prefect and curate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape

from flows.arguments import root_of
from flows.display import progress_bar, show_plan, show_summary
from flows.offscreen import costs_ahead
from flows.offscreen_report import show_costs_ahead
from flows.outlook import Outlook, check_sources, look, recipe_for, survey_all
from flows.pipeline import check_models
from flows.server import prefect_api
from flows.summary import Summary, summarize
from flows.survey import Workbench
from tasks.models import open_store
from tasks.workspace.catalog import read_catalog
from tasks.workspace.reconcile import Retries


@dataclass(frozen=True)
class Request:
    """What was asked for; the fields are those of `flows.curate.curate`."""

    recipe: str
    workspace: str | None = None
    profile: str | None = None
    sources: Sequence[str] = ()
    limit: int | None = None
    settings: Mapping[str, Any] | None = None
    retry_now: bool = False

    def bench(self) -> Workbench:
        """The effective recipe, the opened workspace and the models."""
        recipe = recipe_for(self.recipe, self.profile, self.sources, self.settings)
        root = root_of(self.workspace)
        return Workbench(recipe, root, open_store(), Retries.of(recipe, self.retry_now))


def run(request: Request, screen: Console, out: Console) -> tuple[bool, Summary]:
    """Do what is missing; progress goes to `screen`, the summary to `out`.

    Returns:
        Whether all went well, and the summary.
    """
    bench = request.bench()
    check_models(bench.recipe, bench.models)
    check_sources(bench)
    with screen.status("looking at the sources and the workspace"):
        outlook = look(bench, request.limit)
    if outlook.nothing_to_do:
        summary = state_of(bench, outlook.problems)
        show_summary(out, bench.recipe, summary)
        out.print("Nothing to do: everything is up to date.")
        return not outlook.problems, summary
    well, summary = _curate(request, bench, outlook, screen)
    show_summary(out, bench.recipe, summary)
    return well, summary


def dry_run(request: Request, screen: Console, out: Console) -> None:
    """Print what a run would do and what is present."""
    bench = request.bench()
    check_sources(bench)
    with screen.status("looking at the sources and the workspace"):
        outlook = look(bench, request.limit)
    show_plan(out, bench.recipe, outlook)
    costs = costs_ahead(bench, outlook)
    if costs:
        show_costs_ahead(out, costs)


def state_of(bench: Workbench, problems: Sequence[str] = ()) -> Summary:
    """The summary of a workspace as it is."""
    catalog = read_catalog(bench.root)
    return summarize(bench, survey_all(catalog, bench), catalog, problems)


def _curate(request: Request, bench: Workbench, outlook: Outlook, screen: Console) -> tuple[bool, Summary]:
    from flows.curate import curate

    with screen.status("starting Prefect") as starting, prefect_api(bench.root):
        starting.stop()
        with progress_bar(screen, outlook):
            state = curate(
                request.recipe,
                str(bench.root),
                request.profile,
                list(request.sources) or None,
                request.limit,
                dict(request.settings or {}),
                request.retry_now,
                return_state=True,
            )
    result = state.result(raise_on_failure=False)
    if isinstance(result, BaseException):
        raise result
    if not state.is_completed():
        screen.print(f"[red]{escape(state.message or '')}[/]")
    return state.is_completed(), result
