"""A scene performed: its sound as samples, its picture as a function of time."""

from __future__ import annotations

import numpy as np

from tasks.scenes import sounds, views
from tasks.scenes.action import Paint, ball, claps, contacts, court, hammer
from tasks.scenes.figure import draw_figure, seated
from tasks.scenes.persona import PERSONAS
from tasks.scenes.phones import VOICES
from tasks.scenes.scene import STRIKES, Scene, turns
from tasks.scenes.speech import loudness, say
from tasks.scenes.studio import Channel, backdrop, bug, caption, dress


def perform(
    scene: Scene, channel: Channel, size: tuple[int, int], sample_rate: int
) -> tuple[np.ndarray, Paint]:
    """Sound and picture of a scene.

    Args:
        size: width and height, px.

    Returns:
        The sound, float32 (length_ms × sample_rate // 1000,), and a function that paints the frame at a
        time in s from the scene's start: uint8 (height, width, 3) BGR, new at each call.
    """
    sound, envelopes = _sound(scene, sample_rate)
    if scene.kind != "silence":
        sound = sound + sounds.room_tone(len(sound), scene.seed)
    return sound, _picture(scene, channel, size, sound, sample_rate, envelopes)


def _sound(scene: Scene, sample_rate: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """The scene's sound and, one for each turn, what opens a mouth: (ms of the scene,)."""
    length_ms, seed = scene.length_ms, scene.seed
    samples = length_ms * sample_rate // 1000
    if scene.kind in STRIKES:
        times_ms = contacts(scene.kind, length_ms, seed)
        return sounds.impacts(scene.kind, times_ms, length_ms, sample_rate, seed), []
    if scene.kind in ("music", "wind", "rain"):
        make = {"music": sounds.music, "wind": sounds.wind, "rain": sounds.rain}[scene.kind]
        return make(length_ms, sample_rate, seed), []
    if scene.kind == "tone":
        return sounds.tone(length_ms, sample_rate), []
    sound, envelopes = np.zeros(samples, dtype=np.float32), []
    for turn in turns(scene):
        said = say(turn.length_ms, VOICES[turn.voice], turn.seed, sample_rate)
        first = turn.start_ms * sample_rate // 1000
        sound[first : first + len(said.waveform)] = said.waveform
        envelopes.append(np.zeros(length_ms, dtype=np.float32))
        envelopes[-1][turn.start_ms : turn.start_ms + turn.length_ms] = said.envelope
    return sound, envelopes


def _picture(
    scene: Scene,
    channel: Channel,
    size: tuple[int, int],
    sound: np.ndarray,
    sample_rate: int,
    envelopes: list[np.ndarray],
) -> Paint:
    width, height = size
    if scene.people:
        return _people(scene, channel, size, envelopes)
    if scene.kind in STRIKES:
        times_ms = contacts(scene.kind, scene.length_ms, scene.seed)
        if scene.kind == "bounce":
            ground = court(width, height)
            bug(ground, channel)
            return ball(ground, times_ms, scene.length_ms)
        if scene.kind == "hammer":
            return hammer(times_ms, scene.length_ms, width, height)
        return claps(times_ms, scene.length_ms, width, height, channel.main)
    if scene.kind == "music":
        return views.titles(channel, loudness(sound, sample_rate, scene.length_ms), width, height)
    if scene.kind == "tone":
        return views.colour_bars(width, height)
    if scene.kind == "silence":
        return views.interval_slate(channel, scene.length_ms, width, height)
    return views.landscape(width, height, scene.seed, rainy=scene.kind == "rain")


def _people(scene: Scene, channel: Channel, size: tuple[int, int], envelopes: list[np.ndarray]) -> Paint:
    mouths: list[np.ndarray | None] = {
        "listening": [None],
        "dubbed": [_other_mouth(scene)],
    }.get(scene.kind, envelopes)
    places = (0.5,) if len(scene.people) == 1 else (0.30, 0.70)
    ground = backdrop(scene.place, *size, channel, scene.seed)
    figures = []
    for number, (person, place) in enumerate(zip(scene.people, places, strict=True)):
        figure = seated(PERSONAS[person], mouths[number], size, scene.seed * 10 + number, place)
        dress(ground, figure.persona, figure.x, figure.y, figure.unit_px)
        figures.append(figure)
    if scene.caption is not None:
        caption(ground, channel, scene.caption)
    bug(ground, channel)

    def paint(time_s: float) -> np.ndarray:
        picture = ground.copy()
        for figure in figures:
            draw_figure(picture, figure, time_s)
        return picture

    return paint


def _other_mouth(scene: Scene) -> np.ndarray:
    """The envelope of other words, said by the person who is seen and not heard."""
    turn = turns(scene)[0]
    said = say(scene.length_ms, VOICES[scene.people[0]], turn.seed + 5, 16_000)
    return said.envelope
