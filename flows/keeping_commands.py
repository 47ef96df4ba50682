"""`clapper takedown`, `availability`, `explain` and `release common`: they read arguments and show results."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from flows.arguments import Workspace, root_of, screen, wide

if TYPE_CHECKING:
    from flows.takedown import Plan
    from tasks.sources.availability import Standing

TAKEDOWN_EXAMPLES = (
    "Examples:\n\n- `clapper takedown youtube-dQw4w9WgXcQ --reason 'the uploader asked' -w W`\n\n"
    "- `clapper takedown https://www.youtube.com/watch?v=dQw4w9WgXcQ --with-copies --reason R -w W --yes`"
)
AVAILABILITY_EXAMPLES = (
    "Examples:\n\n- `clapper availability realsync -w W`\n\n"
    "- `clapper availability realsync 1.2.0 -w W --limit 100 --json | jq .versions[].total.share`"
)
EXPLAIN_EXAMPLES = (
    "Examples:\n\n- `clapper explain youtube-dQw4w9WgXcQ_0_300000 -w W`\n\n"
    "- `clapper explain path/to/a/clip.mp4 -w W --json | jq .history`"
)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


def takedown(
    videos: Annotated[
        list[str], typer.Argument(help="Ids of videos or of clips, addresses, or paths of local files.")
    ],
    reason: Annotated[str, typer.Option(help="Why; it is kept for the workspace's owner alone.")],
    workspace: Workspace = None,
    with_copies: Annotated[
        bool, typer.Option("--with-copies", help="Also what was found to look and sound like them.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove videos from the workspace and from the next version, for ever; say which published versions hold them.

    Without --yes it shows what would be done, and on a terminal asks. Published versions never change.
    """
    from flows.keeping_display import plan_json, show_done, show_plan
    from flows.takedown import carry_out, plan_takedown

    root = root_of(workspace)
    with screen.status("looking where they are"):
        plan = plan_takedown(root, videos, with_copies)
    if not as_json:
        show_plan(wide(), plan)
    if not yes and not _typed(plan):
        if as_json:
            print(json.dumps(plan_json(plan)))
        screen.print("Nothing was changed. Say --yes to take them down.")
        raise typer.Exit(1)
    with Progress(console=screen, transient=True) as progress:
        bar = progress.add_task("removing", total=None)
        done = carry_out(
            plan,
            reason,
            datetime.now(UTC).date(),
            lambda done, of: progress.update(bar, completed=done, total=of),
        )
    if as_json:
        print(json.dumps({**plan_json(plan), "new": list(done.new), "left": list(done.left)}))
    else:
        show_done(wide(), plan, done.left)
    raise typer.Exit(1 if done.left else 0)


def availability(
    dataset: Annotated[str, typer.Argument(help="The data set: its recipe's name.")],
    versions: Annotated[
        list[str] | None, typer.Argument(help="Which versions; default: all that are published.")
    ] = None,
    workspace: Workspace = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask for so many sources at most.")] = None,
    as_json: AsJson = False,
) -> None:
    """Which sources of published versions still exist, and what share of each version survives.

    Sites are asked with the pauses of the recipe, and nothing is fetched; an answer holds for a day, and a check that
    was broken off goes on. Versions never change by this.
    """
    from flows.availability import as_json as plain_form
    from flows.availability import check_versions, chosen_releases
    from flows.keeping_display import show_availability

    root = root_of(workspace)
    chosen = chosen_releases(root, dataset, versions or ())
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True) as progress:
        bar = progress.add_task("asking", total=None)

        def told(done: int, of: int, standing: Standing | None) -> None:
            name = f"asking: {standing.video_id} {standing.state}" if standing else "asking"
            progress.update(bar, completed=done, total=of, description=name)

        checked = check_versions(root, chosen, limit, told)
    if as_json:
        print(json.dumps(plain_form(checked)))
    else:
        show_availability(wide(), checked)


def explain(
    clip: Annotated[str, typer.Argument(help="A clip's id, the beginning of one, or the path of its file.")],
    workspace: Workspace = None,
    dataset: Annotated[str | None, typer.Option(help="Look in this data set alone.")] = None,
    version: Annotated[str | None, typer.Option(help="Look in this version alone.")] = None,
    as_json: AsJson = False,
) -> None:
    """Where a clip comes from, what decided about it, and why it is in a version or in none; on one screen."""
    from flows.explain import explain as look
    from flows.explain_display import as_json as plain_form
    from flows.explain_display import show_explanation

    found = look(root_of(workspace), clip, dataset, version)
    if as_json:
        print(json.dumps(plain_form(found), ensure_ascii=False))
    else:
        show_explanation(Console() if sys.stdout.isatty() else Console(width=80), found)


def common(
    dataset: Annotated[str, typer.Argument(help="The data set: its recipe's name.")],
    first: Annotated[str, typer.Argument(help="A version.")],
    second: Annotated[str, typer.Argument(help="Another one; its splits and lengths are shown.")],
    workspace: Workspace = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the clips' ids, videos and splits: a .parquet or .csv file.")
    ] = None,
    available: Annotated[
        bool,
        typer.Option("--available", help="Only clips whose source is there still: `clapper availability`."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What two versions have in common: clips with the same file on the same side, to limit scores to them."""
    from dataclasses import asdict

    from flows.availability import available_videos, chosen_releases
    from flows.keeping_display import show_common
    from tasks.releases.common import count_common, write_common

    root = root_of(workspace)
    one, two = chosen_releases(root, dataset, [first, second])
    there = available_videos(root) if available else None
    groups = count_common(one, two, root, there)
    if out:
        write_common(one, two, root, out.absolute(), there)
    if as_json:
        print(json.dumps([asdict(group) for group in groups]))
    else:
        show_common(wide(), f"{dataset} {first} and {second}", groups, out)


def add_to(release_app: typer.Typer) -> None:
    """Put the commands that are about versions beside the others."""
    release_app.command(
        epilog="Example: `clapper release common realsync 1.0.0 2.0.0 --out shared.csv -w W`"
    )(common)


def _typed(plan: Plan) -> bool:
    """Whether a person at a terminal typed what is to be taken down."""
    if not sys.stdin.isatty():
        return False
    first = next(iter(plan.videos))
    wanted = first if len(plan.videos) == 1 else f"{len(plan.videos)} videos"
    return (
        typer.prompt(
            f"This cannot be undone. Type {wanted!r} to go on", default="", show_default=False, err=True
        )
        == wanted
    )
