"""Arrow schemas of what a version holds beside its manifest, and of what its splits rest on."""

from __future__ import annotations

import pyarrow as pa

from schemas.tables import INT, TEXT, described

PAIRS = described(
    ("clip_id", TEXT, "the later clip"),
    ("video_id", TEXT, "its video"),
    ("other_clip", TEXT, "the earlier clip that it is like"),
    ("other_video", TEXT, "that one's video; may be the same"),
    (
        "kind",
        TEXT,
        "both: picture and sound are alike; picture: with another sound; sound: with another picture",
    ),
    ("overlap_ms", INT, "for how long they are alike"),
    ("shorter_ms", INT, "how long the shorter of the two clips is"),
)
"""Clips that are alike, released or not: what must not be parted by a split."""

SPLIT_TABLE = described(
    ("video_id", TEXT, ""),
    ("channel", TEXT, ""),
    ("split", TEXT, "train, dev or test; for ever"),
    (
        "kin",
        TEXT,
        "the smallest video id among those that are alike, which were assigned together; itself alone",
    ),
)
"""Every assignment that any version made, also of videos that are in no later one."""

WITHHELD = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("reason", TEXT, "straddles_splits, …: a stable word"),
    ("detail", TEXT, "with what, in numbers"),
    ("duration_ms", INT, ""),
)
"""Clips that are fit and yet in no version, because they would leak from one split into another."""

TOMBSTONES = described(
    ("video_id", TEXT, "taken down; nothing else is kept of it"),
    ("taken_down_on", TEXT, "YYYY-MM-DD"),
)

CHANGES = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("change", TEXT, "added, removed, moved (between splits), changed (data) or described (metadata alone)"),
    ("split_before", TEXT, "null for added"),
    ("split_after", TEXT, "null for removed"),
    ("duration_ms", INT, "of the clip, as it is now or last was"),
    ("columns", pa.list_(TEXT), "columns that differ; empty for added and removed"),
    ("relabelled", pa.bool_(), "whether labels, speech, audio events, evidence or conditions differ"),
    (
        "reason",
        TEXT,
        "a stable word and what it is about: taken_down, dropped: conditions near_silent, models: speakers …",
    ),
)
"""What differs from the version before; the first version has no rows."""
