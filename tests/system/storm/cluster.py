"""A PostgreSQL server of the test's own, which it may restart as it likes.

PostgreSQL refuses to run as root, so root lends it to the user that Debian makes for it.
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
from pathlib import Path

from sqlalchemy import create_engine

from tests.support.ports import free_port
from tests.support.processes import PATIENCE, until


def programs() -> Path | None:
    """Where Debian puts the newest PostgreSQL's programs, if it is installed."""
    items = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return items[-1].parent if items else None


class Cluster:
    """A running server; `url` is the address of its only database."""

    def __init__(self, bin_folder: Path, folder: Path) -> None:
        self._bin, self._folder = bin_folder, folder
        self._port = free_port()
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(folder, account.pw_uid, account.pw_gid)
        initdb = [str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "postgres"]
        subprocess.run(
            [*initdb, "-A", "trust", "--no-sync"],
            check=True,
            user=self._user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._start()

    def restart(self) -> None:
        """End it as a crash would, losing what was not durable, and start it again."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE)
        self._start()

    def stop(self) -> None:
        """End it for good."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(PATIENCE)

    def _start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": str(self._folder),
        }
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._bin / "postgres"),
                    *("-D", str(self._folder / "data")),
                    *(
                        part
                        for name, value in options.items()
                        for part in ("-c", f"{name}={value}")
                    ),
                ],
                user=self._user,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: answers(self.url))


def answers(url: str) -> bool:
    """Whether a connection can be made to the database at this address."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    try:
        with engine.connect():
            return True
    except Exception:
        return False
    finally:
        engine.dispose()


@contextlib.contextmanager
def running_cluster(bin_folder: Path) -> Iterator[Cluster]:
    """A server that is gone, with all its data, when the block is left."""
    folder = Path(tempfile.mkdtemp(prefix="connector-storm-"))
    cluster: Cluster | None = None
    try:
        cluster = Cluster(bin_folder, folder)
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
