"""Half a minute of a meeting with the turns that people heard in it."""

from __future__ import annotations

MEETING = "audio/speech/pyannote_trn00.wav"
"""In the folder of real media; 30 s, two channels, of the AMI corpus."""

MEETING_MS = 30_000

MEETING_TURNS_S = (
    (3.168, 3.968, "MEO069"), (5.463, 6.103, "MEO069"), (5.496, 6.070, "MEE068"), (10.454, 10.953, "MEO069"),
    (11.040, 15.632, "MEE068"), (16.736, 18.146, "MEO069"), (16.980, 19.758, "MEE067"), (18.883, 19.373, "MEE068"),
    (18.985, 20.816, "MEO069"), (20.944, 21.391, "MEE067"), (21.392, 25.857, "MEE068"), (22.928, 23.312, "MEO069"),
    (25.001, 27.472, "MEO069"), (28.033, 30.000, "MEE068"),
)  # fmt: skip
"""Start, end and voice, as annotated in audio/debug.train.rttm of pyannote/pyannote-data at 12ab539f."""
