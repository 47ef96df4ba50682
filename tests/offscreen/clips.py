"""Many small files that stand for clips, and the stage that asks about them: no model here decodes a picture."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from schemas.recipe import Recipe
from tasks.offscreen.stage import STAGE
from tasks.workspace.outputs import Entry, Output, write_output
from tasks.workspace.reconcile import Plan, Retries, apply_plan, plan_stage
from tasks.workspace.stage import Context, Item

EARLIER = ("conditions", "duplicates")


def recipe(**settings: object) -> Recipe:
    """A recipe that asks Gemini, as fast as it can and with little patience."""
    quick = {"model": "gemini", "timeout": "400 ms", "upload_timeout": "2 s", "tries": 4}
    pace = {"requests_per_minute": 100_000, "tokens_per_minute": 1_000_000_000}
    return Recipe.model_validate({"name": "toy", "title": "Toy", "offscreen": quick | pace | settings})


def make_clips(root: Path, number: int) -> list[Item]:
    """Items as `normalize` leaves them, each with bytes of its own."""
    items = []
    (root / "clips").mkdir(parents=True, exist_ok=True)
    for n in range(number):
        data = f"secret-title {n} ".encode() * 8
        path = root / "clips" / f"secret-title-{n}.mp4"
        path.write_bytes(data)
        row = {
            "clip_id": f"clip{n}",
            "path": path.relative_to(root).as_posix(),
            "sha256": hashlib.sha256(data).hexdigest(),
            "duration_ms": 3000 + 40 * (n % 250),
        }
        items.append(Item(f"clip{n}", "video", row))
    return items


def earlier(root: Path, items: list[Item]) -> dict[str, Output]:
    """The tables that the stage comes after, with every clip done."""
    done = {"video_id": "video", "outcome": "done", "digest": "0", "tries": 1, "key": "0"}
    entries = [Entry({"item_id": item.id, "milliseconds": 1, **done}) for item in items]
    schema = pa.schema([("clip_id", pa.string())])
    return {name: write_output(root / "stages" / name / "0.0", schema, entries) for name in EARLIER}


def plan(root: Path, items: list[Item], chosen: Recipe, run: int = 0) -> Plan:
    """What run number `run` has to do; each is a day after the one before."""
    now = datetime.now(UTC) + timedelta(days=run)
    retries = Retries(3, timedelta(hours=6), now)
    return plan_stage(STAGE, "00000", root, chosen, items, earlier(root, items), str, retries)


def ask(root: Path, items: list[Item], chosen: Recipe, run: int = 0) -> Output:
    """One run of the stage."""
    context = Context(chosen, root, Path, f"run {run}")
    return apply_plan(plan(root, items, chosen, run), context, earlier(root, items))


def outcomes(output: Output) -> dict[str, str]:
    """Clip to `kept`, `people`, or the outcome and reason in the ledger."""
    verdicts = {clip: rows[0] for clip, rows in output.records().items()}
    return {
        clip: f"{verdicts[clip]['verdict']} {verdicts[clip]['reason'] or ''}".strip()
        if row["outcome"] == "done"
        else f"{row['outcome']} {row['reason']}"
        for clip, row in output.outcomes.items()
    }


def main() -> None:
    """`python -m tests.offscreen.clips ROOT NUMBER SETTINGS`: one run in a process that may be killed."""
    root, settings = Path(sys.argv[1]), json.loads(sys.argv[3])
    ask(root, make_clips(root, int(sys.argv[2])), recipe(**settings))


if __name__ == "__main__":
    main()
