"""Give every video its split, and say which clips must be withheld lest they leak.

In this order:

1. A video that any version had keeps its split for ever.
2. A channel that the recipe holds out goes to its split as a whole; a video for which a list names a split has
   that one, if the recipe follows lists.
3. Kin of those go where they are. Where kin already are on several sides (the likeness was found after they were
   published, or lists put them there) a newcomer goes to the first of train, dev and test: there it costs nothing
   that is published. In dev or test, clips of train that are like it would have to go from the next version.
4. All others are assigned, kin together, as `tasks.splits.assign` says.

What remains is withheld: of clips that are alike, directly or by a chain of others, and lie on several sides, those
on the last of train, dev and test stay, since others may have been scored on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.errors import RecipeError
from schemas.releases import SPLIT_TABLE, WITHHELD
from schemas.sections import SPLITS, Splits
from tasks.splits.assign import Units, assign
from tasks.splits.kin import Kin, find_kin
from tasks.splits.straddling import find_straddling
from tasks.splits.videos import Videos, read_videos
from tasks.workspace.query import open_database


@dataclass(frozen=True)
class Splitting:
    """Where every video is.

    Attributes:
        assignments: SPLIT_TABLE, of all videos that any version had and of those to be released; by video id.
        withheld: WITHHELD, clips that are in no split; by clip id.
    """

    assignments: pa.Table
    withheld: pa.Table


def split_videos(
    parts: Sequence[Path], fixed: pa.Table | None, pairs: Path | None, rules: Splits, scratch: Path
) -> Splitting:
    """Split the videos of a manifest in the making.

    The order of the parts, and of what is in them, has no say. Memory: about 300 bytes a video, and what DuckDB
    may take (`tasks.workspace.query`).

    Args:
        parts: Parquet files of MANIFEST, less `split`.
        fixed: SPLIT_TABLE of the version before.
        pairs: Parquet file of PAIRS; None where nothing was compared.
        scratch: a folder with room for what memory does not hold.

    Raises:
        RecipeError: a channel is held out, some of whose videos an earlier version has in another split; or a list
            is followed that names unknown splits.
    """
    earlier = (
        SPLIT_TABLE.empty_table() if fixed is None else fixed.select(SPLIT_TABLE.names).cast(SPLIT_TABLE)
    )
    if not parts:
        return Splitting(earlier.sort_by("video_id"), WITHHELD.empty_table())
    with open_database(scratch, clips=parts) as database:
        videos = read_videos(database, rules.follow_list)
        kin = find_kin(database, videos.ids, earlier, pairs, rules)
        fixed_side = np.full(len(kin.ids), -1, np.int8)
        fixed_side[kin.places(earlier["video_id"])] = _sides(earlier["split"])
        here = kin.places(videos.ids)
        forced = _forced(videos, fixed_side[here], rules)
        side = _assigned(videos, kin.group[here], _with_kin(kin, here, forced, fixed_side), rules)
        every = np.full(len(kin.ids), -1, np.int8)
        every[here] = side
        withheld = find_straddling(database, kin, every, pairs, rules)
    return Splitting(_table(videos, side, earlier, kin), withheld)


def _sides(splits: pa.ChunkedArray) -> np.ndarray:
    return pc.index_in(splits, value_set=pa.array(SPLITS)).to_numpy().astype(np.int8)


def _forced(videos: Videos, fixed: np.ndarray, rules: Splits) -> np.ndarray:
    """The sides of videos that have no choice, int8 by place in SPLITS; −1 for all others."""
    held_out = {channel: SPLITS.index(split) for channel, split in rules.held_out.items()}
    out = np.array([held_out.get(channel, -1) for channel in videos.channels], np.int8)
    wrong = np.flatnonzero((out >= 0) & (fixed >= 0) & (fixed != out))
    if len(wrong):
        channel, split = videos.channels[wrong[0]], SPLITS[out[wrong[0]]]
        raise RecipeError(
            f"splits.held_out: {channel}",
            f"is to be in {split} as a whole, and {len(wrong)} videos of held-out channels are elsewhere since an "
            f"earlier version, {videos.ids[wrong[0]]} among them in {SPLITS[fixed[wrong[0]]]}; none may change sides",
            "take the channel out of held_out, or begin a new dataset under another name",
        )
    return np.where(fixed >= 0, fixed, np.where(out >= 0, out, videos.listed)).astype(np.int8)


def _with_kin(kin: Kin, here: np.ndarray, forced: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """The sides with those of kin that follow others; of several sides the first, see above."""
    sides = fixed.copy()
    sides[here] = forced
    first = np.full(kin.group.max(initial=-1) + 1, len(SPLITS), np.int8)
    np.minimum.at(first, kin.group[sides >= 0], sides[sides >= 0])
    theirs = first[kin.group[here]]
    return np.where(forced >= 0, forced, np.where(theirs < len(SPLITS), theirs, -1)).astype(np.int8)


def _assigned(videos: Videos, group: np.ndarray, side: np.ndarray, rules: Splits) -> np.ndarray:
    """The sides of all videos: those to be assigned are, group by group; held-out channels do not count as share."""
    counted = ~np.isin(np.array(videos.channels, object), list(rules.held_out)) | (side < 0)
    free = side < 0
    # What has its side is a unit of its own, in its own channel; what is to be assigned is one with its kin.
    key = np.where(free, group, group.max(initial=-1) + 1 + np.arange(len(group)))
    _, unit = np.unique(key[counted], return_inverse=True)
    units = _units(videos, np.flatnonzero(counted), unit, side)
    side = side.copy()
    side[counted] = assign(units, rules)[unit]
    return side


def _units(videos: Videos, members: np.ndarray, unit: np.ndarray, side: np.ndarray) -> Units:
    """Videos put together; a unit has the id of its first, and the channel in which it is longest."""
    count = int(unit.max(initial=-1)) + 1
    channels, channel = np.unique(np.array(videos.channels, object)[members], return_inverse=True)
    duration_ms = videos.duration_ms[members]
    first = np.full(count, len(members))
    np.minimum.at(first, unit, np.arange(len(members)))
    cells, cell = np.unique(unit * max(len(channels), 1) + channel, return_inverse=True)
    cell_ms = np.bincount(cell, duration_ms)
    by_length = np.lexsort((-cells, cell_ms))
    longest = np.zeros(count, np.int64)
    longest[cells[by_length] // max(len(channels), 1)] = cells[by_length] % max(len(channels), 1)
    return Units(
        names=[videos.ids[place] for place in members[first]],
        channels=channels.tolist(),
        channel=longest,
        duration_ms=np.bincount(unit, duration_ms, count).astype(np.int64),
        videos=np.bincount(unit, minlength=count),
        side=side[members[first]],
        parts=_put_together(videos.parts, members, unit, count),
        wholes=_put_together(videos.wholes, members, unit, count),
    )


def _put_together(values: np.ndarray, members: np.ndarray, unit: np.ndarray, count: int) -> np.ndarray:
    """The rows of each unit's members added up, float32; a column at a time, since there may be millions of rows."""
    made = np.empty((count, values.shape[1]), np.float32)
    for place in range(values.shape[1]):
        made[:, place] = np.bincount(unit, values[members, place], count)
    return made


def _table(videos: Videos, side: np.ndarray, earlier: pa.Table, kin: Kin) -> pa.Table:
    """SPLIT_TABLE of all that ever were; kin by the smallest id among these."""
    gone = earlier.filter(pc.invert(pc.is_in(earlier["video_id"], pa.array(videos.ids, pa.string()))))
    now = pa.table(
        {
            "video_id": pa.array(videos.ids, pa.string()),
            "channel": pa.array([channel or None for channel in videos.channels], pa.string()),
            "split": pa.array(SPLITS).take(pa.array(side)),
        }
    )
    every = pa.concat_tables([gone.select(now.column_names), now]).sort_by("video_id")
    places = kin.places(every["video_id"])
    first = np.full(kin.group.max(initial=-1) + 1, len(kin.ids))
    np.minimum.at(first, kin.group[places], places)
    return every.append_column("kin", kin.ids.take(pa.array(first[kin.group[places]]))).cast(SPLIT_TABLE)
