"""The sections of a recipe, each frozen and typed; what a key means stands here and nowhere else.

Quantities carry their unit (`20 min`, `256 px`, `5 USD`); see `schemas.quantities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.quantities import BitRate, DataRate, Duration, Pixels
from schemas.scenarios import Scenario

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, defer_build=True)


class YtdlpSource(Section):
    """A video, playlist or channel that yt-dlp can list."""

    kind: Literal["ytdlp"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    channel: Name | None = None
    domain: Name | None = None


class FilesSource(Section):
    """Local video files: a file, a folder (searched in depth) or a glob."""

    kind: Literal["files"]
    path: str
    channel: Name | None = None
    domain: Name | None = None


class ListSource(Section):
    """A CSV (or CSV.gz) of segments: `id, start, label, split`, or the public RealSync lists."""

    kind: Literal["list"]
    path: str
    url: str = "https://www.youtube.com/watch?v={id}"
    segment: Duration = 10_000
    channel: Name | None = None
    domain: Name | None = None


Source = Annotated[YtdlpSource | FilesSource | ListSource, Field(discriminator="kind")]


class Schedule(Section):
    cron: str
    timezone: str = "UTC"
    active: bool = True


class Admission(Section):
    """Which source videos are taken (RealSync §3). `licences`: empty admits all."""

    min_duration: Duration = 0
    max_duration: Duration | None = None
    min_height: Pixels = 0
    licences: tuple[str, ...] = ()
    max_per_channel: Duration | None = None


class Download(Section):
    """How yt-dlp fetches. `tries` counts runs, over which a video that is unavailable or fails is asked for."""

    max_height: Pixels = 1080
    rate_limit: DataRate | None = None
    pause: Duration = 0
    retries: Annotated[int, Field(ge=0, le=50)] = 5
    timeout: Duration = 30_000
    cookies: str | None = None
    tries: Annotated[int, Field(ge=1, le=100)] = 3
    retry_after: Duration = 6 * 3_600_000
    relist_after: Duration = 600_000


class Media(Section):
    """The normal form of a clip: H.264 High at 25 fps, AAC-LC mono at 16 kHz (RealSync §3).

    `encoder`: another one makes other bytes, so the graphics card's is used only where it is asked for.
    `decoder`: never changes a byte; `auto` takes the card where it was seen to give the processor's bytes.
    """

    clip_length: Annotated[Duration, Field(ge=1000, multiple_of=40)] = 300_000
    min_clip_length: Annotated[Duration, Field(ge=1000)] = 3_000
    short_side: Annotated[Pixels, Field(ge=32, le=4320, multiple_of=2)] = 256
    crf: Annotated[int, Field(ge=0, le=51)] = 18
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    audio_bit_rate: Annotated[BitRate, Field(ge=16_000, le=320_000)] = 64_000
    encoder: Literal["x264", "nvenc", "auto"] = "x264"
    decoder: Literal["auto", "cpu", "nvdec"] = "auto"


class Faces(Section):
    """Faces in every `every`-th frame; without `min_score` the detector's own least score counts."""

    model: str | None = None
    every: Annotated[int, Field(ge=1, le=25)] = 3
    min_score: Share | None = None
    min_size: Pixels = 24
    min_track: Duration = 600
    max_gap: Duration = 400


class Shots(Section):
    threshold: Annotated[float, Field(gt=0, le=255)] = 27.0


class Motion(Section):
    """What counts as change, black and frozen; in levels of luma, 0–255, on a small picture.

    A pixel changes by more than `min_change`; a black frame is at most `max_black` nearly everywhere; of a frozen
    one the mean distance from the frame before is at most `max_still`.
    """

    min_change: Annotated[float, Field(ge=0, le=255)] = 8
    max_black: Annotated[float, Field(ge=0, le=255)] = 25
    max_still: Annotated[float, Field(ge=0, le=255)] = 0.25


class Previews(Section):
    """Contact sheets; `width` is that of one picture of 16:9, and those of other shapes have its area."""

    columns: Annotated[int, Field(ge=1, le=12)] = 4
    rows: Annotated[int, Field(ge=1, le=12)] = 3
    width: Annotated[Pixels, Field(ge=64, le=480)] = 240


class Speech(Section):
    model: str | None = None
    threshold: Share = 0.5
    min_speech: Duration = 250
    min_silence: Duration = 100


class Turns(Section):
    """Who speaks when; voices that speak for less than `min_turn` at a time are left out."""

    model: str | None = None
    min_turn: Duration = 250


class Speakers(Section):
    """Active speaker: the sound is slid over the face track by ±`max_offset` in windows of `window`."""

    model: str | None = None
    window: Duration = 3_000
    hop: Duration = 1_000
    max_offset: Duration = 1_000


class Sounds(Section):
    """Audio tagging of overlapping chunks (RealSync §3.1, A.2)."""

    model: str | None = None
    chunk: Annotated[Duration, Field(ge=500)] = 2_000
    hop: Annotated[Duration, Field(ge=100)] = 1_000

    @model_validator(mode="after")
    def _leave_no_gap(self) -> Sounds:
        if self.hop > self.chunk:
            raise ValueError(f"hop must be at most chunk ({self.chunk} ms), and is {self.hop} ms")
        return self


class Events(Section):
    """Chunk scores above `threshold`, merged in time."""

    threshold: Share = 0.3
    top: Annotated[int, Field(ge=1, le=50)] = 5


Action = Literal["keep", "label", "drop"]


class Conditions(Section):
    """What is wrong with a clip as a whole, and what to do then: nothing, name it in the manifest, leave it out.

    `silence_level`: sound below it, dBFS, is silence; a clip is near-silent where `silent_share` of it is, black or
    frozen where `black_share` or `frozen_share` of its frames are, a text card where `card_share` are, and has bars
    where its active picture leaves out more than `bar_share` of its width or height.

    `min_loudness`, `max_loudness`: LUFS within which a clip is neither too quiet nor too loud. It is clipped where
    `clip_share` of its samples are within 1 dB of a peak near full scale; noisy where the sound is less than
    `min_above_background` dB above a background whose spectrum is at least as flat as `noise_flatness`, as hiss is,
    but heavy rain as well; muffled where nothing is heard above `min_bandwidth` Hz; and has dropouts where holes in
    the sound make up `dropout`. It is blurred where the edges of its median second are less steep than
    `min_sharpness`, and dark where less than 2 % of the picture is brighter than `dark_level`, a luma of 0–255.
    """

    near_silent: Action = "drop"
    black: Action = "drop"
    frozen: Action = "drop"
    still: Action = "drop"
    text_card: Action = "label"
    letterboxed: Action = "label"
    too_quiet: Action = "label"
    too_loud: Action = "label"
    clipped: Action = "label"
    noisy: Action = "label"
    muffled: Action = "label"
    dropouts: Action = "label"
    blurred: Action = "label"
    dark: Action = "label"
    silence_level: Annotated[float, Field(ge=-120, le=0)] = -60
    silent_share: Share = 0.95
    black_share: Share = 0.9
    frozen_share: Share = 0.9
    card_share: Share = 0.5
    bar_share: Share = 0.02
    min_loudness: Annotated[float, Field(ge=-70, le=0)] = -45
    max_loudness: Annotated[float, Field(ge=-70, le=10)] = -7
    clip_share: Annotated[float, Field(gt=0, le=1)] = 0.008
    min_above_background: Annotated[float, Field(ge=-30, le=120)] = 6
    noise_flatness: Share = 0.65
    min_bandwidth: Annotated[float, Field(ge=0, le=8000)] = 4000
    dropout: Annotated[Duration, Field(ge=15)] = 40
    min_sharpness: Share = 0.31
    dark_level: Annotated[float, Field(ge=0, le=255)] = 45


class Labels(Section):
    """Talking head, voice-over, other (RealSync §3.1). `min_probability`: below it a mouth does not match."""

    min_probability: Share = 0.5
    min_length: Duration = 400


class LengthShare(Section):
    """Clips longer than `above` and at most `up_to` long, and how many a data set wants (AV-SyncBench, Table 1 B).

    What is exactly as long as the first range's `above` belongs to that range.
    """

    above: Duration
    up_to: Duration
    clips: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _has_length(self) -> LengthShare:
        if self.above >= self.up_to:
            raise ValueError(f"above ({self.above} ms) must be less than up_to ({self.up_to} ms)")
        return self


class Targets(Section):
    """What a data set is to hold: clips by scenario, and by duration (AV-SyncBench, Table 1)."""

    scenarios: Mapping[Scenario, Annotated[int, Field(ge=0)]] = {}
    durations: tuple[LengthShare, ...] = ()


class Moments(Section):
    """Clips around salient audio-visual events, in place of clips of one length (AV-SyncBench §2.2).

    `max_per_source`: at most so many of the most salient of one source; `min_gap`: between two of them.
    `max_shift`: how far a cut may move to a pause in the speech; `min_pause`: what counts as one.
    `min_salience`: of a clip, 0–1; where nothing moves or nothing is heard it is 0.
    """

    min_length: Annotated[Duration, Field(ge=1000, multiple_of=40)] = 3_000
    max_length: Annotated[Duration, Field(ge=1000, multiple_of=40)] = 13_000
    max_per_source: Annotated[int, Field(ge=1, le=1000)] = 4
    min_gap: Annotated[Duration, Field(ge=0)] = 1_000
    min_pause: Annotated[Duration, Field(ge=20, le=1_000)] = 120
    max_shift: Annotated[Duration, Field(ge=0, le=5_000)] = 1_500
    min_salience: Share = 0.2

    @model_validator(mode="after")
    def _in_order(self) -> Moments:
        if self.min_length > self.max_length:
            raise ValueError(
                f"min_length ({self.min_length} ms) is more than max_length ({self.max_length} ms)"
            )
        return self


class Duplicates(Section):
    """Clips that are the same as an earlier one, or nearly (re-uploads, replays, shared footage).

    `min_overlap`: for how long two clips must be alike. The shares are of the bits of fingerprints that may differ:
    of the sound's, of the picture's where the sound is alike, and of the picture's where it is not.
    `sound_alone`: what becomes of a clip whose sound, but not its picture, is an earlier one's (a song, a jingle).
    `leave_out`: whether later ones are left out; if not, they are kept, and on one side of a split alone.
    """

    leave_out: bool = True

    min_overlap: Annotated[Duration, Field(ge=500)] = 2_000
    max_sound: Share = 0.11
    max_picture_with_sound: Share = 0.35
    max_picture: Share = 0.12
    sound_alone: Literal["label", "drop"] = "label"


SPLITS = ("train", "dev", "test")


class Splits(Section):
    """Shares of duration within each channel, whole videos, near duplicates together.

    `held_out`: channels that are in dev or test as a whole, and in nothing else. `follow_list`: videos for which a
    list names a split have that one. `together`: the kinds of likeness (of picture and sound, of the picture with
    another sound, of the sound with another picture) that keep two videos on one side, where they are alike for
    `together_for`, or for half of the shorter clip: a channel's opening is in all its videos, and no leak.
    """

    train: Share = 0.90
    dev: Share = 0.05
    test: Share = 0.05
    held_out: Mapping[Name, Literal["dev", "test"]] = {}
    follow_list: bool = False
    together: tuple[Literal["both", "picture", "sound"], ...] = ("both", "picture")
    together_for: Annotated[Duration, Field(ge=500)] = 15_000

    @model_validator(mode="after")
    def _sum_to_one(self) -> Splits:
        if abs(self.train + self.dev + self.test - 1) > 1e-9:
            raise ValueError(f"train + dev + test must be 1, and is {self.train + self.dev + self.test:g}")
        return self


class Limits(Section):
    """`failed_share`: a run with a larger share of failed items ends red. `shard`: source material per shard."""

    failed_share: Share = 0.2
    shard: Duration = 4 * 3_600_000
    task_runs: Annotated[int, Field(ge=10, le=1000)] = 800
    workers: Annotated[int, Field(ge=1, le=256)] = 2
