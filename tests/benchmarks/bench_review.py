"""What it costs to bring clips to the review server and to take in people's answers, against the plain way.

    python -m tests.benchmarks.bench_review [--clips 10000] [--plain 200]

Starts a Label Studio of its own on PostgreSQL, as in production. Prints a table in Markdown: a push of all clips,
one that finds everything there, a pull of three answers for each clip, one that finds nothing new; and beside them
Label Studio's own client used plainly, one call a clip and a list of pages, on `--plain` clips and scaled up. The
answers are made by an import, since the server takes a tenth of a second for each one that is submitted. Takes about
ten minutes for 10,000 clips on two busy processors. Seconds of the clock hold for an idle machine alone; seconds of
processor time, ours and the servers', tell what work it was.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Step:
    """What was done, for how many clips, and what it took.

    Attributes:
        ours_s: processor time of this process.
        servers_s: of Label Studio and PostgreSQL.
        most_mb: memory of this process at its most until then.
    """

    what: str
    clips: int
    took_s: float
    ours_s: float
    servers_s: float
    most_mb: float

    @property
    def ms_a_clip(self) -> float:
        return 1000 * self.took_s / self.clips


def servers_of(root: Path) -> list[psutil.Process]:
    """The processes of a workspace's servers: those whose command or environment names its private folder."""
    found = []
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), *process.environ().values(), process.cwd()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and any(str(root / FOLDER) in text for text in told):
            found.append(process)
    return found


def processor_s(root: Path) -> float:
    return sum(sum(process.cpu_times()[:4]) for process in servers_of(root) if process.is_running())


def timed(root: Path, what: str, clips: int, work: Callable[[], object]) -> Step:
    began, ours, servers = time.perf_counter(), time.process_time(), processor_s(root)
    work()
    took_s, ours_s = time.perf_counter() - began, time.process_time() - ours
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    step = Step(what, clips, took_s, ours_s, processor_s(root) - servers, most_mb)
    print(
        f"{what}: {took_s:.1f} s, of ours {ours_s:.1f} s, of the servers' {step.servers_s:.1f} s", flush=True
    )
    return step


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
    """The memory of the server's processes, shared parts counted once, at its most."""
    while not over.wait(2.0):
        total = 0
        for process in servers_of(root):
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        most_mb["servers"] = max(most_mb.get("servers", 0.0), total / 2**20)


def measure(root: Path, clips: int, plain: int) -> tuple[list[Step], float]:
    template = template_of("studio-postgres", build_on_postgres)
    fill(root, template)
    most_mb, over, steps = {}, threading.Event(), []
    with running_database(root) as database, running_studio(template, root, database=database) as studio:
        watching = threading.Thread(target=watch_servers, args=(root, most_mb, over), daemon=True)
        watching.start()
        desk = replace(open_desk(studio, "pushed", batch=Review().batch, adjudicate=True), timeout_s=60.0)
        items = some_items(clips)
        steps.append(timed(root, "push", clips, lambda: desk.push(items)))
        steps.append(timed(root, "push that finds all there", clips, lambda: desk.push(items)))
        full = replace(open_desk(studio, "pulled", adjudicate=True), timeout_s=60.0)
        timed(root, "(making the answers)", clips, lambda: answered(full, clips))
        steps.append(timed(root, "pull", clips, full.pull))
        steps.append(timed(root, "pull that finds nothing new", clips, full.pull))
        once = replace(open_desk(studio, "plain", adjudicate=True), timeout_s=60.0)
        steps.append(timed(root, "plain: tasks.create", plain, lambda: one_by_one(once, plain)))
        steps.append(timed(root, "plain: tasks.list", plain, lambda: by_pages(full, plain)))
        over.set()
        watching.join()
    return steps, most_mb.get("servers", 0.0)


def show(console: Console, steps: list[Step], servers_mb: float) -> None:
    titles = (
        "what",
        "clips",
        "s",
        "ours, s",
        "servers', s",
        "ms a clip",
        "the plain way takes",
        "our memory, MB",
    )
    table = Table(*titles, box=box.MARKDOWN)
    by_name = {step.what: step for step in steps}
    plainly = {"push": "plain: tasks.create", "pull": "plain: tasks.list"}
    for step in steps:
        plain = by_name.get(plainly.get(step.what, ""))
        ratio = f"{plain.ms_a_clip / step.ms_a_clip:.1f} times as long" if plain else ""
        seconds = (
            f"{step.took_s:.1f}",
            f"{step.ours_s:.1f}",
            f"{step.servers_s:.1f}",
            f"{step.ms_a_clip:.2f}",
        )
        table.add_row(step.what, str(step.clips), *seconds, ratio, f"{step.most_mb:.0f}")
    console.print(table)
    console.print(f"The servers' processes took {servers_mb:.0f} MB together at their most.")
    for step in (by_name["push"], by_name["pull"]):
        kept = step.took_s <= MOST_S and step.most_mb <= MOST_MB
        console.print(f"{step.what}: {'within' if kept else 'beyond'} {MOST_S:.0f} s and {MOST_MB:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--plain", type=int, default=200, help="clips for the plain way")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)  # the account of PostgreSQL must be able to enter it
        steps, servers_mb = measure(root, given.clips, min(given.plain, given.clips))
    show(Console(width=150), steps, servers_mb)


if __name__ == "__main__":
    main()
