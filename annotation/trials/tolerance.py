"""The tolerance study: is a clip in sync with its sound shifted by so much?

Design. A clip is shown at `OFFSETS_EACH` of the recipe's offsets, not at all of them, or its watchers would come to
know it. Clips are taken in the order of a draw from their ids; each gets the offsets that have been shown least so
far, a draw from clip and offset deciding between equals. So after every clip no offset is ahead of another by more
than one, and no order of the data can put certain clips with certain offsets. What is known stays, and counts.

All items are made alike: the sound of every one, of offset 0 too, is encoded once more, and is silent at both ends
for as long as the largest offset. Silence, likeness and size of a file tell nothing of its offset.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from annotation.trials.draw import draw
from annotation.trials.trial import LEAST_MS, Known, Trial, Unmade, can_tell, trial_of

OFFSETS_EACH = 3

KIND = "offset"


def silent_edges_ms(offsets: Sequence[int]) -> int:
    """For how long items are silent at either end."""
    return max(map(abs, offsets), default=0)


def tolerance(known: Known, offsets: Sequence[int], sample: int) -> tuple[list[Trial], list[Unmade]]:
    """Further items of the study.

    Args:
        offsets: ms; positive: the audio is early.
        sample: at most so many items, with those that are known.
    """
    offsets = sorted(set(offsets))
    least_ms = LEAST_MS + 2 * silent_edges_ms(offsets)
    shown: defaultdict[str, set[int]] = defaultdict(set)
    for item in known.current(KIND):
        shown[item["clip_id"]].add(item["offset_ms"])
    uses = Counter(offset for some in shown.values() for offset in some)
    left = sample - uses.total()
    able = [clip for clip in known.clips.values() if can_tell(clip, least_ms)]
    # A clip that was begun is completed first.
    able.sort(key=lambda clip: (clip["clip_id"] not in shown, draw(known.secret, KIND, clip["clip_id"])))
    made: list[Trial] = []
    for clip in able:
        if left <= 0:
            break
        clip_id = clip["clip_id"]
        open_ones = sorted(
            set(offsets) - shown[clip_id],
            key=lambda offset, clip_id=clip_id: (uses[offset], draw(known.secret, KIND, clip_id, offset)),
        )
        for offset in open_ones[: max(0, min(left, OFFSETS_EACH - len(shown[clip_id])))]:
            edges = silent_edges_ms(offsets)
            made.append(trial_of(known, KIND, clip, offset, edges, offset_ms=offset))
            uses[offset] += 1
            left -= 1
    if able:
        return made, []
    detail = f"none of {len(known.clips)} clips is evident and at least {least_ms} ms long"
    return made, [Unmade(KIND, None, "nothing_suits", detail)]
