"""A builder's tool with a paywall of its own, and a look behind it: at upstream and the ledger."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from connector.api.services import services
from connector.app import create_app
from connector.sandbox import create_sandbox
from connector.store import make_engine, migrate
from connector.store.tables import ledger
from tests.conftest import settings_for

ERROR_KEYS = [
    "type",
    "title",
    "status",
    "detail",
    "message",
    "code",
    "field",
    "reference",
    "request_id",
    "retryable",
]
_PROOFS = ("subscriptions",)
"""Upstream calls by which the connector proves a key; they change nothing."""


@dataclass(frozen=True)
class Facade:
    """A connector and the sandbox behind it, shared by tests: each takes a paywall of its own."""

    app: Flask
    sandbox: Flask


@dataclass(frozen=True)
class Builder:
    """Sends requests with its own paywall's key."""

    facade: Facade
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def client(self) -> FlaskClient:
        """The facade without a key."""
        return self.facade.app.test_client()

    def post(self, action: str, /, **values: Any) -> TestResponse:
        """POST values as JSON."""
        return self.client.post(f"/v1/{action}", json=values, headers=self.bearer)

    def get(self, action: str, /, **values: Any) -> TestResponse:
        """GET with values in the query string."""
        return self.client.get(f"/v1/{action}", query_string=values, headers=self.bearer)

    def form(self, action: str, /, **values: Any) -> TestResponse:
        """POST values as a form."""
        return self.client.post(f"/v1/{action}", data=values, headers=self.bearer)

    def send(self, action: str, body: bytes, content_type: str = "application/json") -> Any:
        """POST a body as it is."""
        headers = self.bearer | {"Content-Type": content_type}
        return self.client.post(f"/v1/{action}", data=body, headers=headers)

    def control(self, path: str, /, **values: Any) -> Any:
        """Use one of the sandbox's own controls."""
        answer = self.facade.sandbox.test_client().post(
            f"/_sandbox/{path}", json=values, headers=self.bearer
        )
        assert answer.status_code == 200, answer.text
        return answer.json

    def user(self, user: str, **state: Any) -> None:
        """Set a user's balance or connection upstream."""
        self.control(f"users/{user}", **state)

    def fault(self, operation: str, kind: str, times: int = 1, seconds: float = 1.0) -> None:
        """Arm a fault upstream."""
        self.control("faults", operation=operation, kind=kind, times=times, seconds=seconds)

    def seen(self, path: str) -> list[dict[str, Any]]:
        """What the sandbox tells of `requests` or `ledger`."""
        answer = self.facade.sandbox.test_client().get(f"/_sandbox/{path}", headers=self.bearer)
        rows: list[dict[str, Any]] = answer.get_json()
        return rows

    def operations(self) -> list[str]:
        """The upstream calls that were made, in their order, without proofs of the key."""
        return [r["operation"] for r in self.seen("requests") if r["operation"] not in _PROOFS]

    def ledger_rows(self) -> int:
        """How many rows the connector's ledger has, of all paywalls."""
        with self.facade.app.app_context():
            return services().store.read(
                lambda connection: connection.scalar(select(func.count()).select_from(ledger)) or 0
            )


@contextlib.contextmanager
def running_facade(folder: Path, **changed: str) -> Iterator[Facade]:
    """A connector on SQLite in `folder`, over a sandbox in-process; `changed` as settings_for."""
    settings = settings_for(f"sqlite:///{folder}/connector.sqlite3", **changed)
    engine = make_engine(settings.database_url)
    migrate.upgrade(engine)
    engine.dispose()
    sandbox = create_sandbox()
    app = create_app(settings, transport=httpx.WSGITransport(app=sandbox))
    yield Facade(app, sandbox)
    with app.app_context():
        services().store.close()


@pytest.fixture(scope="session")
def facade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """A connector that all tests share."""
    with running_facade(tmp_path_factory.mktemp("facade")) as running:
        yield running


@pytest.fixture
def builder(facade: Facade) -> Builder:
    """A builder with a new paywall in Default mode: users are connected and have nothing."""
    return Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")


@pytest.fixture
def shared_builder(facade: Facade) -> Builder:
    """A builder with a new paywall in Shared mode: users must authorize first."""
    return Builder(facade, f"sk-paywalls-sandbox-shared-{secrets.token_hex(6)}")


def check_problem(answer: TestResponse, status: int, code: str, field: str = "") -> dict[str, Any]:
    """The members of an error in the one shape; `field` "" when none is to mend."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert list(problem) == ERROR_KEYS
    assert problem["status"] == status
    assert (problem["code"], problem["field"]) == (code, field)
    assert problem["message"] == problem["detail"]
    assert "error" not in problem
    check_sentence(problem["message"])
    return problem


def check_sentence(message: str) -> None:
    """A sentence that a person can read and Zapier shows whole."""
    assert message.endswith((".", "?", "!")), message
    assert len(message) <= 250, message
    own_words = re.sub("“[^”]*”", "", message)
    for ism in ("None", "NoneType", "dict", "Traceback", "Decimal(", "b'", "['", "{'"):
        assert ism not in own_words, message
