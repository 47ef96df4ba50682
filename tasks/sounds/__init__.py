"""Which sounds are heard when: taggers of chunks (stage `sounds`) and their merging into events (`events`)."""

from tasks.sounds.audioset import parents_of, roots_of
from tasks.sounds.events import STAGE as EVENTS_STAGE
from tasks.sounds.events import SoundEvent, merge_events
from tasks.sounds.stage import STAGE as SOUNDS_STAGE
from tasks.sounds.statistics import EventCount, draw_top_events, top_events
from tasks.sounds.tagger import Tagger
from tasks.sounds.taggers import TAGGERS, open_tagger

__all__ = [
    "EVENTS_STAGE", "SOUNDS_STAGE", "TAGGERS", "EventCount", "SoundEvent", "Tagger", "draw_top_events",
    "merge_events", "open_tagger", "parents_of", "roots_of", "top_events",
]  # fmt: skip
