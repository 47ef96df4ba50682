"""The manifest of a release: one row per clip, described field by field."""

from __future__ import annotations

import pyarrow as pa

from schemas.review import BALLOT, FINDING
from schemas.tables import CERTIFICATE, INT, REAL, TEXT, described

SPAN = pa.struct([("start_ms", INT), ("end_ms", INT), ("score", REAL)])
LABEL_SPAN = pa.struct(
    [("start_ms", INT), ("end_ms", INT), ("label", TEXT), ("probability", REAL), ("track", INT)]
)
MODEL = pa.struct([("analysis", TEXT), ("model", TEXT)])
EVENT_SPAN = pa.struct([("start_ms", INT), ("end_ms", INT), ("id", TEXT), ("name", TEXT), ("score", REAL)])

MANIFEST = described(
    ("clip_id", TEXT, "<video_id>_<source_start_ms>_<source_end_ms>; unique"),
    ("video_id", TEXT, "the source video; all its clips are in one split"),
    ("split", TEXT, "train, dev or test"),
    ("channel", TEXT, "the channel the source belongs to"),
    ("domain", TEXT, "such as news or sports"),
    ("path", TEXT, "the clip's file, relative to the release folder"),
    ("bytes", INT, "size of the clip's file"),
    ("duration_ms", INT, "40 ms times frames"),
    ("width", INT, "px"),
    ("height", INT, "px"),
    ("source_url", TEXT, "page of the source video; null for a local file"),
    ("source_sha256", TEXT, "of the source file that was normalised"),
    ("source_start_ms", INT, "on the source's presentation clock, as ffprobe's pts_time has it"),
    ("source_end_ms", INT, "likewise; exclusive"),
    ("source_frame_rate", TEXT, "of the source, as a fraction"),
    ("source_sample_rate", INT, "of the source, Hz"),
    ("source_licence", TEXT, "as the site states it"),
    ("source_published", TEXT, "as the site states it, YYYY-MM-DD"),
    ("list_label", TEXT, "the label that the source list gave this clip; null without a list"),
    ("list_split", TEXT, "the split that the source list gave it; null without a list"),
    ("talking_head_ms", INT, "total of the talking_head intervals"),
    ("voice_over_ms", INT, "total of the voice_over intervals"),
    ("cannot_tell_ms", INT, "total of the cannot_tell intervals"),
    ("other_ms", INT, "total of the other intervals"),
    ("labels", pa.list_(LABEL_SPAN), "talking_head, voice_over, cannot_tell, other: a partition of the clip"),
    ("speech", pa.list_(SPAN), "intervals with speech"),
    ("voices", INT, "how many voices speak; null where turns were not looked for"),
    ("overlapped_ms", INT, "speech of several voices at once; null where turns were not looked for"),
    ("audio_events", pa.list_(EVENT_SPAN), "AudioSet events"),
    ("evidence", TEXT, "audio-visual evidence: evident, uniform or missing"),
    ("conditions", pa.list_(TEXT), "near_silent, still, text_card, letterboxed …: what holds of the clip"),
    ("active_box", pa.list_(INT), "x0, y0, x1, y1 in px of the clip: the picture without its bars"),
    ("level_dbfs", REAL, "of the clip's sound, root mean square; null for digital silence"),
    ("loudness_lufs", REAL, "of the clip's sound, integrated, EBU R 128, one channel; null below −70 LUFS"),
    ("true_peak_dbtp", REAL, "of the clip's sound, between the samples, dB of full scale; null for silence"),
    ("clipped_share", REAL, "samples within 1 dB of a peak near full scale, steady tones aside, 0–1"),
    ("above_background_db", REAL, "mean power of the sound above its quietest tenth; null for silence"),
    ("bandwidth_hz", INT, "highest frequency heard, at most 8,000; null where nothing is heard"),
    ("sharpness", REAL, "how steep the picture's edges are in the median second, 0–1; null without edges"),
    ("face_tracks", INT, "number of face tracks"),
    (
        "sound_source",
        TEXT,
        "where the source of the main sound is: visible; as people judged, else a model; null where none has",
    ),
    ("sound_source_name", TEXT, "what it is, in the model's words"),
    ("scenario", TEXT, "one of AV-SyncBench's ten; as people judged, else a model; null where none has"),
    ("scenario_domain", TEXT, "voice, music or sound: the scenario's"),
    ("reviewers", INT, "people who judged the clip, each for herself; null where nobody did"),
    ("review_votes", pa.list_(BALLOT), "each answer that counts, with the pseudonym of who gave it"),
    ("review_findings", pa.list_(FINDING), "for each question what was decided, and by how many"),
    ("review_agreement", REAL, "share of pairs of judgements that agree, over the deciding questions, 0–1"),
    ("adjudicator", TEXT, "pseudonym of the lead who decided where they did not agree; null otherwise"),
    ("keep_start_ms", INT, "part that people would keep, from the clip's start; null where they marked none"),
    ("keep_end_ms", INT, "exclusive"),
    ("downloader", TEXT, "program and version that fetched the source"),
    *CERTIFICATE,
    ("models", pa.list_(MODEL), "what made the labels: each analysis with its model and checksum"),
)
