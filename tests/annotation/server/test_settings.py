"""What Label Studio is told: nothing of the caller's environment, and which database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.server.settings import (
    SQLITE,
    Database,
    bare_environment,
    choose_database,
    read_database,
    remember_database,
    studio_environment,
)
from schemas.errors import SystemicError

LEAKS = (
    "HOST", "PORT", "DEBUG", "DATABASE_NAME", "USERNAME", "PASSWORD", "SENTRY_DSN", "LABEL_STUDIO_HOST",
    "HEARTEX_DEBUG", "POSTGRE_HOST", "DJANGO_DB", "PYTHONPATH", "http_proxy", "PGPASSWORD", "HF_TOKEN",
)  # fmt: skip


def test_nothing_of_the_caller_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = studio_environment(tmp_path, "secret", SQLITE)
    for name in LEAKS:
        monkeypatch.setenv(name, "leaked")
    environment = studio_environment(tmp_path, "secret", SQLITE)
    assert environment == quiet
    assert "leaked" not in environment.values()
    assert Path(environment["HOME"]).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LABEL_STUDIO_COLLECT_ANALYTICS", "false"),
        ("LABEL_STUDIO_LATEST_VERSION_CHECK", "false"),
        ("LABEL_STUDIO_SENTRY_DSN", ""),
        ("LABEL_STUDIO_FRONTEND_SENTRY_DSN", ""),
        ("LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK", "true"),
        ("LABEL_STUDIO_TASK_LOCK_TTL", "7200"),
        ("LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED", "false"),
        ("LABEL_STUDIO_DEBUG", "false"),
        ("SECRET_KEY", "secret"),
        ("POSTGRE_HOST", "db.example.org"),
        ("POSTGRE_PORT", "6432"),
        ("POSTGRE_NAME", "labels"),
        ("POSTGRE_PASSWORD", "p@ss/word"),
        ("PGSSLMODE", "require"),
    ],
)
def test_the_settings_that_matter(tmp_path: Path, name: str, value: str) -> None:
    database = read_database("postgres://us%40er:p%40ss%2Fword@db.example.org:6432/labels?sslmode=require")
    assert studio_environment(tmp_path, "secret", database)[name] == value


def test_a_proxy_that_speaks_https_is_trusted_only_where_it_is_named(tmp_path: Path) -> None:
    name = "LABEL_STUDIO_CSRF_TRUSTED_ORIGINS"
    assert name not in studio_environment(tmp_path, "secret", SQLITE)
    told = studio_environment(tmp_path, "secret", SQLITE, "https://review.example.org")
    assert told[name] == "https://review.example.org"


words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20)


@given(words, words, words, st.integers(1, 65535))
def test_an_address_is_read_as_it_was_written(user: str, password: str, name: str, port: int) -> None:
    from urllib.parse import quote

    quoted = [quote(each, safe="") for each in (user, password, name)]
    address = f"postgresql://{quoted[0]}:{quoted[1]}@db.example.org:{port}/{quoted[2]}"
    assert read_database(address) == Database("db.example.org", port, name, user, password)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("mysql://u:hunter2@h/d", "no address of a PostgreSQL database"),
        ("postgres://u:hunter2@h:port/d", "cannot be read"),
        ("postgres://u:hunter2@h:99999/d", "cannot be read"),
        ("postgres://u:hunter2@h", "lacks its host, user or name"),
        ("postgres://h/d", "lacks its host, user or name"),
        ("postgres://u:hunter2@h/d?sslkey=x", "unknown options: sslkey"),
        ("hunter2", "no address"),
    ],
)
def test_a_bad_address_is_refused_without_its_password(address: str, problem: str) -> None:
    with pytest.raises(SystemicError) as caught:
        read_database(address)
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_database_does_not_show_its_password() -> None:
    database = read_database("postgres://user:hunter2@host/name")
    assert "hunter2" not in repr(database) + str(database)
    assert str(database) == "postgres://user@host:5432/name"


def test_the_choice_of_a_database_is_kept(tmp_path: Path) -> None:
    assert choose_database(tmp_path, None) == "own"
    # Nothing is kept there yet, so that a wrong address does no harm.
    assert choose_database(tmp_path, "sqlite") == "sqlite"
    remember_database(tmp_path, "own")
    assert choose_database(tmp_path, "own") == choose_database(tmp_path, None) == "own"
    for other in ("sqlite", "postgres://u:p@h/d"):
        with pytest.raises(SystemicError, match="keeps its review in a cluster of its own"):
            choose_database(tmp_path, other)


def test_an_address_is_remembered_privately_and_may_change(tmp_path: Path) -> None:
    for address in ("postgres://u:p@h/d", "postgres://u:changed@h/d"):
        assert choose_database(tmp_path, address) == address
        remember_database(tmp_path, address)
        assert choose_database(tmp_path, None) == address
    assert stat.S_IMODE((tmp_path / "review-server" / "database").stat().st_mode) == 0o600
    with pytest.raises(SystemicError, match="not in an SQLite file"):
        choose_database(tmp_path, "sqlite")


def test_programs_find_what_the_system_has(tmp_path: Path) -> None:
    assert "/usr/bin" in bare_environment(tmp_path / "home")["PATH"].split(":")
