"""A synthetic broadcast with known truth, drawn and sounded by this code alone: for the demo and for tests.

sources = broadcast(seed=0)
for source in sources:
    render(source, folder)
    truth(source).labels
with serve(folder) as base_url:
    feeds = write_feed(sources, folder, base_url)
"""

from tasks.scenes.figure import talking_face
from tasks.scenes.flash import flash_and_beep
from tasks.scenes.programme import broadcast
from tasks.scenes.render import render
from tasks.scenes.scene import Event, Interval, Scene, Source, Truth, truth
from tasks.scenes.speech import speech

__all__ = [
    "Event",
    "Interval",
    "Scene",
    "Source",
    "Truth",
    "broadcast",
    "flash_and_beep",
    "render",
    "serve",
    "speech",
    "talking_face",
    "truth",
    "write_feed",
]


def __getattr__(name: str):
    # The server's packages take a second to import; most tests need only a clip.
    if name in ("serve", "write_feed"):
        from tasks.scenes import feed

        return getattr(feed, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
