"""Takes in answers soon after they are given: the review server says that there is one, and a pull follows.

The server tells it once and never again, so this is only the faster way: scheduled runs pull too.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from annotation.private import connection_of, read_people
from annotation.store import review_folder
from schemas.errors import ClapperError
from schemas.judging import Review

QUIET_S = 10.0
"""A pull begins when this long nothing more has come …"""
LONGEST_S = 60.0
"""… or so long after the first answer."""
REST = 10.0
"""After a pull it rests for this many times as long as the pull took: a large review costs the server seconds."""

log = logging.getLogger(__name__)


@dataclass
class _Due:
    """The pull of one recipe that is to come."""

    first_at: float = 0.0
    not_before: float = 0.0
    timer: threading.Timer | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def on_answer(
    root: Path, pull_recipe: Callable[[Path, str], None] | None = None, quiet_s: float = QUIET_S
) -> Callable[[int], None]:
    """What the gateway calls with a project's number when there is an answer. It returns at once and never raises.

    Several answers in a row lead to one pull, in a thread that ends with the process. A review that another process
    is at work on is left to it.

    Args:
        pull_recipe: what takes in the answers of a recipe, in place of `take_in`.
    """
    dues: dict[str, _Due] = {}
    work = pull_recipe or take_in

    def nudge(project: int) -> None:
        try:
            recipe = _recipe_of(root, project)
            if recipe is not None:
                _plan(dues.setdefault(recipe, _Due()), quiet_s, lambda due: _run(due, work, root, recipe))
        except Exception:  # whatever is wrong here, the annotator's answer is stored and must be confirmed
            log.exception("an answer in project %s sets off no pull", project)

    return nudge


def take_in(root: Path, recipe: str) -> None:
    """Pull one recipe's answers now, if the server runs and no other process is at work on the review.

    Raises:
        ClapperError: as `pull` does.
    """
    # The client takes a second to load and tens of megabytes, which the gateway need not spend before it must.
    from annotation.exchange.client import open_client
    from annotation.exchange.pull import pull

    connection, folder = connection_of(root), review_folder(root, recipe)
    if connection is None or not (folder / "review.json").exists():
        return
    review = Review.model_validate_json((folder / "review.json").read_text(encoding="utf-8"))
    projects = json.loads((folder / "projects.json").read_text(encoding="utf-8"))
    pulled = pull(open_client(connection), root, recipe, review, projects, read_people(root), wait_s=0)
    put_aside = sum(pulled.refused.values())
    log.info("%s: %d new answers, %d changed, %d put aside", recipe, pulled.new, pulled.changed, put_aside)


def _plan(due: _Due, quiet_s: float, run: Callable[[_Due], None]) -> None:
    """Put the pull off until it is quiet, but not for ever."""
    with due.lock:
        now = time.monotonic()
        if due.timer is None:
            due.first_at = now
        else:
            due.timer.cancel()
        wait_s = max(min(quiet_s, due.first_at + LONGEST_S - now), due.not_before - now, 0.0)
        due.timer = threading.Timer(wait_s, run, [due])
        due.timer.daemon = True
        due.timer.start()


def _run(due: _Due, work: Callable[[Path, str], None], root: Path, recipe: str) -> None:
    with due.lock:
        due.timer = None
    began = time.monotonic()
    try:
        work(root, recipe)
    except ClapperError as error:
        log.warning("%s: answers are left for the next run: %s", recipe, error)
    except Exception:  # the thread's end: nobody else would tell of it
        log.exception("%s: answers are left for the next run", recipe)
    finally:
        due.not_before = time.monotonic() + REST * (time.monotonic() - began)


def _recipe_of(root: Path, project: int) -> str | None:
    for path in sorted((root / "reviews").glob("*/projects.json")):
        if project in json.loads(path.read_text(encoding="utf-8")).values():
            return path.parent.name
    return None
