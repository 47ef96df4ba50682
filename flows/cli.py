"""The `clapper` command: it reads arguments and shows results; what it does lies in the other modules."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape
from rich.table import Table

from flows import export_commands, keeping_commands
from flows.arguments import (
    Profile,
    RecipeName,
    Settings,
    Sources,
    Workspace,
    pairs,
    screen,
    wide,
    workspace_for,
)
from flows.release_commands import release_app
from flows.review_commands import review_app
from schemas.errors import ClapperError

app = typer.Typer(
    help="Curate audio-visual synchronisation datasets.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
models_app = typer.Typer(help="Model weights: list, pull, verify.", no_args_is_help=True)
app.add_typer(models_app, name="models")
offscreen_app = typer.Typer(
    help="The off-screen filter: what it costs, and how good it is.", no_args_is_help=True
)
app.add_typer(offscreen_app, name="offscreen")
app.add_typer(review_app, name="review")
app.add_typer(release_app, name="release")
export_commands.add_to(release_app)
keeping_commands.add_to(release_app)


@app.command(
    epilog="Examples:\n\n"
    "- `clapper run realsync --workspace W --source videos/ --set admission.min_duration='1 min'`\n\n"
    "- `clapper run realsync --source news=https://www.youtube.com/@CBSNews/videos --limit 5 --dry-run`"
)
def run(
    recipe: RecipeName,
    workspace: Workspace = None,
    source: Sources = None,
    profile: Profile = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take at most so many videos from each source.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Print what would be done and what is present; change nothing.")
    ] = False,
    retry_now: Annotated[bool, typer.Option(help="Try again now what failed or was unavailable.")] = False,
    settings: Settings = None,
    verbose: Annotated[bool, typer.Option(help="Show Prefect's log.")] = False,
) -> None:
    """Do what a recipe lacks in a workspace, and publish what is complete.

    Run it again at any time: it does what is missing and nothing else.
    """
    _quiet(verbose)
    from flows import run as runs

    request = runs.Request(recipe, workspace, profile, source or (), limit, pairs(settings), retry_now)
    if dry_run:
        runs.dry_run(request, screen, wide())
        return
    well, _ = runs.run(request, screen, wide())
    raise typer.Exit(0 if well else 1)


@app.command(epilog="Example: `clapper status realsync --workspace W`")
def status(
    recipe: RecipeName,
    workspace: Workspace = None,
    profile: Profile = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Items by station and outcome, the funnel with each reason, hours by channel, and what lacks to the targets.

    Targets are those of the recipe: clips by scenario and by duration.
    """
    from dataclasses import asdict

    from flows import run as runs
    from flows.display import show_summary

    bench = runs.Request(recipe, workspace, profile, settings=pairs(settings)).bench()
    summary = runs.state_of(bench)
    if as_json:
        print(json.dumps(asdict(summary)))
    else:
        show_summary(wide(), bench.recipe, summary)


@app.command(epilog="Example: `clapper analyze talk.mp4 hammer.wav --profile light --json | jq .sync`")
def analyze(
    files: Annotated[list[Path], typer.Argument(help="Videos, or sound files alone.")],
    profile: Profile = "light",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file, on a line.")] = False,
    settings: Settings = None,
) -> None:
    """What the pipeline thinks of a clip: a readable timeline, or JSON. Needs no workspace."""
    from flows.analyze import open_analysis, show_analysis
    from flows.outlook import recipe_for
    from flows.pipeline import check_models
    from tasks.models import open_store

    recipe = recipe_for("realsync", profile, None, pairs(settings))
    models = open_store()
    check_models(recipe, models)
    failed = 0
    with open_analysis(recipe, models) as analysis_of:
        for file in files:
            try:
                with screen.status(escape(f"analysing {file}")):
                    analysis = analysis_of(file)
            except ClapperError as error:
                failed += 1
                screen.print(f"[red]{type(error).__name__}[/] {escape(str(error))}", soft_wrap=True)
                continue
            if as_json:
                print(json.dumps(analysis, ensure_ascii=False), flush=True)
            else:
                show_analysis(wide(), analysis)
    raise typer.Exit(1 if failed else 0)


@app.command(
    epilog="Examples:\n\n"
    "- `clapper normalize match.mkv talk.ts --out clips --segment-seconds 10`\n\n"
    "- `clapper normalize *.mp4 --out clips --set crf=10 --json | jq .clips[].certificate.picture_skew_ms`"
)
def normalize(
    sources: Annotated[list[Path], typer.Argument(help="Media files.")],
    out: Annotated[Path, typer.Option(help="Folder for the clips, one folder for each source.")],
    segment_seconds: Annotated[
        float | None, typer.Option(min=1, help="Length of a clip in seconds; default: 300.")
    ] = None,
    short_side: Annotated[
        int | None, typer.Option(help="Shorter side of a clip in px, even; default: 256.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE for any field of a recipe's media section; repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per source, on a line.")] = False,
) -> None:
    """Cut files into clips that are as well synchronised as their sources, each with its certificate.

    H.264 at 25 fps and AAC, mono at 16 kHz; times are those of the source's own clock.
    """
    from flows import normalize as normalizing

    media = normalizing.media_settings(segment_seconds, short_side, pairs(settings))
    results = []
    for result in normalizing.normalize_all(sources, out, media, screen):
        results.append(result)
        if as_json:
            print(json.dumps(normalizing.as_json(result)), flush=True)
        else:
            normalizing.show_result(wide(), result)
    if not as_json:
        normalizing.show_end(wide(), results, out)
    raise typer.Exit(1 if any(result.reason == "unreadable" for result in results) else 0)


@app.command(
    "check-sync",
    epilog="Examples:\n\n"
    "- `clapper check-sync clips/match/*.mp4`\n\n"
    "- `clapper check-sync --against clips/certificates.jsonl --json | jq 'select(.passed | not)'`",
)
def check_sync(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Clips, or folders of them; default: all with a certificate.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="certificates.jsonl of `clapper normalize`; facts must be the same.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file, on a line.")] = False,
) -> None:
    """Does a clip keep the sync contract: recomputed from the file alone, pass or fail with numbers.

    On flash-and-beep material it measures the events too. Ends with 1 if a file fails, 2 if there is none.
    """
    from flows import check_sync as checking

    certified = checking.read_certificates(against) if against else None
    chosen = checking.files_to_check(files or (), certified)
    if not chosen:
        screen.print("nothing to check: name clips, folders with .mp4 files, or --against certificates.jsonl")
        raise typer.Exit(2)
    checks = []
    for check in checking.check_all(chosen, certified, str(against), screen):
        checks.append(check)
        if as_json:
            print(json.dumps(checking.as_json(check), ensure_ascii=False), flush=True)
        else:
            checking.show_check(wide(), check)
    if not as_json:
        checking.show_end(wide(), checks)
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


@app.command()
def demo(
    workspace: Annotated[
        str, typer.Option("--workspace", "-w", help="Folder to work in.")
    ] = "demo-workspace",
) -> None:
    """Render a small synthetic broadcast, curate it through everything, and compare with what is true."""
    _quiet(verbose=False)
    from flows.demo import run_demo

    raise typer.Exit(run_demo(Path(workspace), screen, wide()))


@app.command(epilog="Example: `clapper doctor --json | jq -r '.will_use[]'`")
def doctor(
    workspace: Workspace = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a report.")] = False,
) -> None:
    """What is on this machine, what is missing, and what a run will use; ends with 1 if none can work."""
    from flows.doctor import examine, show_diagnosis

    diagnosis = examine(workspace_for(workspace))
    if as_json:
        print(json.dumps(diagnosis.as_json(), ensure_ascii=False))
    else:
        show_diagnosis(wide(), diagnosis)
    raise typer.Exit(0 if diagnosis.can_run else 1)


@offscreen_app.command(
    "report",
    epilog="Examples:\n\n- `clapper offscreen report av-syncbench --workspace W`\n\n"
    "- `clapper offscreen report av-syncbench -w W --reviews decisions.csv --json | jq .questions.source.scores`",
)
def report_offscreen(
    recipe: RecipeName,
    workspace: Workspace = None,
    profile: Profile = None,
    reviews: Annotated[
        Path | None, typer.Option(help="Parquet or CSV of people's decisions; default: the workspace's own.")
    ] = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Requests, tokens and money by run; precision and recall against people, and the operating point.

    By question, scenario and prompt version, with intervals of 95 %.
    """
    from flows import offscreen, offscreen_report
    from flows import run as runs
    from tasks.offscreen.money.accounts import open_accounts

    bench = runs.Request(recipe, workspace, profile, settings=pairs(settings)).bench()
    accounts = open_accounts(bench.root)
    lines, spent = offscreen.ledger(accounts)
    clips, decisions = offscreen.judgements(bench, accounts), offscreen.reviews_of(bench, reviews)
    report = offscreen_report.report_on(clips, decisions, bench.recipe.offscreen.leave_out)
    if as_json:
        print(json.dumps(offscreen_report.as_json(report, lines, spent), ensure_ascii=False))
    else:
        offscreen_report.show_report(wide(), report, lines, spent)


@models_app.command("list")
def list_models() -> None:
    """Every model: what it is for, which profiles use it, its size, licence and gate, and whether it is here."""
    from tasks.models import open_store

    store = open_store()
    table = Table(
        "model", "state", "profiles", "size", "licence", "gate", "used for", "file", show_lines=True
    )
    table.columns[0].no_wrap, table.columns[3].justify, table.columns[-1].overflow = True, "right", "fold"
    for check in store.verify():
        model = store.model(check.name)
        gate = (model.token or "by hand") if model.gate else ""
        profiles = ", ".join(model.profiles)
        table.add_row(
            model.name, check.state, profiles, model.size, model.licence, gate, model.purpose, model.file
        )
    wide().print(table)


@models_app.command(
    "pull",
    epilog="Examples:\n\n- `clapper models pull yunet lr-asd mn04`\n\n"
    "- `HF_TOKEN=… clapper models pull --profile full`",
)
def pull_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which; default: those of the light profile.")
    ] = None,
    profile: Annotated[
        Literal["embedded", "light", "full"],
        typer.Option(help="Pull what a profile needs, when no name is given."),
    ] = "light",
) -> None:
    """Fetch weights by pinned checksum; a wrong byte is an error.

    Gated models need an account that accepted their conditions, and its token in the environment.
    """
    from rich.progress import DownloadColumn, Progress

    from tasks.models import open_store

    store = open_store()
    chosen = names or [name for name, model in store.catalogue.items() if profile in model.profiles]
    with Progress(*Progress.get_default_columns(), DownloadColumn(), console=screen) as progress:
        bars = {name: progress.add_task(name, total=store.model(name).bytes) for name in chosen}
        paths = store.pull(chosen, lambda name, done, total: progress.update(bars[name], completed=done))
    for path in paths:
        print(path)


@models_app.command("verify")
def verify_models() -> None:
    """Check every file that is here against its pinned size and SHA-256."""
    from tasks.models import open_store

    checks = open_store().verify()
    for check in checks:
        print(f"{check.state:<8} {check.name:<14} {check.path or ''} {check.detail}".rstrip())
    raise typer.Exit(1 if any(check.state == "corrupt" for check in checks) else 0)


app.command(epilog=keeping_commands.EXPLAIN_EXAMPLES)(keeping_commands.explain)
app.command(epilog=keeping_commands.TAKEDOWN_EXAMPLES)(keeping_commands.takedown)
app.command(epilog=keeping_commands.AVAILABILITY_EXAMPLES)(keeping_commands.availability)


def main() -> None:
    """Entry point: errors that a person can mend are one line, not a traceback."""
    try:
        app()
    except ClapperError as error:
        screen.print(f"[red]{type(error).__name__}[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(2)


def _quiet(verbose: bool) -> None:
    """Prefect reads its settings at import: its log goes to the server, not over our progress."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_TO_CONSOLE", "false")
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
        logging.getLogger("clapper").addHandler(logging.NullHandler())


if __name__ == "__main__":
    main()
