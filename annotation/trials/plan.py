"""What people are to be shown of the clips that are ready, and the files for it.

    rows = items_for(root, recipe, clips, known_items, secrets.items)

A clip that is ready is a row of `clip_id`, `video_id`, `sha256`, `path`, `duration_ms`, `evidence`, `scenario` (None
where nobody has named it), `labels` (rows of LABELS), `events` (rows of EVENTS), `machine` (question to what models
answer) and, where it is known, `channel`.

    clip-review   each clip as it is, and gold: see `gold`
    in-sync       clips with a shifted sound: see `tolerance`
    label-check   excerpts: see `label_check`

The same input gives the same plan, whatever its order. Items that are known stay as they are: a plan only adds.
A clip that is cut anew gives new items.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from annotation.store import item_key, review_folder
from annotation.trials.gold import SHIFTED, SWAPPED, gold
from annotation.trials.label_check import KIND as EXCERPT
from annotation.trials.label_check import label_check
from annotation.trials.render import excerpt, shift, swap
from annotation.trials.tolerance import KIND as OFFSET
from annotation.trials.tolerance import silent_edges_ms, tolerance
from annotation.trials.trial import PROJECT, Known, Plan, Trial, Unmade, trial_of
from schemas.errors import ClapperError, MediaError, RecipeError, SystemicError, Withheld
from schemas.recipe import Recipe
from tasks.workspace.layout import TEMPORARY
from tasks.workspace.stage import Row


def items_for(
    root: Path,
    recipe: Recipe,
    clips: Iterable[Row],
    known_items: Sequence[Row],
    secret: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
    tell: Callable[[Unmade], None] = lambda unmade: None,
) -> list[Row]:
    """New items, each with its file in place; call it under `annotation.store.sole_writer`.

    Killed at any moment it leaves whole files, which the next call takes as they are. What cannot be made of one
    clip is told, and tried again at the next call. Files of known items that are gone are made again.

    Args:
        clips: those that are ready; see above.
        known_items: rows of ITEMS, all that were ever planned.
        secret: `Secrets.items`.
        progress: called with the number of items that are done, and of all that there are to do.
        tell: called with every item that cannot be shown.

    Returns:
        Rows of ITEMS, not pushed, in the order of their keys.

    Raises:
        RecipeError: the recipe asks for no review.
        WorkspaceError: a file cannot be written; ToolMissing: ffmpeg is not installed.
    """
    known = _known(recipe, clips, known_items, secret)
    made = _plan(recipe, known)
    for unmade in made.unmade:
        tell(unmade)
    _sweep(review_folder(root, recipe.name) / "media")
    lost = [_again(recipe, known, item) for item in known_items if not (root / item["path"]).exists()]
    again = [trial for trial in lost if trial]
    rows = []
    for done, trial in enumerate((*again, *made.trials), 1):
        unmade = _rendered(root, recipe, trial)
        if unmade:
            tell(unmade)
        elif done > len(again):
            rows.append(trial.item)
        progress(done, len(again) + len(made.trials))
    return rows


def plan(recipe: Recipe, clips: Iterable[Row], known_items: Sequence[Row], secret: str) -> Plan:
    """What `items_for` is to make; reads and writes nothing.

    Raises:
        RecipeError: the recipe asks for no review.
    """
    return _plan(recipe, _known(recipe, clips, known_items, secret))


def _known(recipe: Recipe, clips: Iterable[Row], known_items: Sequence[Row], secret: str) -> Known:
    if recipe.review is None:
        raise RecipeError(recipe.name, "has no section 'review'", "add one to have people judge its clips")
    return Known(recipe.name, secret, {clip["clip_id"]: clip for clip in clips}, known_items)


def _plan(recipe: Recipe, known: Known) -> Plan:
    review = recipe.review
    if review.form == "clip-review":
        trials, unmade = gold(known, review.gold)
        trials += [_as_it_is(known, clip) for clip in known.clips.values()]
    elif review.form == "in-sync":
        trials, unmade = tolerance(known, review.offsets, review.sample)
    else:
        trials, unmade = label_check(known, review.sample)
    there = {item["item_key"] for item in known.items}
    new = {trial.item["item_key"]: trial for trial in trials if trial.item["item_key"] not in there}
    return Plan(tuple(new[key] for key in sorted(new)), tuple(unmade))


def _as_it_is(known: Known, clip: Row) -> Trial:
    return trial_of(known, "clip", clip, path=clip["path"], machine=dict(clip["machine"]))


def _again(recipe: Recipe, known: Known, item: Row) -> Trial | None:
    """A known item whose file is gone, to be made again; None where it cannot be made as it was."""
    clip = known.clips.get(item["clip_id"])
    if clip is None or clip["sha256"] != item["clip_sha256"]:
        return None
    key = partial(item_key, known.secret, known.recipe, PROJECT, item["kind"], clip["sha256"])
    if item["kind"] in (SHIFTED, EXCERPT):
        return Trial(item, clip)
    if item["kind"] == OFFSET:
        as_it_was = key(item["offset_ms"], silent_edges_ms(recipe.review.offsets)) == item["item_key"]
        return Trial(item, clip) if as_it_was else None
    if item["kind"] == SWAPPED:
        # Which clip lent its sound stands nowhere but in the key.
        other = next((one for one in known.clips.values() if key(one["sha256"]) == item["item_key"]), None)
        return other and Trial(item, clip, other)
    return None


def _rendered(root: Path, recipe: Recipe, trial: Trial) -> Unmade | None:
    """Make an item's file if it is not there; why it cannot be made, or None."""
    item = trial.item
    target = root / item["path"]
    if target.exists():
        return None
    try:
        _render(root, recipe, trial, target)
    except SystemicError:
        raise
    except (ClapperError, Withheld) as error:
        return Unmade(item["kind"], item["clip_id"], error.reason, str(error))
    return None


def _render(root: Path, recipe: Recipe, trial: Trial, target: Path) -> None:
    item, clip = trial.item, root / trial.clip["path"]
    if item["kind"] == SHIFTED:
        shift(clip, target, item["offset_ms"], recipe.media)
    elif item["kind"] == OFFSET:
        shift(clip, target, item["offset_ms"], recipe.media, silent_edges_ms(recipe.review.offsets))
    elif item["kind"] == SWAPPED:
        swap(clip, root / trial.other["path"], target, recipe.media)
    elif item["kind"] == EXCERPT:
        excerpt(clip, target, item["start_ms"], item["start_ms"] + item["duration_ms"], recipe.media)
    else:
        raise MediaError(str(clip), "is not there", "let the run make the clip again")


def _sweep(folder: Path) -> None:
    """Remove what a killed call has left unfinished."""
    for left in folder.glob(f"{TEMPORARY}*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)
