"""Previews: a contact sheet of each clip, for people. See `contact_sheet` and `STAGE`."""

from tasks.previews.sheet import contact_sheet, encoded, frames_to_show, tile_of
from tasks.previews.stage import STAGE

__all__ = ["STAGE", "contact_sheet", "encoded", "frames_to_show", "tile_of"]
