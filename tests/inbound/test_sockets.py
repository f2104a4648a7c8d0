"""Deliveries over real sockets, by a server that cuts off what is too much."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from connector.inbound.endpoints import Endpoints
from tests.conftest import SECRET
from tests.support.ports import free_port
from tests.support.processes import (
    PATIENCE,
    SandboxPaywall,
    running_connector,
    running_sandbox,
    until,
)

MEBIBYTE = 1024 * 1024


@dataclass
class SignedEndpoint:
    """The endpoint of a paywall at a running connector, and the secret to sign with."""

    paywall: SandboxPaywall
    address: str
    url: str
    secret: str

    def post(self, body: bytes, *, chunked: bool) -> httpx.Response:
        """Post a signed body, in pieces of unknown number or in one."""
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))
        return httpx.post(
            self.url,
            content=pieces if chunked else body,
            headers={"X-Paywalls-Signature": signature},
            timeout=PATIENCE,
            trust_env=False,
        )

    def event(self, text: str) -> bytes:
        """An event with this text in its payload."""
        event = {
            "id": f"evt_{len(text)}",
            "paywallId": f"pw_sandbox_{self.paywall.name}",
            "type": "paywall.updated",
            "createdAt": datetime.now(UTC).isoformat(),
            "data": {"text": text},
        }
        return json.dumps(event).encode()

    def polled(self) -> list[str]:
        """The ids of the events that are there."""
        answer = httpx.get(
            f"{self.address}/v1/triggers/any_event",
            headers=self.paywall.bearer,
            timeout=PATIENCE,
            trust_env=False,
        )
        return [item["id"] for item in answer.json()]


@pytest.fixture(scope="module")
def signed_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedEndpoint]:
    """A connector on SQLite and a sandbox, each in a process of its own."""
    folder: Path = tmp_path_factory.mktemp("sockets")
    port = free_port()
    own = {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}"}
    database = f"sqlite:///{folder}/connector.sqlite3"
    with (
        running_sandbox(folder) as sandbox,
        running_connector(database, sandbox.address, folder, **own) as server,
    ):
        paywall = SandboxPaywall(sandbox.address, "sockets")

        def me() -> bool:
            url = f"{server.address}/v1/me"
            answer = httpx.get(url, headers=paywall.bearer, timeout=PATIENCE, trust_env=False)
            return bool(answer.json()["triggers_ready"])

        until(me)
        (url,) = (
            row["url"] for row in paywall._ask("GET", "/v1/webhooks/subscriptions")["subscriptions"]
        )
        secret = Endpoints([SECRET], own["public_url"]).signing_secret(url.rsplit("/", 1)[1])
        yield SignedEndpoint(paywall, server.address, url, secret)
        paywall.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_almost_a_mebibyte_is_taken(
    signed_endpoint: SignedEndpoint, chunked: bool
) -> None:
    body = signed_endpoint.event("x" * (MEBIBYTE - 1000 - chunked))
    assert signed_endpoint.post(body, chunked=chunked).json() == {"result": "stored"}


@pytest.mark.parametrize("chunked", [False, True])
def test_a_larger_one_is_refused(signed_endpoint: SignedEndpoint, chunked: bool) -> None:
    answer = signed_endpoint.post(signed_endpoint.event("x" * MEBIBYTE), chunked=chunked)
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"


def test_the_sandbox_delivers_and_a_poll_gives_it(signed_endpoint: SignedEndpoint) -> None:
    made = signed_endpoint.paywall._control("POST", "events", {"type": "paywall.balance.depleted"})
    until(lambda: made["ids"][0] in signed_endpoint.polled())
