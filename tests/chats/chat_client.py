"""A connector in this process before a real database and a real sandbox, asked for chats."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx

from connector.api.services import Services
from connector.app import create_app, stop, threads
from connector.store.chat_rows import ASKING
from tests.chats.rows import ChatRows
from tests.conftest import settings_for
from tests.support.charge_client import Answer
from tests.support.processes import SandboxPaywall, until

CHAT = {
    "user": "ann",
    "model": "sandbox-echo",
    "prompt": "a canary prompt",
    "reference": "message-1",
}
REPLY = "You said: a canary prompt"


class ChatClient:
    """One process of a connector."""

    def __init__(
        self, database_url: str, sandbox: httpx.BaseTransport, paywall: SandboxPaywall, **more: str
    ) -> None:
        given = {"allowed_targets": "127.0.0.0/8", "graceful_seconds": "5"}
        self.app = create_app(settings_for(database_url, **(given | more)), transport=sandbox)
        self.paywall = paywall

    @property
    def parts(self) -> Services:
        """What its routes work with."""
        parts: Services = self.app.extensions["paywalls-connector"]
        return parts

    def chat(self, *, key: str = "", **values: Any) -> Answer:
        """Ask `CHAT` with other `values`; None leaves one out."""
        return self.post("chat", CHAT | values, key)

    def post(self, path: str, values: dict[str, Any], key: str = "") -> Answer:
        """Any call with values."""
        headers = {"Authorization": f"Bearer {key or self.paywall.key}"}
        sent = {name: value for name, value in values.items() if value is not None}
        answer = self.app.test_client().post(f"/v1/{path}", json=sent, headers=headers)
        return Answer(answer.status_code, answer.get_json(), answer.headers.get("Retry-After", ""))

    def get(self, path: str, key: str = "") -> Any:
        """A read."""
        headers = {"Authorization": f"Bearer {key or self.paywall.key}"}
        return self.app.test_client().get(f"/v1/{path}", headers=headers)

    @contextlib.contextmanager
    def pushing(self) -> Iterator[None]:
        """Callbacks are pushed until the block is left."""
        worker = threads(self.app).callbacks
        worker.start()
        try:
            yield
        finally:
            worker.stop()

    def close(self) -> None:
        """Stop, as a process would."""
        self.paywall.release()
        stop(self.app)


def once_answered(rows: ChatRows) -> None:
    """Returns once nobody asks any more."""
    until(lambda: all(row.state != ASKING for row in rows.all()))
