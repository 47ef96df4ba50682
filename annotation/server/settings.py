"""How Label Studio is told what to do: an environment made from nothing, and the database that it writes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from annotation.private import private_folder
from schemas.errors import SystemicError

TASK_LOCK_SECONDS = 2 * 3600
"""How long a clip is kept for an annotator who has opened it and does not answer."""

WEBHOOK_SECONDS = 1
"""The server calls webhooks while the annotator waits, so a slow one must not hold her up."""

KEYS = {
    "media:playpause": {"key": "`"},
    "media:step-backward": {"key": "left"},
    "media:step-forward": {"key": "right"},
}
"""Space would also fire in comments, and eat their spaces."""

_CONNECTION_OPTIONS = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}


@dataclass(frozen=True)
class Database:
    """Where Label Studio keeps its tables; `SQLITE` for a file of its own.

    Attributes:
        options: environment names of PostgreSQL's client library to their values.
    """

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"postgres://{self.user}@{self.host}:{self.port}/{self.name}" if self.host else "sqlite"


SQLITE = Database("", 0, "", "", "")


def read_database(address: str) -> Database:
    """The database that `postgres://user:password@host:port/name` stands for; `sqlite` for a file.

    Raises:
        SystemicError: it is no such address. The password is not in the error.
    """
    if address == "sqlite":
        return SQLITE
    what = "give postgres://user:password@host:port/name, or sqlite"
    try:
        parts = urlsplit(address)
        port = parts.port or 5432
    except ValueError:
        raise SystemicError("--database", "is an address that cannot be read", what) from None
    if parts.scheme not in ("postgres", "postgresql"):
        raise SystemicError("--database", "is no address of a PostgreSQL database", what)
    name = unquote(parts.path.lstrip("/"))
    if not (parts.hostname and parts.username and name):
        raise SystemicError("--database", "lacks its host, user or name", what)
    options = dict(parse_qsl(parts.query))
    unknown = sorted(set(options) - set(_CONNECTION_OPTIONS))
    if unknown:
        raise SystemicError(
            "--database",
            f"has unknown options: {', '.join(unknown)}",
            f"known: {', '.join(_CONNECTION_OPTIONS)}",
        )
    return Database(
        parts.hostname,
        port,
        name,
        unquote(parts.username),
        unquote(parts.password or ""),
        {_CONNECTION_OPTIONS[key]: value for key, value in options.items()},
    )


def choose_database(root: Path, asked: str | None) -> str:
    """Which database a workspace's review is kept in: `own`, `sqlite` or an address.

    Args:
        asked: None for what was remembered, at first `own`.

    Raises:
        SystemicError: it is kept in another kind of database, where answers would stay behind.
    """
    path = private_folder(root) / "database"
    before = path.read_text(encoding="utf-8").strip() if path.exists() else None
    chosen = asked or before or "own"
    if chosen not in ("own", "sqlite"):
        read_database(chosen)
    if before and _kind(before) != _kind(chosen):
        raise SystemicError(
            str(root),
            f"keeps its review in {_KINDS[_kind(before)]}, not in {_KINDS[_kind(chosen)]}",
            "leave out --database, or take another workspace",
        )
    return chosen


def remember_database(root: Path, chosen: str) -> None:
    """Note where the review is kept, once it is there."""
    path = private_folder(root) / "database"
    # The address may hold a password.
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(chosen + "\n", encoding="utf-8")


_KINDS = {
    "own": "a cluster of its own",
    "sqlite": "an SQLite file",
    "address": "a database that is named by address",
}


def _kind(chosen: str) -> str:
    return chosen if chosen in ("own", "sqlite") else "address"


def bare_environment(home: Path) -> dict[str, str]:
    """What any program of the review server may know of the world: no variable of the caller is handed on."""
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
    }


def studio_environment(root: Path, secret: str, database: Database, origin: str = "") -> dict[str, str]:
    """The whole environment of Label Studio.

    It reads its settings by name with a prefix and without (HOST, PORT, DEBUG, DATABASE_NAME …), so that a variable
    that happens to be set in the caller's shell would change it: nothing is inherited.

    Args:
        secret: signs sessions and tokens.
        origin: what people have in the address line, scheme and host, where a proxy speaks HTTPS for us.
    """
    folder = private_folder(root)
    told = {
        "BASE_DATA_DIR": str(folder / "studio"),
        "COLLECT_ANALYTICS": "false",
        "CSRF_TRUSTED_ORIGINS": origin,
        "DEBUG": "false",
        "DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "EDITOR_KEYMAP": json.dumps(KEYS),
        "ENABLE_LEGACY_API_TOKEN": "true",
        "FRONTEND_SENTRY_DSN": "",
        "LATEST_VERSION_CHECK": "false",
        "LOCAL_FILES_SERVING_ENABLED": "false",
        "LOG_LEVEL": "WARNING",
        "SENTRY_DSN": "",
        # Our own webhook is on loopback, which the protection would refuse to call.
        "SSRF_PROTECTION_ENABLED": "false",
        "TASK_LOCK_TTL": str(TASK_LOCK_SECONDS),
        "WEBHOOK_TIMEOUT": str(WEBHOOK_SECONDS),
    }
    if not origin:
        del told["CSRF_TRUSTED_ORIGINS"]
    return {
        **bare_environment(folder / "home"),
        **_connection(database),
        **{f"LABEL_STUDIO_{name}": value for name, value in told.items()},
        "DJANGO_SETTINGS_MODULE": "label_studio.core.settings.label_studio",
        "SECRET_KEY": secret,
    }


def _connection(database: Database) -> dict[str, str]:
    if database == SQLITE:
        return {"DJANGO_DB": "sqlite"}
    return {
        "DJANGO_DB": "default",
        "POSTGRE_HOST": database.host,
        "POSTGRE_PORT": str(database.port),
        "POSTGRE_NAME": database.name,
        "POSTGRE_USER": database.user,
        "POSTGRE_PASSWORD": database.password,
        **database.options,
    }
