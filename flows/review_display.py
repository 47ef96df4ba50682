"""How the exchange with the review server looks in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from flows.review import Exchanged

OUTCOMES = ("accepted", "rejected", "disputed", "pending")
"""In the order in which they are told."""


@contextmanager
def counting(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Bars with an estimate, one for each thing that is done; gives what is to be called with its progress."""
    columns = (
        TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    bars: dict[str, int] = {}
    with Progress(*columns, console=console) as progress:

        def told(doing: str, done: int, of: int) -> None:
            if doing not in bars:
                bars[doing] = progress.add_task(escape(doing), total=of)
            progress.update(bars[doing], completed=done, total=of)

        yield told


def show_exchange(console: Console, exchanged: Exchanged) -> None:
    """What came, what went, how things stand, and what to do about what went wrong."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("clips ready for people", str(exchanged.ready))
    if exchanged.pulled:
        table.add_row("answers taken in", str(exchanged.pulled.new))
        table.add_row("answers that were changed", str(exchanged.pulled.changed))
    if exchanged.pushed:
        table.add_row("items put before people", str(exchanged.pushed.pushed))
    for outcome in OUTCOMES:
        if exchanged.outcomes.get(outcome):
            table.add_row(f"clips {outcome}", str(exchanged.outcomes[outcome]))
    console.print(table)
    for note in exchanged.notes:
        console.print(f"[yellow]note[/] {escape(note)}", soft_wrap=True)
    for problem in exchanged.problems:
        console.print(f"[red]problem[/] {escape(problem)}", soft_wrap=True)
