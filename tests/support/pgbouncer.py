"""A PgBouncer of the tests' own, which lends each connection for one transaction at a time.

It refuses to run as root, so root lends it to the user that Debian makes for PostgreSQL.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from psycopg import OperationalError, connect
from sqlalchemy.engine import URL, make_url

from tests.conftest import POOLED
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, until

CONNECTIONS = 10
"""Connections to each database: fewer than callers, so that each goes from hand to hand."""
_SETTINGS = {
    "listen_addr": "127.0.0.1",
    "unix_socket_dir": "",
    "auth_type": "any",
    "admin_users": "operator",
    "pool_mode": "transaction",
    "default_pool_size": str(CONNECTIONS),
    "max_client_conn": "1000",
    "query_wait_timeout": "3",
    "server_login_retry": "1",
}


def program() -> str:
    """Where PgBouncer is. Raises RuntimeError, with what to do, where it is not."""
    path = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise RuntimeError("There is no PgBouncer: apt-get update && apt-get install pgbouncer")
    return path


@dataclass(frozen=True)
class PgBouncer:
    """A running one; `server` is the address of the PostgreSQL behind it."""

    server: str
    port: int

    def through(self, database_url: str) -> str:
        """The address of a database of that server, by way of this one."""
        url = make_url(database_url).set(host="127.0.0.1", port=self.port, password=None)
        return url.render_as_string(hide_password=False)

    def behind(self, database_url: str) -> str:
        """The address of a database past this one."""
        url = make_url(self.server).set(database=make_url(database_url).database)
        return url.render_as_string(hide_password=False)

    def ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(OperationalError):
            connect(
                host="127.0.0.1",
                port=self.port,
                user="operator",
                dbname="pgbouncer",
                autocommit=True,
            ).close()
            return True
        return False


@contextlib.contextmanager
def running_pgbouncer(server: str) -> Iterator[PgBouncer]:
    """One in front of the PostgreSQL server at this address, as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="connector-pgbouncer-"))
    pgbouncer = PgBouncer(server, free_port())
    config = folder / "pgbouncer.ini"
    config.write_text(_config(make_url(server), pgbouncer.port))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
        os.chown(config, account.pw_uid, account.pw_gid)
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [program(), "--quiet", str(config)],
            user=user,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        until(pgbouncer.ready)
        yield pgbouncer
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def pooled(server: str) -> Iterator[str]:
    """The address at which connectors reach the PostgreSQL server at this address: its own, or that
    of a PgBouncer in front of it (make test-pooled)."""
    if not POOLED:
        yield server
        return
    with running_pgbouncer(server) as pgbouncer:
        yield pgbouncer.through(server)


def _config(url: URL, port: int) -> str:
    behind = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    target = " ".join(f"{name}={value}" for name, value in behind.items() if value)
    settings = _SETTINGS | {"listen_port": str(port)}
    lines = "\n".join(f"{name} = {value}" for name, value in settings.items())
    return f"[databases]\n* = {target}\n[pgbouncer]\n{lines}\n"
