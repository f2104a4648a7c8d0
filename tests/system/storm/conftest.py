"""What the storm happens to: a database of each kind, PostgreSQL's directly or behind a pooler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.store.away import end_connections
from tests.support.pgbouncer import pooled
from tests.support.processes import postgres_database, until
from tests.system.storm.cluster import answers, programs, running_cluster


@dataclass
class Database:
    """What the storm happens to; `restart` is what it does to the database's server, if any."""

    url: str
    workers: int
    restart: Callable[[], object] | None = None


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """SQLite for one worker, PostgreSQL for two; where its programs are not at hand, a restart is
    the end of all connections instead."""
    if request.param == "sqlite":
        yield Database(f"sqlite:///{tmp_path}/connector.sqlite3", 1)
        return
    bin_folder = programs()
    if bin_folder is not None:
        with running_cluster(bin_folder) as cluster, pooled(cluster.url) as url:

            def restart() -> None:
                cluster.restart()
                until(lambda: answers(url))  # a pooler refuses everybody for a moment more

            yield Database(url, 2, restart)
        return
    with postgres_database(request.getfixturevalue("postgres_server")) as url:
        yield Database(url, 2, lambda: end_connections(url))
