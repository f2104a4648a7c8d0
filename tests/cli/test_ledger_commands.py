"""`connector ledger list` and `show`: finding a row, and reading what is known of it."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Connection, update

from connector.cli.commands import main
from connector.store import Store, ledger_rows, make_engine, migrate, paywall_rows
from connector.store.tables import ledger
from tests.conftest import SECRET

Run = Callable[..., Result]
ROWS = (("order-1", "ann", "done"), ("order-2", "bob", "in_doubt"), ("order-3", "ann", "free"))
ANSWER = json.dumps({"result": {"success": True, "outcome": "charged", "message": "Thank you."}})


def _write(connection: Connection) -> None:
    paywall = paywall_rows.confirm(connection, {"tag": "f" * 64}, "pw_1")
    for reference, user, state in ROWS:
        entry_id = ledger_rows.insert_intent(
            connection,
            paywall_id=paywall.id,
            action="charge",
            reference=reference,
            values_hash="",
            user_id=user,
            amount="0.5",
            upstream_key="pwc-1",
        )
        values = {"state": state, "answer": ANSWER if state == "done" else None}
        connection.execute(update(ledger).where(ledger.c.id == entry_id).values(**values))


@pytest.fixture
def run(sqlite_url: str) -> Run:
    """`connector ledger …` with three rows in it."""
    store = Store(make_engine(sqlite_url))
    migrate.upgrade(store.engine)
    store.write(_write)
    store.close()
    environ = {"CONNECTOR_DATABASE_URL": sqlite_url, "CONNECTOR_SECRET_KEYS": SECRET}

    def called(*arguments: str) -> Result:
        with warnings.catch_warnings():
            # As a program it would end now, and its connections with it.
            warnings.simplefilter("ignore", ResourceWarning)
            result = CliRunner().invoke(main, ["ledger", *arguments], env=environ)
            gc.collect()
        return result

    return called


@pytest.mark.parametrize(
    ("asked", "references"),
    [
        ([], ["order-2"]),
        (["--state", "done"], ["order-1"]),
        (["--state", "done", "--state", "free"], ["order-1", "order-3"]),
        (["--reference", "order-3"], ["order-3"]),
        (["--user", "ann"], ["order-1", "order-3"]),
        (["--user", "ann", "--state", "free"], ["order-3"]),
        (["--since", "2020-01-01"], ["order-1", "order-2", "order-3"]),
        (["--until", "2020-01-01T00:00:00"], []),
        (["--reference", "order"], []),
    ],
)
def test_rows_are_found_by_what_is_known_of_them(
    run: Run, asked: list[str], references: list[str]
) -> None:
    found = json.loads(run("list", "--json", *asked).output)
    assert sorted(row["reference"] for row in found) == references
    table = run("list", *asked).output
    assert all(f"reference {reference}" in table for reference in references)
    assert references or "There is no such row." in table


def test_no_more_rows_are_shown_than_asked_for(run: Run) -> None:
    found = json.loads(run("list", "--since", "2020-01-01", "--limit", "1", "--json").output)
    assert len(found) == 1


def test_a_row_tells_what_is_known_by_its_id_and_by_its_reference(run: Run) -> None:
    (row,) = json.loads(run("show", "order-1", "--json").output)
    assert (row["user"], row["amount"], row["outcome"]) == ("ann", "0.5", "charged")
    assert row["message"] == "Thank you."
    told = run("show", row["id"]).output
    for part in ("order-1", "ann", "0.5", "Thank you.", "It went through, once."):
        assert part in told


def test_what_to_decide_is_said_only_where_something_is_to_be_decided(run: Run) -> None:
    assert "--not-charged" in run("list").output
    assert "--not-charged" not in run("list", "--state", "done").output


def test_a_row_that_is_not_there(run: Run) -> None:
    ended = run("show", "order-9")
    assert ended.exit_code == 2
    assert "There is no row with the id or reference “order-9”." in ended.output
