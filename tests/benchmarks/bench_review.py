"""What it costs to bring clips to the review server and to take in people's answers, against the plain way.

    python -m tests.benchmarks.bench_review [--clips 10000] [--plain 200]

Starts a Label Studio of its own on PostgreSQL, as in production. Prints one table in Markdown: a push of all clips, one
that finds everything there, a pull of three answers for each clip, and one that finds nothing new; and beside them
Label Studio's own client used plainly, one call a clip and a list of pages, on `--plain` clips and scaled up. The
answers are made by an import, since the server takes a tenth of a second for each one that is submitted. Takes about
ten minutes for 10,000 clips on two busy processors. Times hold for the machine; the ratios for most.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
from rich import box
from rich.console import Console
from rich.table import Table

from annotation.exchange.tasks import task_of
from annotation.exchange.turn import now
from annotation.private import FOLDER
from annotation.store import write_items
from schemas.judging import Review
from tests.annotation.exchange.desk import Desk, open_desk, result_of, some_items
from tests.annotation.studio import build_on_postgres, fill, running_database, running_studio, template_of

MOST_S = 120.0
"""For 10,000 clips: a push, and a pull of 30,000 answers."""
MOST_MB = 1024.0

Row = tuple[str, int, float, float]
"""What was done, for how many clips, seconds, and our memory at its most until then in MB."""


def timed(what: str, clips: int, work: Callable[[], object]) -> Row:
    began = time.perf_counter()
    work()
    took_s = time.perf_counter() - began
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what}: {took_s:.1f} s", flush=True)
    return what, clips, took_s, most_mb


def answered(desk: Desk, clips: int) -> None:
    """Tasks with three answers each on the server, and the items here that they show."""
    client, rows = desk.client, []
    users = {person.pseudonym: person.user for person in desk.studio.annotators[:3]}
    items = some_items(clips)
    for start in range(0, clips, 500):
        batch = items[start : start + 500]
        tasks = [task_of(item, desk.review)[0] for item in batch]
        for task in tasks:
            task["annotations"] = [
                {"completed_by": user, "result": result_of(), "lead_time": 21.5, "ground_truth": False}
                for user in users.values()
            ]
        reply = client.projects.import_tasks(desk.projects["review"], request=tasks, return_task_ids=True)
        rows += [
            item | {"task": task, "pushed_at": now()}
            for item, task in zip(batch, reply.task_ids, strict=True)
        ]
    write_items(desk.root, desk.recipe, rows)


def one_by_one(desk: Desk, clips: int) -> None:
    client = desk.client
    for item in some_items(clips):
        task, _ = task_of(item, desk.review)
        client.tasks.create(data=task["data"], meta=task["meta"], project=desk.projects["review"])


def by_pages(desk: Desk, clips: int) -> None:
    pages = desk.client.tasks.list(project=desk.projects["review"], fields="all", page_size=100)
    for count, task in enumerate(pages, 1):
        if count >= clips:
            break
        _ = task.annotations


def watch_servers(root: Path, most_mb: dict[str, float], over: threading.Event) -> None:
    """The memory of the server's processes, taken together, at its most."""
    while not over.wait(1.0):
        total = 0
        for process in psutil.process_iter(["cmdline", "environ", "memory_full_info"]):
            try:
                if (
                    str(root) in " ".join([*process.cmdline(), *process.environ().values()])
                    and process.pid != psutil.Process().pid
                ):
                    total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        most_mb["servers"] = max(most_mb.get("servers", 0.0), total / 2**20)


def measure(root: Path, clips: int, plain: int) -> tuple[list[Row], float]:
    template = template_of("studio-postgres", build_on_postgres)
    fill(root, template)
    most_mb, over, rows = {}, threading.Event(), []
    with running_database(root) as database, running_studio(template, root, database=database) as studio:
        watching = threading.Thread(target=watch_servers, args=(root / FOLDER, most_mb, over), daemon=True)
        watching.start()
        desk = replace(open_desk(studio, "pushed", batch=Review().batch), timeout_s=60.0)
        items = some_items(clips)
        rows.append(timed("push", clips, lambda: desk.push(items)))
        rows.append(timed("push that finds all there", clips, lambda: desk.push(items)))
        full = replace(open_desk(studio, "pulled"), timeout_s=60.0)
        timed("(making the answers)", clips, lambda: answered(full, clips))
        rows.append(timed("pull", clips, full.pull))
        rows.append(timed("pull that finds nothing new", clips, full.pull))
        once = replace(open_desk(studio, "plain"), timeout_s=60.0)
        rows.append(timed("plain: tasks.create", plain, lambda: one_by_one(once, plain)))
        rows.append(timed("plain: tasks.list", plain, lambda: by_pages(full, plain)))
        over.set()
        watching.join()
    return rows, most_mb.get("servers", 0.0)


def show(console: Console, rows: list[Row], servers_mb: float) -> None:
    table = Table("what", "clips", "s", "ms a clip", "plain way takes", "our memory, MB", box=box.MARKDOWN)
    cost = {what: took_s / clips for what, clips, took_s, _ in rows}
    plainly = {"push": "plain: tasks.create", "pull": "plain: tasks.list"}
    for what, clips, took_s, most_mb in rows:
        ratio = f"{cost[plainly[what]] / cost[what]:.1f} times as long" if what in plainly else ""
        table.add_row(what, str(clips), f"{took_s:.1f}", f"{1000 * cost[what]:.2f}", ratio, f"{most_mb:.0f}")
    console.print(table)
    console.print(f"The server's processes took {servers_mb:.0f} MB together at their most.")
    for what, clips, took_s, most_mb in rows:
        if what in plainly:
            kept = took_s <= MOST_S * clips / 10_000 and most_mb <= MOST_MB
            bound = f"{MOST_S * clips / 10_000:.0f} s and {MOST_MB:.0f} MB"
            console.print(f"{what}: {'within' if kept else 'beyond'} {bound}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--plain", type=int, default=200, help="clips for the plain way")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)  # the account of PostgreSQL must be able to enter it
        rows, servers_mb = measure(root, given.clips, min(given.plain, given.clips))
    show(Console(width=140), rows, servers_mb)


if __name__ == "__main__":
    main()
