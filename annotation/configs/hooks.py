"""Where the server tells of answers: one webhook for each project, towards the gateway.

It is only a nudge: the server sends it once and forgets it. What is pulled later is the same without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from label_studio_sdk import LabelStudio

from annotation.private import open_secrets, read_running

HEADER = "X-Clapper-Hook"
PATH = "/hooks/answers"
ACTIONS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")


@dataclass(frozen=True)
class Hooks:
    """Where answers are told of.

    Attributes:
        url: of the gateway's hook, as the review server reaches it.
        secret: shown in a header, so that nobody else can call there.
    """

    url: str
    secret: str = field(repr=False)


def hooks_of(root: Path) -> Hooks | None:
    """Where the workspace's own gateway takes them; None while none runs."""
    running = read_running(root)
    if running is None or not running.gateway:
        return None
    return Hooks((running.inner_gateway or running.gateway).rstrip("/") + PATH, open_secrets(root).hooks)


def ensure_hook(client: LabelStudio, project: int, hooks: Hooks) -> list[str]:
    """Register the webhook of a project once; returns what had to be put right, in words without the secret.

    Other webhooks of the project are left alone.

    Raises:
        ServiceError, ServiceRefused: the server does not do it, for example since it calls no address of its own
            network.
    """
    wanted: dict[str, Any] = {
        "url": hooks.url,
        "headers": {HEADER: hooks.secret},
        "actions": list(ACTIONS),
        "send_payload": True,
        "send_for_all_actions": False,
        "is_active": True,
    }
    ours = [hook for hook in client.webhooks.list(project=str(project)) if _ours(hook)]
    ours.sort(key=lambda hook: hook.id)
    for further in ours[1:]:
        client.webhooks.delete(further.id)
    told = [f"{len(ours) - 1} further webhooks were removed"] if len(ours) > 1 else []
    if not ours:
        client.webhooks.create(project=project, **wanted)
        return []
    found = ours[0].model_dump()
    different = [name for name, value in wanted.items() if _sorted(found.get(name)) != _sorted(value)]
    if different:
        client.webhooks.update(ours[0].id, **wanted)
        told.append(f"the webhook was set right: {', '.join(different)}")
    return told


def _ours(hook: Any) -> bool:
    return HEADER in (hook.headers or {}) or str(hook.url).endswith(PATH)


def _sorted(value: Any) -> Any:
    """Actions come back in any order."""
    return sorted(value) if isinstance(value, list) else value
