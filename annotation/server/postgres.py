"""A PostgreSQL cluster of the workspace's own, reachable from this machine only.

PostgreSQL refuses to run as root. For root it runs in a user namespace, in which root's files belong to another
account: they stay root's, and no folder need be opened to anybody. Where the kernel or a container forbids
namespaces it runs as the account `postgres`, with its files beside the private folder, which that account may not
enter.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from annotation.private import open_secrets, private_folder
from annotation.server.processes import launch
from annotation.server.services import Say, Service, logs_folder
from annotation.server.settings import Database, bare_environment
from schemas.errors import SystemicError, ToolMissing

OWNER, NAME = "clapper", "labelstudio"

_PROGRAMS = ("initdb", "postgres", "pg_isready", "psql")
_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Account:
    """As whom PostgreSQL runs.

    Attributes:
        prefix: what stands before each command.
        uid, gid: to whom its files belong.
        apart: whether its files lie outside the private folder.
    """

    prefix: tuple[str, ...]
    uid: int
    gid: int
    apart: bool = False


def account_to_run_as() -> Account:
    """The caller's account, or for root one of the two ways in which PostgreSQL will run.

    Raises:
        SystemicError: for root, where neither is there.
    """
    if os.geteuid() != 0:
        return Account((), os.geteuid(), os.getegid())
    names = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid not in (0, 65534)}
    other = names.get("postgres") or names.get("daemon")
    if other and (prefix := _namespace(other)):
        return Account(prefix, 0, 0)
    if "postgres" in names and shutil.which("setpriv"):
        return separate_account(names["postgres"])
    raise SystemicError(
        "PostgreSQL",
        "does not run as root, user namespaces are not allowed here, and there is no account postgres",
        "start as another user, make the account, or name a database with --database postgres://…",
    )


def separate_account(entry: pwd.struct_passwd) -> Account:
    """Another account of this machine, for root to run PostgreSQL as."""
    prefix = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--")
    return Account(prefix, entry.pw_uid, entry.pw_gid, apart=True)


def _namespace(other: pwd.struct_passwd) -> tuple[str, ...]:
    """What runs a command as root that believes to be `other`; empty where that is not allowed."""
    prefix = ("unshare", "--user", f"--map-user={other.pw_uid}", f"--map-group={other.pw_gid}", "--")
    if not shutil.which("unshare"):
        return ()
    done = subprocess.run([*prefix, "id", "-u"], capture_output=True, text=True, cwd="/")
    return prefix if done.returncode == 0 and done.stdout.strip() == str(other.pw_uid) else ()


def find_programs(version: str | None = None) -> Path:
    """The folder with PostgreSQL's programs.

    Args:
        version: the major version that is needed, such as "15"; None for the newest.

    Raises:
        ToolMissing: PostgreSQL is not on this machine, or not in that version.
    """
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(_DEBIAN.glob("[0-9]*/bin"), key=lambda folder: -int(folder.parent.name))
    whole = {
        folder: _major(folder) for folder in folders if all((folder / name).exists() for name in _PROGRAMS)
    }
    for folder, major in whole.items():
        if version in (None, major):
            return folder
    package = f"postgresql-{version}" if version else "postgresql"
    have = f"; here are {', '.join(sorted(set(whole.values())))}" if whole else ""
    raise ToolMissing(
        "PostgreSQL" + (f" {version}" if version else ""),
        f"is not on this machine{have}",
        f"install it (Debian: apt-get install {package}), or use --database postgres://… or sqlite",
    )


def _major(folder: Path) -> str:
    done = subprocess.run([folder / "initdb", "--version"], capture_output=True, text=True)
    found = re.search(r"\) (\d+)", done.stdout)
    return found[1] if found else "?"


def ensure_cluster(root: Path, say: Say, account: Account) -> Path:
    """The folder of the cluster, made at the first call; whole or not at all.

    Raises:
        ToolMissing: PostgreSQL is not there.
        SystemicError: the account cannot enter the workspace, or the cluster could not be made.
    """
    inside, apart = private_folder(root) / "postgres", root / "review-database"
    folder, elsewhere = (apart, inside) if account.apart else (inside, apart)
    if elsewhere.exists() and not folder.exists():
        elsewhere.rename(folder)
    if account.apart:
        _require_entry(root, account)
    if not folder.exists():
        say("making the database's cluster")
        _make_cluster(root, folder, account)
    if os.geteuid() == 0 and folder.stat().st_uid != account.uid:
        _give(folder, account)
    return folder


def _require_entry(root: Path, account: Account) -> None:
    done = subprocess.run([*account.prefix, "test", "-x", str(root.absolute())], cwd="/")
    if done.returncode:
        raise SystemicError(
            str(root.absolute()),
            f"cannot be entered by the account {pwd.getpwuid(account.uid).pw_name}, as which PostgreSQL must run",
            "start as another user than root, let others enter (chmod o+x on it and the folders above it), "
            "or name a database with --database postgres://…",
        )


def _make_cluster(root: Path, folder: Path, account: Account) -> None:
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    password = folder.with_name(f".{folder.name}.password")
    shutil.rmtree(unfinished, ignore_errors=True)
    password.unlink(missing_ok=True)
    unfinished.mkdir(mode=0o700)
    password.touch(mode=0o600)
    password.write_text(open_secrets(root).database + "\n", encoding="ascii")
    if os.geteuid() == 0:
        _give(unfinished, account)
        os.chown(password, account.uid, account.gid)
    command = [
        *account.prefix, str(find_programs() / "initdb"), "--pgdata", str(unfinished.absolute()),
        "--username", OWNER, "--auth", "scram-sha-256", "--pwfile", str(password.absolute()),
        "--encoding", "UTF8", "--locale", "C",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=_environment(root))
    finally:
        password.unlink()
    if done.returncode:
        shutil.rmtree(unfinished, ignore_errors=True)
        words = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise SystemicError(str(folder), f"initdb failed: {words[-1][:400]}", "see the disk and its rights")
    unfinished.rename(folder)


def postgres_service(root: Path, folder: Path, port: int, account: Account) -> Service:
    """The cluster's server, on loopback.

    Raises:
        ToolMissing: the version that made the cluster is not on this machine.
    """
    programs = find_programs((folder / "PG_VERSION").read_text(encoding="ascii").strip())
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        # A socket's path must be short, which a workspace's need not be.
        "unix_socket_directories": "",
        "max_connections": "60",
        # Statements and details of errors would carry tokens into the log.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [*account.prefix, str(programs / "postgres"), "-D", str(folder.absolute()), *options]
    asking = [str(programs / "pg_isready"), "--host", "127.0.0.1", "--port", str(port), "--timeout", "2"]
    environment, log = _environment(root), logs_folder(root) / "postgres.log"
    return Service(
        "PostgreSQL",
        start=lambda: launch(command, environment, Path("/"), log),
        well=lambda: subprocess.run(asking, env=environment, capture_output=True).returncode == 0,
        log=log,
        # Fast: open connections are ended, everything is written. The polite way would wait for them for ever.
        ending=signal.SIGINT,
        usual="1 to 3 s, longer after a crash",
    )


def own_database(root: Path, folder: Path, port: int) -> Database:
    """Label Studio's database in the cluster that runs, made if it is not there.

    Raises:
        SystemicError: the server refuses us.
    """
    database = Database("127.0.0.1", port, NAME, OWNER, open_secrets(root).database)
    missing = f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{NAME}')"
    query = f"SELECT 'CREATE DATABASE {NAME}' {missing}\\gexec\n"
    programs = find_programs((folder / "PG_VERSION").read_text(encoding="ascii").strip())
    done = subprocess.run(
        [str(programs / "psql"), "--no-psqlrc", "--quiet", "--host", database.host, "--port", str(port),
         "--username", OWNER, "--dbname", "postgres", "--set", "ON_ERROR_STOP=1"],
        env={**_environment(root), "PGPASSWORD": database.password}, input=query, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemicError(
            str(folder),
            f"the database refuses us: {done.stderr.strip()[:400]}",
            "secrets.json must be the one that the cluster was made with",
        )
    return database


def _environment(root: Path) -> dict[str, str]:
    return bare_environment(private_folder(root) / "home")


def _give(folder: Path, account: Account) -> None:
    """Hand a folder and what is in it to the account."""
    for each in (folder, *folder.rglob("*")):
        os.chown(each, account.uid, account.gid, follow_symlinks=False)
