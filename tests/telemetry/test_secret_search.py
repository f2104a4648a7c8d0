"""The search for secrets finds what was planted; conftest runs it over the whole test run."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from connector.telemetry.logs import request_id
from tests.conftest import KEY, SECRET
from tests.support.secret_search import leaks


@pytest.mark.parametrize("secret", [KEY, SECRET, "this is a canary prompt"])
def test_a_planted_secret_is_found_in_a_log_and_in_a_database(secret: str, tmp_path: Path) -> None:
    kept = tmp_path / "planted"
    kept.mkdir()
    (kept / "connector.log").write_text(f'{{"event": "request", "x": "{secret}"}}\n')
    with sqlite3.connect(kept / "connector.sqlite3") as database:
        database.execute("CREATE TABLE t (x TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (secret,))
    assert len(leaks(kept)) == 2
    for file in kept.iterdir():
        file.unlink()


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "clean.log").write_text(f'{{"event": "request", "request_id": "{request_id()}"}}')
    assert leaks(tmp_path) == []
