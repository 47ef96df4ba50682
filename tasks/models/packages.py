"""Packages that models come with, and what some of them leave behind in a process."""

from __future__ import annotations

import sys


def forget_redirects() -> None:
    """Take speechbrain's stand-ins for modules of former names out of `sys.modules`.

    Whoever looks through all modules (cloudpickle, which sends tasks to workers, and others) asks each for its
    attributes; these then import what they stand for, and raise ImportError where a package for that is absent.
    Call it after an import that may have loaded speechbrain; nothing here uses the former names.
    """
    for name, module in list(sys.modules.items()):
        if type(module).__module__ == "speechbrain.utils.importutils":
            del sys.modules[name]
