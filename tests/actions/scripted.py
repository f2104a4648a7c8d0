"""An upstream that says whatever a test wants: for answers that the sandbox never gives."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from connector.app import create_app
from connector.store import make_engine, migrate
from tests.conftest import BEARER, settings_for

YES: dict[str, Any] = {"subscriptions": []}


class Scripted:
    """`says` maps an upstream path to its JSON answer; `asked` lists the paths that were called."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.asked: list[str] = []
        self.client: FlaskClient
        self.upstream = Flask("scripted")
        self.upstream.add_url_rule(
            "/v1/<path:path>", "answer", self._answer, methods=["GET", "POST"]
        )

    def _answer(self, path: str) -> Response:
        self.asked.append(path)
        said = self.says.get(path, YES if path == "webhooks/subscriptions" else None)
        if said is None:
            return Response('{"error": "no such user"}', 404)
        return Response(orjson.dumps(said), mimetype="application/json")

    def ask(self, action: str, **values: Any) -> dict[str, Any]:
        """POST values to an action; its answer, which must be a success of HTTP."""
        answer = self.client.post(f"/v1/{action}", json=values, headers=BEARER)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.get_json()
        return result


@pytest.fixture(scope="session")
def _scripted(tmp_path_factory: pytest.TempPathFactory) -> Scripted:
    settings = settings_for(f"sqlite:///{tmp_path_factory.mktemp('scripted')}/connector.sqlite3")
    engine = make_engine(settings.database_url)
    migrate.upgrade(engine)
    engine.dispose()
    scripted = Scripted()
    transport = httpx.WSGITransport(app=scripted.upstream)
    scripted.client = create_app(settings, transport=transport).test_client()
    return scripted


@pytest.fixture
def scripted(_scripted: Scripted) -> Scripted:
    """An upstream with nothing to say yet."""
    _scripted.says.clear()
    _scripted.asked.clear()
    return _scripted
