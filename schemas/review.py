"""What the review by people writes: items that were shown, answers as they came, and what was decided.

A workspace has them under `reviews/<recipe>/`: `items.parquet`, `answers/` (only ever added to), `decided.parquet`.
An item is one thing that people are asked about: a clip as it is, or one made from it (shifted, with another sound,
an excerpt). People see an item's key and nothing else that tells which of these it is.
"""

from __future__ import annotations

import pyarrow as pa

from schemas.tables import INT, REAL, TEXT, described

KINDS = ("clip", "gold_shifted", "gold_swapped", "offset", "excerpt", "dispute")
"""A clip as it is; one with its sound shifted or another's, whose true answer is known; one of the tolerance study; a
part of a clip; a clip on whose answers annotators disagree, for the lead."""

ITEMS = described(
    ("item_key", TEXT, "32 hex digits that tell nothing: a keyed digest of what is shown and of its project"),
    ("project", TEXT, "review or adjudication"),
    ("kind", TEXT, "one of schemas.review.KINDS"),
    ("clip_id", TEXT, "the clip that it is or is made from"),
    ("video_id", TEXT, ""),
    ("clip_sha256", TEXT, "of that clip's file: a clip that is cut anew is another item"),
    ("path", TEXT, "the file that is shown, relative to the workspace"),
    ("duration_ms", INT, "of that file; whole frames of 40 ms"),
    ("offset_ms", INT, "how much earlier than in the clip the audio is; 0 for a clip as it is"),
    ("start_ms", INT, "where in the clip an excerpt begins; 0 otherwise"),
    ("expected", pa.map_(TEXT, TEXT), "question to the answer that is known to be right; empty but for gold"),
    ("machine", pa.map_(TEXT, TEXT), "what models say of it: question to answer; never shown"),
    ("shown", pa.map_(TEXT, TEXT), "what the page says beside the clip, such as the event that is asked for"),
    ("task", INT, "its number on the server; null before it is pushed, or when it is gone from there"),
    ("pushed_at", TEXT, "ISO 8601, UTC; null before it is pushed"),
)

ANSWERS = described(
    ("item_key", TEXT, "see the items"),
    ("annotator", TEXT, "pseudonym, such as A3 or, of a lead, L1; null for somebody unknown"),
    ("version", INT, "1, and one more for each time that this annotator changed the answer"),
    ("made_at", TEXT, "when it was first submitted, ISO 8601, UTC"),
    ("changed_at", TEXT, "when it was last changed"),
    ("pulled_at", TEXT, "when it was taken from the server"),
    ("lead_time_ms", INT, "how long the page was open; null when the server does not say"),
    ("skipped", pa.bool_(), "the annotator passed it on without an answer"),
    ("answers", pa.map_(TEXT, TEXT), "question to answer; empty when skipped or refused"),
    ("keep_start_ms", INT, "from where the clip should be kept, from its start; null: no part was marked"),
    ("keep_end_ms", INT, "exclusive"),
    ("comment", TEXT, ""),
    ("refused", TEXT, "a stable word for why the answer does not count; null for a good one"),
    ("detail", TEXT, "what was wrong with it"),
    ("task", INT, "number on the server"),
    ("annotation", INT, "number on the server"),
    ("form", TEXT, "the page: form@digest"),
    ("raw", TEXT, "the answer as the server gave it, JSON"),
)

VOTE = pa.struct([("annotator", TEXT), ("answers", pa.map_(TEXT, TEXT))])
FINDING = pa.struct(
    [
        ("question", TEXT),
        ("answer", TEXT),
        ("votes", INT),
        ("of", INT),
        ("rule", TEXT),
        ("adjudicated", pa.bool_()),
    ]
)

DECIDED = described(
    ("clip_id", TEXT, ""),
    ("clip_sha256", TEXT, "of the clip's file that was judged"),
    ("outcome", TEXT, "accepted, rejected, disputed (waits for a lead) or pending (waits for annotators)"),
    ("question", TEXT, "by which question it was rejected, or which is disputed; null otherwise"),
    ("counted", INT, "judgements that count, of different annotators"),
    ("needed", INT, "judgements that the recipe asks for"),
    ("extra", INT, "judgements beyond those, kept apart"),
    ("findings", pa.list_(FINDING), "for each question what was decided; the answer is null while it is not"),
    ("votes", pa.list_(VOTE), "the judgements that count, in the order in which they were first made"),
    ("agreement", REAL, "share of pairs of judgements that agree, over the deciding questions, 0–1; null below two"),
    ("adjudicator", TEXT, "pseudonym of the lead who decided; null where nobody had to"),
    ("keep_start_ms", INT, "the part to keep, median over those who marked one; null where fewer than half did"),
    ("keep_end_ms", INT, "exclusive"),
    ("decided_at", TEXT, "when the last judgement that counts was made, ISO 8601, UTC; null while pending"),
)  # fmt: skip

BALLOT = pa.struct([("annotator", TEXT), ("question", TEXT), ("answer", TEXT)])

REVIEWED = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("counted", INT, "judgements that count, of different annotators"),
    ("findings", pa.list_(FINDING), "for each question what was decided"),
    ("votes", pa.list_(BALLOT), "each answer that counts, with the pseudonym of who gave it"),
    ("agreement", REAL, "share of the pairs of judgements that agree, over the deciding questions, 0–1"),
    ("adjudicator", TEXT, "pseudonym of the lead who decided; null where nobody had to"),
    ("keep_start_ms", INT, "the part to keep; null where fewer than half of the annotators marked one"),
    ("keep_end_ms", INT, "exclusive"),
    ("decided_at", TEXT, "when the last judgement that counts was made, ISO 8601, UTC"),
)
"""Of the clips that people accepted."""
