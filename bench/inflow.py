"""A connector whose paywall has a webhook subscription, and the signed events that come in."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import json
import secrets
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from bench import servers
from bench.calls import Call, inbound
from bench.processes import BenchError, Server, free_port, serving
from bench.servers import Bench
from connector.inbound.endpoints import Endpoints
from connector.security.encryption import Encryption
from connector.store import Store, hook_rows, make_engine
from connector.store.tables import paywalls
from connector.triggers.signatures import new_secret

KEY = "sk-paywalls-sandbox-bench"
_USERS = 100


@dataclass
class Inflow:
    """A running connector, `server`, the endpoint of its paywall, and its database."""

    server: Server
    database: str
    secret: str
    endpoint_id: str
    upstream_id: str
    sent: list[str] = field(default_factory=list)

    def events(self, type: str = "paywall.balance.depleted") -> Call:
        """Deliveries of events, each new, signed as upstream signs; `sent` gets their ids."""
        key = Endpoints([self.secret], None).signing_secret(self.endpoint_id).encode()
        run, numbers = secrets.token_hex(4), itertools.count(1)

        def body() -> bytes:
            number = next(numbers)
            event_id = f"evt_{run}_{number:08d}"
            self.sent.append(event_id)
            return json.dumps(_delivery(event_id, type, self.upstream_id, number)).encode()

        def sign(raw: bytes) -> str:
            return hmac.new(key, raw, hashlib.sha256).hexdigest()

        return inbound(self.endpoint_id, body, sign)

    def store(self) -> Store:
        """The connector's database, opened beside it; close it after use."""
        return Store(make_engine(self.database, 1))

    def paywall_id(self, store: Store) -> str:
        """The local id of the paywall."""
        wanted = select(paywalls.c.id).where(paywalls.c.upstream_id == self.upstream_id)
        return str(store.read(lambda connection: connection.execute(wanted).scalar_one()))

    def add_hooks(self, urls: list[str], trigger: str) -> None:
        """Subscribe addresses, past the connector."""
        store, encryption = self.store(), Encryption([self.secret])
        try:
            paywall_id = self.paywall_id(store)
            for url in urls:
                sealed = encryption.seal(new_secret())
                store.write(
                    lambda connection, url=url, sealed=sealed: hook_rows.insert(  # type: ignore[misc]
                        connection,
                        paywall_id,
                        target_url=url,
                        trigger=trigger,
                        user_id="",
                        sealed_secret=sealed,
                        most=len(urls) + 1000,
                    )
                )
        finally:
            store.close()


@contextlib.contextmanager
def sandbox(bench: Bench) -> Iterator[str]:
    """An upstream that makes subscriptions; gives its address. It sends nothing."""
    port = free_port()
    command = [sys.executable, "-m", "connector.sandbox", "--port", str(port)]
    log = bench.folder / "sandbox.log"
    with serving("sandbox", command, port=port, core=bench.load_core, log=log):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def inflow(bench: Bench, upstream: str, name: str, database: str = "") -> Iterator[Inflow]:
    """A connector with a subscription, on SQLite or on the given empty database."""
    secret = secrets.token_hex(32)
    given = database or f"sqlite:///{bench.folder}/{name}-{secrets.token_hex(3)}.sqlite3"
    settings = {
        "secret_keys": secret,
        "upstream_url": f"{upstream}/v1",
        "allowed_targets": "127.0.0.0/8",
        "hooks_per_paywall": "10000",
    }
    with servers.connector(bench, name, database=given, public=True, **settings) as server:
        told = _ask(f"http://127.0.0.1:{server.port}/v1/me")
        if told["triggers_ready"] is not True:
            raise BenchError(f"{name}: triggers are not ready: {told['triggers_message']}")
        listed = _ask(f"{upstream}/v1/webhooks/subscriptions")["subscriptions"]
        here = f"http://127.0.0.1:{server.port}/v1/inbound/"
        urls = [row["url"] for row in listed if row["url"].startswith(here)]
        yield Inflow(server, given, secret, urls[0].removeprefix(here), told["paywall_id"])


def _ask(url: str) -> Any:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {KEY}"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 -- loopback
        return json.load(answer)


def _delivery(event_id: str, type: str, paywall_id: str, number: int) -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat()
    user = number % _USERS
    event = {
        "id": event_id,
        "paywallId": paywall_id,
        "ownerUserId": "owner_bench",
        "type": type,
        "version": "2024-05-01",
        "status": "pending",
        "attempts": 1,
        "createdAt": moment,
        "trigger": {"source": "api", "actorType": "system", "actorId": paywall_id},
        "subject": {"type": "user", "id": f"wallet_{user}", "externalId": f"user_{user}"},
        "data": {
            "paywallId": paywall_id,
            "ownerUserId": "owner_bench",
            "walletUserId": f"wallet_{user}",
            "externalUserId": f"user_{user}",
            "balance": 0,
            "requiredAmount": 0.5,
        },
        "metadata": {},
    }
    about = {"id": f"whd_{event_id}", "attempts": 1, "createdAt": moment, "updatedAt": moment}
    return {"delivery": about, "event": event}
