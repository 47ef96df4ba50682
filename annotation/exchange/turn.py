"""One writer at a time: pushing and pulling wait for their turn, and a full disk is told as what it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from annotation.store import review_folder, sole_writer
from schemas.errors import WorkspaceError
from schemas.judging import Review
from tasks.workspace.layout import appearing


@contextmanager
def turn(root: Path, recipe: str, wait_s: float) -> Iterator[Path]:
    """Hold a review for writing; gives its folder.

    Raises:
        WorkspaceError: another process still holds it after `wait_s`, or what was to be written cannot be. Files are
            whole, as before or as after.
    """
    folder = review_folder(root, recipe)
    with sole_writer(root, recipe, wait_s):
        try:
            yield folder
        except OSError as error:
            problem = f"cannot be written: {error.strerror or type(error).__name__}"
            raise WorkspaceError(
                str(folder), problem, "make room, or mend its permissions; run again"
            ) from error


def keep_review(folder: Path, review: Review) -> None:
    """Keep the recipe's section beside what came of it: what an answer sets off has no recipe at hand."""
    path, text = folder / "review.json", review.model_dump_json(indent=1)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        with appearing(path) as unfinished:
            unfinished.write_text(text, encoding="utf-8")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
