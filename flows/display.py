"""How runs, plans and states look in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from flows.outlook import Outlook
from flows.pipeline import MODEL_USERS, STAGES, needs
from flows.progress import Publication, Step, watching
from flows.summary import HOUR_MS, Summary
from flows.targets import Shelf
from schemas.recipe import Recipe
from tasks.workspace.catalog import ASSUMED_DURATION_MS
from tasks.workspace.stage import Item, Row

WEIGHTS = {
    "download": 1.0, "moments": 0.05, "normalize": 3.0, "shots": 1.0, "detections": 2.0, "motion": 0.05,
    "previews": 0.05, "fingerprints": 0.05, "conditions": 0.05, "faces": 0.05, "speech": 0.3, "turns": 0.05,
    "speakers": 2.0, "sounds": 0.5, "events": 0.05, "labels": 0.05, "evidence": 0.05, "duplicates": 0.01,
    "offscreen": 0.05, "review": 0.01,
}  # fmt: skip
"""How long a second of material takes at each station, roughly; only the estimate depends on it."""


def show_plan(console: Console, recipe: Recipe, outlook: Outlook) -> None:
    """The plan of `--dry-run`: what is new, what each stage has and lacks, what would be published."""
    console.print(f"[bold]{recipe.title}[/] · profile {recipe.profile} · nothing is changed by this")
    for problem in outlook.problems:
        console.print(f"[yellow]cannot list[/] {escape(problem)}", soft_wrap=True)
    table = Table("station", "model", "present", "to do", title="Plan")
    models = {stage: recipe.model_for(analysis) for analysis, stage in MODEL_USERS.items()}
    for name, stage in STAGES.items():
        present, todo = _counts(name, outlook)
        later = len(outlook.new) if stage.works_on == "video" else 0
        waiting = any(name in survey.plans and survey.plans[name] is None for survey in outlook.surveys)
        more = " and what comes of the stations before" if waiting or (outlook.new and not later) else ""
        table.add_row(name, models.get(name, ""), str(present), f"{todo + later}{more}")
    console.print(table)
    _show_new(console, outlook.new)
    if outlook.draft:
        console.print(f"would publish version [bold]{outlook.draft.version}[/]")
    elif outlook.nothing_to_do:
        console.print("Everything is up to date.")


def show_summary(console: Console, recipe: Recipe, summary: Summary) -> None:
    """What `clapper status` and the end of a run print."""
    stages = Table("station", "done", "dropped", "unavailable", "failed", "waiting", title="Items by station")
    for row in summary.stages_table():
        stages.add_row(*(str(value) for value in row.values()))
    console.print(stages)
    funnel = Table("from discovered to released", "number", title="Funnel")
    for what, number in summary.funnel:
        funnel.add_row(what, str(number))
    console.print(funnel)
    if summary.losses:
        left = Table(
            "station", "outcome", "reason", "items", "hours", "for example", title="Left out, and why"
        )
        left.columns[-1].overflow = "fold"
        for row in summary.losses_table():
            left.add_row(*(escape(str(value)) for value in row.values()))
        console.print(left)
    _show_channels(console, summary)
    _show_targets(console, summary.shelves)
    for line in summary.review:
        console.print(f"[bold]review[/] {escape(line)}", soft_wrap=True)
    for step in summary.next_steps():
        console.print(f"[bold]next[/] {escape(step)}", soft_wrap=True)
    for problem in summary.problems:
        console.print(f"[red]problem[/] {escape(problem)}", soft_wrap=True)
    if summary.released:
        version, folder = summary.released
        news = "published now" if summary.version == version else "the newest release"
        console.print(f"[bold]{recipe.title} {version}[/] ({news})")
        console.print(folder, soft_wrap=True)
    else:
        console.print("No release yet.")


@contextmanager
def progress_bar(console: Console, outlook: Outlook) -> Iterator[None]:
    """A bar over all the work that the outlook lists, with an estimate, fed by the tasks of this process.

    While a version is published, a second bar says what is done for it.
    """
    columns = (
        TextColumn("{task.description:<20}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    unknown = {row["video_id"] for row in (*outlook.new, *outlook.catalog) if not row["duration_ms"]}
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("starting", total=_work(outlook), note="")
        publication = progress.add_task("publishing", total=None, note="", visible=False)

        def on_news(step: Step | Publication) -> None:
            if isinstance(step, Publication):
                _show_publication(progress, publication, step)
                return
            if step.stage == "download" and step.item in unknown and step.milliseconds:
                known_now = (ASSUMED_DURATION_MS - step.milliseconds) * sum(WEIGHTS.values())
                progress.update(bar, total=progress.tasks[bar].total - known_now)
            note = step.item if step.outcome == "done" else f"[yellow]{step.item}: {step.reason}[/]"
            progress.update(bar, advance=_advance(step), description=f"{step.stage} {step.shard}", note=note)
            if not console.is_terminal:
                console.print(f"{step.stage:<12} {step.outcome:<12} {step.item} {step.reason or ''}".rstrip())

        with watching(on_news):
            yield
        progress.remove_task(publication)
        progress.update(bar, completed=progress.tasks[bar].total, description="done", note="")


def _show_publication(progress: Progress, bar: TaskID, news: Publication) -> None:
    """Its own bar, begun anew with each thing that is done; without a terminal a line for each."""
    task = next(task for task in progress.tasks if task.id == bar)
    # Of a total of 1 there is no share to tell before it is done.
    note = f"{news.what}: {news.done} of {news.total}" if news.total > 1 else news.what
    if task.fields.get("what") != news.what:
        # A reset takes away the fields that it is not given, and every column must find its own.
        progress.reset(bar, total=news.total, visible=True, what=news.what, note=note)
        if not progress.console.is_terminal:
            progress.console.print(f"{'publishing':<12} {escape(news.what)}")
    progress.update(bar, completed=news.done, total=news.total, note=note)


def _work(outlook: Outlook) -> float:
    """All the work ahead, in weighted milliseconds of source material."""
    durations: dict[str, int] = {}
    for row in outlook.catalog:
        durations[row["shard"]] = durations.get(row["shard"], 0) + _milliseconds(row["duration_ms"])
    work = sum(_milliseconds(row["duration_ms"]) for row in outlook.new) * sum(WEIGHTS.values())
    for survey in outlook.surveys:
        for stage, plan in survey.plans.items():
            ahead = durations[survey.shard] if plan is None else sum(_item_ms(item) for item in plan.todo)
            work += WEIGHTS[stage] * ahead
    return work


def _advance(step: Step) -> float:
    """What a step adds; an item that ends here takes along the stations that would have read what it made."""
    ended = {step.stage}
    if step.outcome != "done":
        for name, stage in STAGES.items():
            ended |= {name} if ended & {*needs(stage)} else set()
    return _milliseconds(step.milliseconds) * sum(WEIGHTS[name] for name in ended)


def _item_ms(item: Item) -> int:
    return _milliseconds(item.row.get("duration_ms"))


def _milliseconds(known: int | None) -> int:
    return known or ASSUMED_DURATION_MS


def _counts(name: str, outlook: Outlook) -> tuple[int, int]:
    present = todo = 0
    for survey in outlook.surveys:
        if name not in survey.plans:
            present += len(survey.outputs[name].outcomes)
        elif survey.plans[name] is not None:
            present += len(survey.plans[name].kept)
            todo += len(survey.plans[name].todo)
    return present, todo


def _show_new(console: Console, videos: Sequence[Row], most: int = 20) -> None:
    if not videos:
        return
    table = Table("new video", "channel", "hours", "where", title=f"{len(videos)} new videos")
    for row in videos[:most]:
        hours = f"{row['duration_ms'] / HOUR_MS:.2f}" if row["duration_ms"] else "?"
        table.add_row(row["video_id"], row["channel"], hours, escape(row["location"]))
    if len(videos) > most:
        table.add_row(f"… and {len(videos) - most} more", "", "", "")
    console.print(table)


def _show_targets(console: Console, shelves: Sequence[Shelf]) -> None:
    """Scenarios and durations beside their targets, as in AV-SyncBench's Table 1, each with a total."""
    scenarios = [shelf for shelf in shelves if shelf.kind != "duration"]
    durations = [shelf for shelf in shelves if shelf.kind == "duration"]
    for lines, heads in ((scenarios, ("scenario", "domain")), (durations, ("duration",))):
        if not lines:
            continue
        table = Table(*heads, "released", "for people", "target", "missing", title=f"{heads[0].title()}s")
        for shelf in lines:
            numbers = (shelf.released, shelf.for_people, shelf.target, shelf.target and shelf.missing)
            names = (shelf.name, shelf.kind)[: len(heads)]
            table.add_row(*names, *("" if number is None else str(number) for number in numbers))
        table.add_section()
        columns = ("released", "for_people", "target", "missing")
        totals = (sum(getattr(shelf, column) or 0 for shelf in lines) for column in columns)
        table.add_row("total", *[""] * (len(heads) - 1), *map(str, totals))
        console.print(table)


def _show_channels(console: Console, summary: Summary) -> None:
    heads = ("channel", "videos", "hours listed", "clips released", "hours", "talking head h", "voice-over h")
    table = Table(*heads, title="Channels")
    for channel in summary.channels:
        hours = (channel.released_hours, channel.talking_head_hours, channel.voice_over_hours)
        table.add_row(
            channel.name, str(channel.videos), f"{channel.hours:.2f}", str(channel.released_clips),
            *(f"{value:.3f}" for value in hours),
        )  # fmt: skip
    if summary.channels:
        console.print(table)
