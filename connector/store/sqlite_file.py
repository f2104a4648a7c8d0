"""That the file of a SQLite database is still the one that was opened.

A file that is deleted or replaced under a running process goes on to exist for it alone: it would
answer, and forget every reference at its next start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, event

from connector.errors import Unavailable

_GONE = (
    "The connector's database file was deleted or replaced while the connector was running, so "
    "nothing is done. Ask the connector's operator to put the file back and to restart the "
    "connector."
)

log = structlog.get_logger(__name__)


def watch(engine: Engine) -> None:
    """Let every use of the engine raise Unavailable once its file is not the first one opened."""
    file = _File(Path(engine.url.database or "").absolute())
    event.listen(engine, "do_connect", file.before_opening)
    event.listen(engine, "connect", file.opened)
    event.listen(engine, "begin", file.before_use)


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._told = False

    def before_opening(self, *_: Any) -> None:
        """Before the driver would make a new, empty file."""
        self._check()

    def opened(self, *_: Any) -> None:
        """The first connection: its file is the one."""
        if self._identity is None:
            self._identity = self._now()

    def before_use(self, _: Connection) -> None:
        """Before each transaction."""
        self._check()

    def _check(self) -> None:
        if self._identity is None or self._now() == self._identity:
            return
        if not self._told:
            self._told = True
            log.error("database_file_gone", path=str(self._path))
        raise Unavailable(_GONE)

    def _now(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_dev, stat.st_ino
