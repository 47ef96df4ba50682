"""What a review has of videos that are taken down: items, answers, decisions, files, and tasks on the server.

The files and all words go at once. An item that is on the server loses its task there; while the server cannot be
reached its row stays, without words, so that the task is known, and a repeat of the takedown finishes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from annotation.private import FOLDER, connection_of, open_secrets
from annotation.store import (
    WAIT_S,
    decided_file,
    item_key,
    read_items,
    review_folder,
    sole_writer,
    write_items,
)
from annotation.trials.gold import SWAPPED
from annotation.trials.trial import PROJECT
from schemas.errors import ServiceError
from tasks.workspace.erase import rows_without
from tasks.workspace.layout import appearing
from tasks.workspace.stage import Row

CLOSING_WORDS = {"machine": {}, "expected": {}, "shown": {}}


def erase_reviews(root: Path, videos: Collection[str], clips: Mapping[str, Sequence[str]]) -> list[str]:
    """Remove what all reviews of a workspace have of some videos.

    Args:
        clips: clip id to the SHA-256 of its files, past and present.

    Returns:
        What could not be removed, in sentences; empty when nothing is left.

    Raises:
        WorkspaceError: another process is at work on a review.
        ServiceRefused: the server does not take the token.
    """
    left: list[str] = []
    for folder in sorted((root / "reviews").glob("*/items.parquet")):
        recipe = folder.parent.name
        with sole_writer(root, recipe, WAIT_S):
            left += _erase_review(root, recipe, videos, clips)
    return left


def _erase_review(
    root: Path, recipe: str, videos: Collection[str], clips: Mapping[str, Sequence[str]]
) -> list[str]:
    items = read_items(root, recipe)
    own = {item["item_key"]: item for item in _concerned(root, recipe, items, videos, clips)}
    folder = review_folder(root, recipe)
    for item in own.values():
        if item["path"].startswith(f"reviews/{recipe}/media/"):
            (root / item["path"]).unlink(missing_ok=True)
    for answers in sorted((folder / "answers").glob("[0-9]*.parquet")):
        rows_without(answers, "item_key", own)
    if decided_file(root, recipe).exists():
        rows_without(decided_file(root, recipe), "clip_id", clips, also_of=videos)
    _missing_without(folder / "missing.json", own)
    if own:
        (folder / "report.html").unlink(missing_ok=True)  # made anew by `clapper review report`
    there = [item for item in own.values() if item["task"] is not None]
    remaining = {item["item_key"] for item in there} - _deleted(root, recipe, there)
    kept = [
        {**item, **CLOSING_WORDS} if item["item_key"] in remaining else item
        for item in items
        if item["item_key"] not in own or item["item_key"] in remaining
    ]
    if own:
        write_items(root, recipe, kept)
    return [_not_reached(recipe, len(remaining))] if remaining else []


def _concerned(
    root: Path,
    recipe: str,
    items: Sequence[Row],
    videos: Collection[str],
    clips: Mapping[str, Sequence[str]],
) -> Iterator[Row]:
    """Items of the videos, and those of other clips that have the sound of one of theirs."""
    lent: set[str] = set()
    if (root / FOLDER / "secrets.json").exists():
        # Which clip lent its sound stands nowhere but in the key.
        secret = open_secrets(root).items
        owners = {item["clip_sha256"] for item in items if item["kind"] == SWAPPED}
        lent = {
            item_key(secret, recipe, PROJECT, SWAPPED, owner, sha256)
            for owner in owners
            for checksums in clips.values()
            for sha256 in checksums
        }
    return (item for item in items if item["video_id"] in videos or item["item_key"] in lent)


def _missing_without(path: Path, keys: Collection[str]) -> None:
    if not path.exists():
        return
    told = json.loads(path.read_text(encoding="utf-8"))
    kept = [place for place in told if place[0] not in keys]
    if len(kept) < len(told):
        with appearing(path) as unfinished:
            unfinished.write_text(json.dumps(kept), encoding="utf-8")


def _deleted(root: Path, recipe: str, items: Sequence[Row]) -> set[str]:
    """Delete tasks on the server; returns the keys of those that are not there any more."""
    connection = connection_of(root)
    if connection is None or not items:
        return set()
    from annotation.exchange.client import PASSING, open_client  # an extra brings what it needs

    client, gone = open_client(connection), set()
    for item in items:
        try:
            client.tasks.delete(id=str(item["task"]))
        except ServiceError as error:
            if error.kind in PASSING:
                break
            if error.kind != "gone":
                raise
        gone.add(item["item_key"])
    return gone


def _not_reached(recipe: str, tasks: int) -> str:
    return (
        f"review {recipe}: {tasks} {'task' if tasks == 1 else 'tasks'} on the review server, which cannot be reached "
        "(`clapper review start`, then repeat this takedown)"
    )
