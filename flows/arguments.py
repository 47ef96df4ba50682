"""What the commands have in common: their options, and where they show what."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tasks.workspace.layout import open_workspace

screen = Console(stderr=True)

RecipeName = Annotated[str, typer.Argument(help="A recipe's name, or the path of a recipe file.")]
Workspace = Annotated[
    str | None,
    typer.Option("--workspace", "-w", help="Folder to work in; default: $CLAPPER_WORKSPACE or ./workspace."),
]
Profile = Annotated[
    str | None, typer.Option(help="Which models: embedded, light or full; default: the recipe's.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE for any field of the recipe; repeatable.")
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", help="[CHANNEL=]PATH_OR_URL instead of the recipe's sources; repeatable."),
]


def workspace_for(workspace: str | None) -> str:
    """The workspace named by the caller, else by CLAPPER_WORKSPACE, else ./workspace."""
    return workspace or os.environ.get("CLAPPER_WORKSPACE") or "workspace"


def root_of(workspace: str | None) -> Path:
    """The same, opened: made if it is not there.

    Raises:
        WorkspaceError: it cannot be used.
    """
    return open_workspace(workspace_for(workspace))


def wide() -> Console:
    """Standard output; wide enough for the tables where it is no terminal."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def pairs(settings: list[str] | None) -> dict[str, str]:
    values = {}
    for pair in settings or ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set {pair}: write KEY=VALUE, such as media.clip_length='10 s'")
        values[key.strip()] = value
    return values
