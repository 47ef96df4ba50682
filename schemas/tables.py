"""Arrow schemas of what each stage writes: one row per record, described field by field.

Every table of clips begins with `clip_id, video_id`; times are integer milliseconds from the clip's start
unless a name says `source_`, then they are on the source's presentation clock.
"""

from __future__ import annotations

import pyarrow as pa


def described(*fields: tuple[str, pa.DataType, str]) -> pa.Schema:
    """A schema whose fields say what they mean."""
    return pa.schema([pa.field(name, kind, metadata={"description": text}) for name, kind, text in fields])


TEXT, INT, REAL = pa.string(), pa.int64(), pa.float64()

SEGMENT = pa.struct([("start_ms", INT), ("end_ms", INT), ("label", TEXT), ("split", TEXT)])

CATALOG = described(
    (
        "video_id",
        TEXT,
        "unique and stable; made from the site's id or from the file's content, never from a title",
    ),
    ("kind", TEXT, "ytdlp or files"),
    ("location", TEXT, "the URL, or the absolute path of a local file"),
    ("channel", TEXT, "the channel whose rules (hours, split shares) apply"),
    ("domain", TEXT, "such as news or sports"),
    ("title", TEXT, "as the site has it; for people only"),
    ("duration_ms", INT, "as listed; null when the site does not say"),
    ("height", INT, "largest height listed, px; null when the site does not say"),
    ("licence", TEXT, "as listed; null when the site does not say"),
    ("sha256", TEXT, "of a local file's bytes; null for what is yet to be downloaded"),
    ("bytes", INT, "size of a local file; null for what is yet to be downloaded"),
    ("segments", pa.list_(SEGMENT), "spans that a list names; null: the whole video"),
)

SOURCES = described(
    ("video_id", TEXT, "see the catalogue"),
    ("path", TEXT, "the downloaded file, relative to the workspace; a local source's absolute path"),
    ("sha256", TEXT, "of the file"),
    ("bytes", INT, "size of the file"),
    ("url", TEXT, "page the video came from; null for a local file"),
    ("uploader", TEXT, "as the site has it"),
    ("published", TEXT, "upload date, YYYY-MM-DD, as the site has it"),
    ("licence", TEXT, "as the site has it"),
    ("container", TEXT, "format name as ffprobe gives it"),
    ("duration_ms", INT, "of the container"),
    ("width", INT, "px, as stored"),
    ("height", INT, "px, as stored"),
    ("frame_rate", TEXT, "average, as a fraction, e.g. 30000/1001"),
    ("video_codec", TEXT, ""),
    ("audio_codec", TEXT, ""),
    ("sample_rate", INT, "Hz"),
    ("audio_channels", INT, ""),
    ("tool", TEXT, "downloader and its version; null for a local file"),
)

CERTIFICATE = (
    ("sha256", TEXT, "of the clip's file"),
    ("frames", INT, "at 25 fps, as decoders hand them out"),
    ("samples", INT, "at 16 kHz, mono, likewise"),
    ("picture_first_pts_ms", REAL, "stamp of the clip's first frame"),
    ("picture_last_pts_ms", REAL, "stamp of its last frame"),
    ("sound_first_pts_ms", REAL, "stamp of its first sample"),
    ("sound_last_pts_ms", REAL, "stamp of its last sample"),
    ("start_skew_ms", REAL, "how much earlier the file's sound starts than its picture"),
    ("end_skew_ms", REAL, "how much earlier the file's sound ends than its picture"),
    ("drift_ms_per_hour", REAL, "how the file's sound gains on its picture, by the stamps of both"),
    ("frames_xxh3", TEXT, "XXH3-128 of the decoded frames, yuv420p"),
    ("samples_xxh3", TEXT, "XXH3-128 of the samples, s32le by the fixed-point decoder"),
    ("encoder", TEXT, "libraries and versions that encoded the clip"),
    (
        "picture_offset",
        TEXT,
        "source time of the clip's first frame, s, as a fraction: clip = source − offset",
    ),
    ("sound_offset", TEXT, "source time of the clip's first sample, likewise"),
    ("source_picture_time_base", TEXT, "seconds of one tick of the source's pictures, as a fraction"),
    ("source_sound_time_base", TEXT, "seconds of one tick of the source's sound, as a fraction"),
    ("source_first_picture_pts", INT, "ticks; stamp of the first source picture that is shown"),
    ("source_last_picture_pts", INT, "ticks; of the last"),
    ("source_first_sound_pts", INT, "ticks; stamp of the first source packet that is heard"),
    ("source_last_sound_pts", INT, "ticks; of the last"),
    ("picture_skew_ms", REAL, "largest distance of a picture's stamp from the frame that first shows it"),
    ("sound_skew_ms", REAL, "largest distance of a sound packet's stamp from its place in the clip"),
    (
        "source_start_skew_ms",
        REAL,
        "how much earlier against the picture than in the source the sound starts",
    ),
    ("source_end_skew_ms", REAL, "how much earlier against the picture than in the source it ends"),
    ("source_drift_ms_per_hour", REAL, "how it gains on the picture; null for clips under a minute"),
    ("repeated_frames", INT, "frames shown again because the source has none in their 40 ms"),
    ("dropped_pictures", INT, "source pictures not shown because a later one falls into the same 40 ms"),
    ("inserted_silence_ms", REAL, "silence put where the source has no sound"),
    ("removed_sound_ms", REAL, "sound left away where stamps make it overlap the sound before it"),
    ("clipped_samples", INT, "samples at full scale after mixing to one channel"),
    ("decoder", TEXT, "libraries and versions that decoded the source"),
)
"""The columns of a sync certificate; see `schemas.certificate`. Positive skews: the audio is early."""

CLIPS = described(
    ("clip_id", TEXT, "<video_id>_<source_start_ms>_<source_end_ms>"),
    ("video_id", TEXT, ""),
    ("path", TEXT, "the clip's file, relative to the workspace"),
    ("bytes", INT, ""),
    ("source_start_ms", INT, "on the source's presentation clock, as ffprobe's pts_time has it"),
    ("source_end_ms", INT, "likewise; exclusive"),
    ("duration_ms", INT, "40 ms times frames"),
    ("width", INT, "px"),
    ("height", INT, "px"),
    ("label", TEXT, "the list's label of this span; null without a list"),
    ("list_split", TEXT, "the list's split of this span; null without a list"),
    *CERTIFICATE,
)

SHOTS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("start_frame", INT, "first frame of the shot, from 0"),
    ("end_frame", INT, "exclusive"),
)

DETECTIONS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("frame", INT, "number of the frame within its clip, from 0; searched are 0, k, 2k …"),
    ("box", pa.list_(REAL), "x0, y0, x1, y1 in px of the clip"),
    ("score", REAL, "detector score, 0–1; the best face of a frame comes first"),
)

FACES = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("track", INT, "number of the face track within its clip, from 0"),
    ("start_frame", INT, "first frame of the track"),
    (
        "boxes",
        pa.list_(pa.list_(REAL)),
        "per frame x0, y0, x1, y1 in px of the clip; interpolated, or held to a shot's edge, where not detected",
    ),
    ("scores", pa.list_(REAL), "per frame detector score, 0–1; 0 where not detected"),
)

MOTION = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("luma", pa.list_(REAL), "per second mean luma, 0–255; the last second may be shorter"),
    ("changed", pa.list_(REAL), "per second share of pixels that change from frame to frame, 0–1"),
    ("black_frames", pa.list_(INT), "per second how many of its 25 frames are black"),
    ("frozen_frames", pa.list_(INT), "per second how many frames are the one before again"),
    (
        "unlike",
        pa.list_(REAL),
        "per second share of the picture that was another a second earlier, pan and zoom aside, 0–1",
    ),
    ("card_frames", pa.list_(INT), "per second how many frames show a card full of text"),
    ("bright", pa.list_(REAL), "per second luma that 2 % of its first picture exceed, 0–255"),
    ("sharpness", pa.list_(REAL), "per second steepness of its first picture's edges, 0–1; null without"),
    ("active_box", pa.list_(INT), "x0, y0, x1, y1 in px of the clip: the picture without its bars"),
)

PREVIEWS = described(
    ("clip_id", TEXT, "<video_id>_<source_start_ms>_<source_end_ms>"),
    ("video_id", TEXT, ""),
    ("path", TEXT, "a contact sheet, JPEG, relative to the workspace"),
    ("sha256", TEXT, "of the file"),
    ("bytes", INT, "at most 60,000"),
    ("width", INT, "of the sheet, px"),
    ("height", INT, "of the sheet, px"),
    ("times_ms", pa.list_(INT), "when the frames on it begin, in their order"),
)

SPEECH = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("start_ms", INT, ""),
    ("end_ms", INT, "exclusive"),
    ("score", REAL, "mean speech probability, 0–1"),
)

TURNS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("start_ms", INT, ""),
    ("end_ms", INT, "exclusive"),
    ("voice", TEXT, "V1, V2 … in the order in which they are first heard in the clip"),
    ("overlapped_ms", INT, "how much of the turn another voice speaks over"),
)

SPEAKERS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("track", INT, "face track that was scored"),
    ("start_ms", INT, "of the window"),
    ("end_ms", INT, "exclusive"),
    ("probability", REAL, "that this face makes the sound, calibrated on the open labelled set"),
    ("offset_ms", INT, "best offset within the searched range; positive: the audio is early"),
    ("confidence", REAL, "height of the sync profile's peak over its median, in the scorer's own unit"),
    ("score", REAL, "the model's plain active-speaker score, mean over the window; null where it has none"),
    ("unjudged", TEXT, "why this window tells nothing: too_short, too_still …; null where it was judged"),
    ("frame_scores", pa.list_(REAL), "the model's plain score of each frame; empty where it has none"),
)

SOUNDS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("start_ms", INT, "of the chunk"),
    ("end_ms", INT, "exclusive"),
    ("ids", pa.list_(TEXT), "AudioSet ids, best first, at most 20"),
    ("scores", pa.list_(REAL), "their scores, 0–1"),
)

EVENTS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("start_ms", INT, ""),
    ("end_ms", INT, "exclusive"),
    ("id", TEXT, "AudioSet id"),
    ("name", TEXT, "AudioSet display name"),
    ("score", REAL, "largest score of the merged chunks, 0–1"),
    ("parents", pa.list_(TEXT), "AudioSet display names of what it is a kind of, up to the roots"),
)

CONDITIONS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("level_dbfs", REAL, "of the whole sound, root mean square, dB of full scale; null for digital silence"),
    ("silent_ms", INT, "sound below the recipe's level of silence"),
    ("loudness_lufs", REAL, "integrated loudness, EBU R 128, one channel; null below −70 LUFS"),
    ("true_peak_dbtp", REAL, "peak between the samples, ITU-R BS.1770-4, dB of full scale; null for silence"),
    ("clipped_share", REAL, "samples within 1 dB of a peak near full scale, steady tones aside, 0–1"),
    ("above_background_db", REAL, "mean power above the quietest tenth, see tasks.conditions.background"),
    ("background_flatness", REAL, "of the quietest moments' spectrum, 0–1: near 1 for hiss; null likewise"),
    ("bandwidth_hz", INT, "highest frequency heard, at most 8,000; null where nothing is heard"),
    ("dropout_ms", INT, "holes of digital silence between sounds"),
    ("black_ms", INT, "black frames"),
    ("frozen_ms", INT, "frames that are the one before again"),
    ("card_ms", INT, "frames that show a card full of text"),
    ("sharpness", REAL, "how steep the edges are in the median second, 0–1; null without edges"),
    ("bright", REAL, "luma that 2 % of the picture exceed in the median second, 0–255"),
    ("still", pa.bool_(), "whether the whole clip shows one picture"),
    ("letterboxed", pa.bool_(), "whether bars surround the active picture"),
    ("active_box", pa.list_(INT), "x0, y0, x1, y1 in px of the clip: the picture without its bars"),
    (
        "conditions",
        pa.list_(TEXT),
        "near_silent, black, frozen, still, text_card, letterboxed, too_quiet, too_loud, clipped, noisy, muffled, "
        "dropouts, blurred, dark: what holds",
    ),
)

EVIDENCE = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("evidence", TEXT, "evident, uniform or missing"),
    ("reason", TEXT, "a stable word"),
    ("score", REAL, "how sure, 0–1"),
    ("sound_ids", pa.list_(TEXT), "AudioSet ids of the sounds that decided it"),
)

MOMENTS = described(
    ("video_id", TEXT, ""),
    ("start_ms", INT, "on the source's presentation clock"),
    ("end_ms", INT, "exclusive; whole frames of 40 ms after the start"),
    ("salience", REAL, "how much happens there, in sound and picture at once, 0–1"),
    ("around_ms", INT, "the most salient instant, on the source's presentation clock"),
    ("start_in_speech", pa.bool_(), "whether the clip begins inside speech because no pause was near"),
    ("end_in_speech", pa.bool_(), "whether it ends inside speech"),
    ("shot_cuts", INT, "how many cuts of shot it runs across; 0 unless no shot was long enough"),
    ("label", TEXT, "the list's label of the span that it lies in; null without a list"),
    ("split", TEXT, "the list's split of that span; null without a list"),
)

OFFSCREEN = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("verdict", TEXT, "keep: nothing speaks against it; people: it is for people to say"),
    (
        "reason",
        TEXT,
        "why people: unclear, below_point, audit, blocked, malformed, unjudged …; null for keep",
    ),
    ("source", TEXT, "visible, off_screen or unclear; null where no model has judged, as in all that follow"),
    ("source_name", TEXT, "what makes the main sound, in the model's words"),
    ("source_confidence", REAL, "0–1"),
    ("mismatch", TEXT, "none, obvious or unclear"),
    ("mismatch_confidence", REAL, "0–1"),
    ("audio", TEXT, "good, poor or unclear"),
    ("audio_confidence", REAL, "0–1"),
    ("scenario", TEXT, "one of the ten of AV-SyncBench"),
    ("domain", TEXT, "voice, music or sound"),
    ("scenario_confidence", REAL, "0–1"),
    ("evidence", TEXT, "one sentence of the model"),
    ("evidence_ms", INT, "when in the clip that is; null where the model names a time beyond its end"),
    ("answer_key", TEXT, "digest of clip, prompt, model, schema and settings under which the answer is kept"),
)

FINGERPRINTS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    (
        "pictures",
        pa.list_(TEXT),
        "every 120 ms a perceptual hash (pHash, 256 bits, hexadecimal); null for a plain picture",
    ),
    ("sounds", pa.list_(INT), "every 124 ms an item of Chromaprint's, 0 to 2³² − 1; null for silence"),
)

DUPLICATES = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("duplicate_of", TEXT, "the earlier clip, itself no duplicate, that this one is like"),
    (
        "kind",
        TEXT,
        "both: picture and sound are alike; picture: with another sound; sound: with another picture",
    ),
    ("dropped", pa.bool_(), "whether the clip is left out for it"),
    (
        "picture_distance",
        REAL,
        "share of the picture's bits that differ, 0–1; null where there is none to tell",
    ),
    ("sound_distance", REAL, "share of the sound's bits that differ, 0–1; null where the sound is not alike"),
    ("lag_ms", INT, "how much later in the recording this clip begins than the earlier one"),
    ("overlap_ms", INT, "for how long they are alike"),
    ("mirrored", pa.bool_(), "whether left and right are exchanged"),
)

REVIEWS = described(
    ("clip_id", TEXT, "<video_id>_<source_start_ms>_<source_end_ms>"),
    ("question", TEXT, "source, mismatch, audio or scenario; see schemas.judgement"),
    ("answer", TEXT, "one of that question's answers; unclear where people could not agree"),
    ("annotators", INT, "how many people this rests on"),
)
"""What people say of clips, one row for each clip and question: the truth against which a model is measured."""

LABELS = described(
    ("clip_id", TEXT, ""),
    ("video_id", TEXT, ""),
    ("start_ms", INT, ""),
    ("end_ms", INT, "exclusive"),
    ("label", TEXT, "talking_head, voice_over, cannot_tell or other"),
    ("probability", REAL, "of that label, 0–1; null for cannot_tell"),
    ("track", INT, "face track that speaks (talking_head) or is seen longest; null for other"),
)

OUTCOMES = described(
    ("item_id", TEXT, "the video, clip or span that this is about"),
    ("video_id", TEXT, "the video it belongs to"),
    ("part_of", TEXT, "the item of which this is a part that was left out; null for a whole item"),
    ("outcome", TEXT, "done, dropped, failed, unavailable or waiting"),
    ("reason", TEXT, "a stable word; null when done"),
    ("detail", TEXT, "the numbers behind the reason"),
    ("milliseconds", INT, "how much source material this is about"),
    ("key", TEXT, "digest of everything that the result depends on"),
    ("digest", TEXT, "digest of the records made"),
    ("tries", INT, "how often it has been tried, over all runs"),
    ("tried_at", TEXT, "when it was last tried, ISO 8601, UTC"),
)

LABEL_NAMES = ("talking_head", "voice_over", "cannot_tell", "other")
"""What an interval of a clip may be labelled."""
