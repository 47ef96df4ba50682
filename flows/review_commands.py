"""`clapper review …`: it reads arguments and shows results; what it does lies in flows.review and annotation."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from annotation.packages import check_packages
from annotation.private import connection_of, read_running
from flows.arguments import Profile, RecipeName, Settings, Workspace, pairs, root_of, screen, wide
from schemas.errors import RecipeError, SystemicError

if TYPE_CHECKING:
    from flows.survey import Workbench

review_app = typer.Typer(
    help="People judge clips: a Label Studio, its annotators, their answers and agreement.",
    no_args_is_help=True,
)


@review_app.command(
    epilog="Examples:\n\n- `clapper review start -w W --people people.csv`\n\n"
    "- `clapper review start -w W --people people.csv --host 0.0.0.0 --origin https://review.example.org`\n\n"
    "- `CLAPPER_REVIEW_TOKEN=… clapper review start -w W --people people.csv --url https://labels.example.org`"
)
def start(
    workspace: Workspace = None,
    people: Annotated[
        Path | None,
        typer.Option(help="CSV or YAML: email, name, role (annotator or lead); default: as before."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="CLAPPER_REVIEW_DATABASE",
            help="own (a PostgreSQL cluster in the workspace), sqlite, or postgres://USER:PASSWORD@HOST/NAME.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where people open it.")] = 8080,
    host: Annotated[
        str, typer.Option(help="0.0.0.0 lets other machines in; put HTTPS before it.")
    ] = "127.0.0.1",
    origin: Annotated[str, typer.Option(help="What people type, where a proxy speaks HTTPS for it.")] = "",
    url: Annotated[
        str, typer.Option(help="An existing Label Studio; its administrator's token in CLAPPER_REVIEW_TOKEN.")
    ] = "",
    wait: Annotated[bool, typer.Option(help="Stay until Ctrl-C, and stop it then.")] = False,
) -> None:
    """Start a Label Studio with its database and a gateway for annotators, and make their accounts.

    The first start installs Label Studio into an environment of its own (1 GB). The log-ins to hand out are in the
    workspace's private folder.
    """
    check_packages()
    from annotation.server.people import read_list
    from annotation.server.start import start as start_server

    root = root_of(workspace)
    newcomers = read_list(people) if people else None
    with screen.status("starting the review server") as status:

        def say(text: str) -> None:
            status.update(escape(text))
            screen.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

        token = os.environ.get("CLAPPER_REVIEW_TOKEN", "")
        running = start_server(root, newcomers, database, port, host, origin, url, token if url else "", say)
    out = wide()
    out.print(f"[bold]Annotators open[/] {running.gateway}")
    out.print(f"Log-ins to hand out: {root / 'review-server' / 'log-ins.txt'}", soft_wrap=True)
    out.print("Clips come with the next `clapper run`. Stop it with `clapper review stop`.")
    if wait:
        _wait(root)


@review_app.command(epilog="Example: `clapper review stop -w W`")
def stop(workspace: Workspace = None) -> None:
    """Stop the review server; answers and accounts stay."""
    from annotation.server.start import stop as stop_server

    stopped = stop_server(
        root_of(workspace), lambda text: screen.print(f"[dim]{escape(text)}[/]", soft_wrap=True)
    )
    wide().print("Stopped." if stopped else "No review server runs in this workspace.")


@review_app.command(
    epilog="Examples:\n\n- `clapper review sync av-syncbench -w W`\n\n"
    "- `watch -n 600 clapper review sync av-syncbench -w W`"
)
def sync(
    recipe: RecipeName,
    workspace: Workspace = None,
    profile: Profile = None,
    settings: Settings = None,
) -> None:
    """Take in answers, decide, and put new clips before people: what a run does with a review, without the rest.

    Ends with 1 if the server could not be used.
    """
    check_packages()
    from flows.review import exchange
    from flows.review_display import counting, show_exchange
    from tasks.workspace.layout import exclusive

    bench = _bench(recipe, workspace, profile, settings)
    connection = connection_of(bench.root)
    if connection is None:
        raise SystemicError(
            str(bench.root),
            "has no review server that runs",
            "start one with `clapper review start`, or set CLAPPER_REVIEW_URL and CLAPPER_REVIEW_TOKEN",
        )
    with exclusive(bench.root), counting(screen) as progress:
        exchanged = exchange(bench, connection, progress)
    show_exchange(wide(), exchanged)
    raise typer.Exit(1 if exchanged.problems else 0)


@review_app.command(
    epilog="Examples:\n\n- `clapper review report av-syncbench -w W`\n\n"
    "- `clapper review report av-syncbench -w W --json | jq .agreement`"
)
def report(
    recipe: RecipeName,
    workspace: Workspace = None,
    profile: Profile = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Where the page goes; default: reviews/RECIPE/report.html of the workspace."),
    ] = None,
    settings: Settings = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of tables and page.")
    ] = False,
) -> None:
    """Progress, agreement with intervals, annotators and what they miss, disputes; also as a page with plots."""
    check_packages()
    from annotation.decide.page import write_html
    from annotation.decide.report import as_json as told
    from annotation.decide.report import report_on
    from annotation.decide.terminal import show_report
    from annotation.store import read_answers, read_items, review_folder

    bench = _bench(recipe, workspace, profile, settings)
    name, review = bench.recipe.name, bench.recipe.review
    with screen.status("working out agreement"):
        found = report_on(name, review, read_items(bench.root, name), read_answers(bench.root, name))
    if as_json:
        print(json.dumps(told(found), ensure_ascii=False))
        return
    path = html or review_folder(bench.root, name) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_html(found, path)
    show_report(wide(), found)
    wide().print(f"[bold]page[/] {path}", soft_wrap=True)


def _bench(recipe: str, workspace: str | None, profile: str | None, settings: list[str] | None) -> Workbench:
    """The bench of a recipe that asks people.

    Raises:
        RecipeError: it asks none.
    """
    from flows.run import Request

    bench = Request(recipe, workspace, profile, settings=pairs(settings)).bench()
    if bench.recipe.review is None:
        action = "add a section `review`, or --set review.form=clip-review"
        raise RecipeError(recipe, "asks no people", action)
    return bench


def _wait(root: Path) -> None:
    """Until Ctrl-C, or until the server ends of itself."""
    from annotation.server.start import stop as stop_server

    try:
        while read_running(root):
            time.sleep(1)
        screen.print(
            f"[red]the review server has ended[/]: see {root / 'review-server' / 'logs'}", soft_wrap=True
        )
        raise typer.Exit(1)
    except KeyboardInterrupt:
        stop_server(root, lambda text: screen.print(f"[dim]{escape(text)}[/]", soft_wrap=True))
