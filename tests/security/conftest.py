"""Identities over a migrated database of each kind, with the sandbox in this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from connector.deadline import Deadline
from connector.store import Store, make_engine, migrate
from connector.upstream import Client, Upstream


class Vendor:
    """The sandbox: upstream for any key, and how often it was asked about one."""

    def __init__(self, sandbox: Flask) -> None:
        self._client = Client("http://sandbox.test/v1", httpx.WSGITransport(app=sandbox))
        self._sandbox: FlaskClient = sandbox.test_client()

    def upstream(self, key: str) -> Upstream:
        """A conversation with this key."""
        return Upstream(self._client, key, Deadline(20))

    def asked(self, key: str) -> int:
        """How many times it was asked to prove this key's paywall."""
        rows = self._control_of(key, "requests")
        return len([row for row in rows if row["operation"] == "subscriptions"])

    def rotate(self, key: str) -> str:
        """The key that replaces this one."""
        return str(self._control_of(key, "rotate", {})["key"])

    def fail(self, key: str, kind: str) -> None:
        """The next proof of this key fails."""
        fault = {"operation": "subscriptions", "kind": kind}
        self._control_of(key, "faults", fault)

    def tell_id(self, key: str) -> None:
        """Have a subscription, through which upstream tells the paywall's id."""
        body = {"url": "https://receiver.example/hook", "events": ["paywall.archived"]}
        self._sandbox.post("/v1/webhooks/subscriptions", json=body, headers=_bearer(key))

    def reset(self, key: str) -> None:
        """Forget the paywall; its first key is valid again."""
        self._control_of(key, "reset", {})

    def _control_of(self, key: str, path: str, body: object = None) -> Any:
        method = "GET" if body is None else "POST"
        answer = self._sandbox.open(
            f"/_sandbox/{path}", method=method, json=body, headers=_bearer(key)
        )
        assert answer.status_code == 200
        return answer.get_json()


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def vendor(sandbox: Flask) -> Vendor:
    return Vendor(sandbox)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on an empty database of each kind."""
    store = Store(make_engine(database_url, pool_size=4))
    migrate.upgrade(store.engine)
    yield store
    store.close()
