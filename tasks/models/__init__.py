"""The one model store: which weights exist, where they are, and that they are the pinned bytes.

store = open_store()
weights = store.path("mn04")          # verified, or ModelMissing / ModelCorrupt
store.pull(["mn04"])                  # from the mirror folder, else over HTTP
check_ready(recipe, names, store)     # one error for all that a recipe lacks, packages too
"""

from tasks.models.catalogue import Model, read_catalogue
from tasks.models.readiness import Problem, check_ready, problems
from tasks.models.store import Check, ModelStore, open_store
from tasks.models.transfer import Patience, Progress

__all__ = [
    "Check",
    "Model",
    "ModelStore",
    "Patience",
    "Problem",
    "Progress",
    "check_ready",
    "open_store",
    "problems",
    "read_catalogue",
]
