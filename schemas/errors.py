"""The errors of Clapper: a small tree, each error with the item, the numbers and the next action.

An error of one item becomes a row in the ledger (see `schemas.records.Outcome`) and the run goes on.
A SystemicError concerns the machine or the set-up: it stops the task that met it, and a second try is no use.
"""

from __future__ import annotations


class ClapperError(Exception):
    """Base of all errors that Clapper raises on purpose.

    Args:
        item: the id or path of what failed.
        problem: what was expected and what was found, numbers with units.
        action: what a person can do next.
    """

    def __init__(self, item: str, problem: str, action: str = "") -> None:
        self.item, self.problem, self.action = item, problem, action
        super().__init__(f"{item}: {problem}" + (f" ({action})" if action else ""))

    @property
    def reason(self) -> str:
        """The stable word that the ledger has for it."""
        return type(self).__name__

    def __reduce__(self):
        # Exceptions cross process borders under Dask and Ray; the default would replay one argument only.
        return type(self), (self.item, self.problem, self.action)


class SystemicError(ClapperError):
    """Base of the errors that concern the machine or the set-up, not one item."""


class RecipeError(SystemicError):
    """A recipe that cannot be used: unknown key, missing or bad unit, impossible value."""


class SourceError(ClapperError):
    """A source that could not be listed or downloaded for now; worth another try later."""


class MediaError(ClapperError):
    """A media file that cannot be read, or cannot be normalised within the sync contract."""


class AnalysisError(ClapperError):
    """An analysis that could not be done on one clip."""


class ServiceError(ClapperError):
    """A service that did not answer about one item; `kind` is a stable word such as `timed_out`."""

    def __init__(self, item: str, problem: str, action: str = "", kind: str = "no_answer") -> None:
        super().__init__(item, problem, action)
        self.kind = kind

    @property
    def reason(self) -> str:
        return self.kind

    def __reduce__(self):
        return type(self), (self.item, self.problem, self.action, self.kind)


class ServiceRefused(SystemicError):
    """A service that would refuse every item alike: a key that is not taken, a model that it does not have."""


class ModelMissing(SystemicError):
    """Weights that a stage needs are not on this machine. Raised before any work begins."""


class ToolMissing(SystemicError):
    """A program that a stage runs (ffmpeg, ffprobe) is not on this machine."""


class ModelCorrupt(SystemicError):
    """Weights whose bytes are not the pinned ones."""


class WorkspaceError(SystemicError):
    """A workspace that cannot be used: locked by another run, not writable, of a newer layout."""


class ReleaseError(SystemicError):
    """A release that would break a promise: changed after publishing, or inconsistent."""


class Withheld(Exception):
    """Base of the ways in which an item leaves the run without being an error of ours."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)

    def __reduce__(self):
        return type(self), (self.reason, self.detail)


class Dropped(Withheld):
    """The recipe does not want this item. `reason` is a stable word such as `too_short`; `detail` has numbers."""


class Unavailable(Withheld):
    """The item is not to be had: `removed`, `private`, `geo_blocked`, `age_gated`, `file_gone` …"""


class Deferred(Withheld):
    """Not now: the item waits for something outside, such as an answer or a budget. No try is counted."""
