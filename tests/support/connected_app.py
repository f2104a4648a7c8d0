"""A sandbox and connectors on one database, wired together in this process."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from flask import Flask
from sqlalchemy import BigInteger, CompoundSelect, literal, select, type_coerce, update
from werkzeug.test import TestResponse

from connector.api.services import Services
from connector.app import Threads, create_app, stop, threads
from connector.brands import PAYWALLS, Brand
from connector.deadline import Deadline
from connector.sandbox import create_sandbox
from connector.sandbox.state import Paywall, iso
from connector.sandbox.world import World
from connector.store import event_rows, subscription_rows
from connector.store.tables import paywall_keys, paywalls
from connector.store.timestamps import now
from connector.store.trigger_tables import endpoints, events, subscriptions, unreadable
from connector.upstream import Upstream
from tests.conftest import settings_for
from tests.support.processes import until

PUBLIC_URL = "https://connector.example"
DAY = 86_400


class Line(httpx.BaseTransport):
    """The way to the sandbox; a dropped connection looks as it does on a socket."""

    def __init__(self, sandbox: Flask) -> None:
        self._sandbox = httpx.WSGITransport(app=sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._sandbox.handle_request(request)
        except ConnectionResetError as dropped:
            raise httpx.ReadError(str(dropped)) from dropped


@dataclass
class Posted:
    """A webhook as the sandbox sent it, and the status that it was answered with."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int


@dataclass
class Connector:
    """One connector: what a process is in production."""

    app: Flask

    @property
    def parts(self) -> Services:
        """What its routes work with."""
        parts: Services = self.app.extensions["paywalls-connector"]
        return parts

    @property
    def threads(self) -> Threads:
        """What runs beside them."""
        return threads(self.app)

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> TestResponse:
        """What upstream does."""
        return self.app.test_client().post(path, headers=dict(headers), data=body)


@dataclass
class ConnectedApp:
    """`down` lets every webhook find nobody at home. `settings` hold for all connectors, `brand` is
    the vendor's name under which upstream plays."""

    database_url: str
    retry_base: float = 30.0
    settings: dict[str, str] = field(default_factory=lambda: {"public_url": PUBLIC_URL})
    brand: Brand = PAYWALLS
    down: bool = False
    posted: list[Posted] = field(default_factory=list)
    connectors: list[Connector] = field(default_factory=list)
    _sending: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = create_sandbox(retry_base=self.retry_base, send=self._send, brand=self.brand)
        self.open()

    @property
    def connector(self) -> Connector:
        """The newest one: webhooks reach this one."""
        return self.connectors[-1]

    def open(self, **changed: str) -> Connector:
        """Start one more on the same database, as a restart or a second process would."""
        settings = settings_for(self.database_url, **(self.settings | changed))
        app = create_app(settings, transport=Line(self.sandbox))
        self.connectors.append(Connector(app))
        return self.connector

    def close(self) -> None:
        """Let all that is under way come to its end."""
        self.down = True
        until(lambda: not self._sending)  # a webhook that is being answered uses the database
        for connector in self.connectors:
            stop(connector.app)

    def idle(self) -> None:
        """Wait until nothing is done behind the requests any more."""
        until(lambda: not any(c.threads.background._running for c in self.connectors))

    def owner(self, name: str = "default") -> Owner:
        """Somebody with a paywall of this name."""
        return Owner(self, name, f"{self.brand.sandbox_key}{name}")

    def rows(self, query: Any) -> list[Any]:
        """The rows of a query, past the connector."""
        engine = self.connector.parts.store.engine.execution_options(reads_only=True)
        with engine.connect() as connection:
            return list(connection.execute(query))

    def change(self, change: Any) -> None:
        """Change the database, past the connector."""
        with self.connector.parts.store.engine.begin() as connection:
            connection.execute(change)

    def purge(self) -> None:
        """What the worker does once an hour."""
        self.connector.parts.store.write(lambda connection: event_rows.purge(connection, 30))

    @contextlib.contextmanager
    def _arriving(self, path: str) -> Iterator[None]:
        self._sending.append(path)
        try:
            yield
        finally:
            self._sending.remove(path)

    def _send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        path = urlsplit(url).path
        with self._arriving(path):
            if self.down:
                raise ConnectionRefusedError("nobody is at home")
            status = self.connector.post(path, headers, body).status_code
        self.posted.append(Posted(path, dict(headers), body, status))
        return status


@dataclass
class Owner:
    """Owns a paywall: builds with the connector, sees the sandbox's side of it."""

    connected_app: ConnectedApp
    name: str
    key: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header that proves the key."""
        return {"Authorization": f"Bearer {self.key}"}

    @property
    def upstream_id(self) -> str:
        """The paywall's id."""
        return f"pw_sandbox_{self.name}"

    # What the connector answers.

    def get(self, path: str, connector: Connector | None = None, /, **query: Any) -> Any:
        """The raw answer to a GET under /v1."""
        client = (connector or self.connected_app.connector).app.test_client()
        return client.get(f"/v1/{path}", headers=self.bearer, query_string=query)

    def post(self, path: str, **body: object) -> Any:
        """The raw answer to a POST under /v1."""
        client = self.connected_app.connector.app.test_client()
        return client.post(f"/v1/{path}", headers=self.bearer, json=body)

    def me(self) -> dict[str, Any]:
        """What Test Connection tells."""
        answer: dict[str, Any] = self.get("me").get_json()
        return answer

    def ready(self) -> Owner:
        """Use the key for the first time, and see that triggers work. The first reading back, which
        goes on behind that, is over then: it would find what happens next."""
        assert self.me()["triggers_ready"] is True
        self.connected_app.idle()
        return self

    def poll(self, trigger: str = "any_event", **query: str | int) -> list[dict[str, Any]]:
        """The items of a poll that goes well."""
        answer = self.get(f"triggers/{trigger}", **query)
        assert answer.status_code == 200, answer.get_json()
        items: list[dict[str, Any]] = answer.get_json()
        return items

    def ids(self, trigger: str = "any_event", **query: str | int) -> list[str]:
        """The event ids of a poll."""
        return [item["id"] for item in self.poll(trigger, **query)]

    def line(self) -> Upstream:
        """A conversation of the connector with upstream under this key."""
        return Upstream(self.connected_app.connector.parts.client, self.key, Deadline(60))

    # What the database holds of it.

    def stored(self) -> list[str]:
        """The ids of its stored events, in the order in which they were inserted."""
        query = select(events.c.event_id).where(events.c.paywall_id.in_(self._ids()))
        return [row[0] for row in self.connected_app.rows(query.order_by(events.c.id))]

    def forget(self, event_id: str) -> Any:
        """The change that makes an event as if it had never come in."""
        return events.delete().where(events.c.event_id == event_id)

    def local_id(self) -> str:
        """The id of its local paywall."""
        row: str = self.connected_app.rows(
            select(paywalls.c.id).where(paywalls.c.upstream_id == self.upstream_id)
        )[0][0]
        return row

    def subscription(self) -> subscription_rows.Subscription:
        """What the connector knows of its subscription."""
        match = self.connected_app.connector.parts.store.read(
            lambda connection: subscription_rows.get(connection, self.local_id())
        )
        assert match is not None
        return match

    def raw_bodies(self) -> list[bytes]:
        """Its signed bodies that could not be read."""
        query = select(unreadable.c.body).where(unreadable.c.paywall_id.in_(self._ids()))
        return [row[0] for row in self.connected_app.rows(query)]

    def endpoints(self) -> list[str]:
        """Its endpoints, oldest first."""
        query = select(endpoints.c.id).where(endpoints.c.paywall_id.in_(self._ids()))
        return [row[0] for row in self.connected_app.rows(query.order_by(endpoints.c.created_at))]

    def posted(self) -> list[Posted]:
        """The webhooks that were posted to it."""
        paths = {f"/v1/inbound/{endpoint}" for endpoint in self.endpoints()}
        return [posted for posted in self.connected_app.posted if posted.path in paths]

    def pass_days(self, days: int, *wanted: str) -> None:
        """Its events, all or those with these ids, came in this many days earlier."""
        earlier = literal(days * DAY * 1_000_000, BigInteger)
        change = update(events).values(
            received_at=type_coerce(events.c.received_at, BigInteger) - earlier,
            created_at=type_coerce(events.c.created_at, BigInteger) - earlier,
        )
        change = change.where(events.c.paywall_id.in_(self._ids()))
        self.connected_app.change(change.where(events.c.event_id.in_(wanted)) if wanted else change)

    def pass_ten_minutes(self) -> None:
        """Its subscription has to be looked after again, and its key to be proven."""
        aged = update(subscriptions).values(checked_at=now(-601))
        self.connected_app.change(aged.where(subscriptions.c.paywall_id.in_(self._ids())))
        unproven = update(paywall_keys).values(verified_at=now(-601))
        self.connected_app.change(unproven.where(paywall_keys.c.paywall_id.in_(self._ids())))

    def pass_quarter_hour(self) -> None:
        """It is time to read back."""
        aged = update(subscriptions).values(read_at=now(-901))
        self.connected_app.change(aged.where(subscriptions.c.paywall_id.in_(self._ids())))
        for connector in self.connected_app.connectors:
            read_here = connector.parts.readiness._reconcile._read_here
            if self.local_id() in read_here:
                read_here[self.local_id()] -= timedelta(seconds=901)

    def _ids(self) -> CompoundSelect[Any]:
        """The local paywalls under its id."""
        root = select(paywalls.c.id).where(paywalls.c.upstream_id == self.upstream_id)
        aliases = select(paywalls.c.id).where(paywalls.c.merged_into.in_(root))
        return root.union(aliases)

    # What upstream does, and what it saw.

    def emit(self, type: str = "paywall.balance.depleted", **given: object) -> list[str]:
        """Have upstream send events; their ids. They come in soon."""
        ids: list[str] = self.control("POST", "events", {"type": type, **given})["ids"]
        return ids

    def send(self, type: str = "paywall.balance.depleted", **given: object) -> list[str]:
        """Have upstream send events, and wait until each was answered."""
        ids = self.emit(type, **given)
        until(lambda: not self.log("pending"))
        return ids

    def signed(self, body: object) -> tuple[str, dict[str, str], bytes]:
        """Where upstream would post a body, with which headers, and the body as bytes: JSON,
        unless it is bytes already."""
        subscription = self._state().subscriptions[self.subscriptions()[-1]["id"]]
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = hmac.new(subscription.secret.encode(), raw, hashlib.sha256).hexdigest()
        return urlsplit(subscription.url).path, {self._signature_header: signature}, raw

    def take(self, body: object, **changed: str) -> TestResponse:
        """Post a body to the paywall's endpoint with upstream's right signature; `signature` and
        `endpoint` replace what is right."""
        path, headers, raw = self.signed(body)
        if "endpoint" in changed:
            path = f"/v1/inbound/{changed['endpoint']}"
        if "signature" in changed:
            headers[self._signature_header] = changed["signature"]
        return self.connected_app.connector.post(path, headers, raw)

    def event(self, **changed: object) -> dict[str, Any]:
        """An event as upstream would write it; `type` by whichever brand's word."""
        event = {
            "id": "evt_made_up",
            "paywallId": self.upstream_id,
            "ownerUserId": "owner_1",
            "type": "paywall.balance.depleted",
            "version": "2024-05-01",
            "createdAt": self.now(),
            "data": {"walletUserId": "wallet_1"},
        } | changed
        if isinstance(event["type"], str):
            event["type"] = self.connected_app.brand.spelled(event["type"])
        return event

    @property
    def _signature_header(self) -> str:
        return f"{self.connected_app.brand.delivery_headers}Signature"

    def now(self) -> str:
        """Upstream's clock."""
        return iso(self._state().now())

    def ago(self, days: int) -> str:
        """Upstream's clock so many days ago."""
        return iso(self._state().now() - days * DAY)

    def subscriptions(self, *, inactive: bool = False) -> list[dict[str, Any]]:
        """The paywall's subscriptions upstream, oldest first."""
        answer = self.upstream("GET", "webhooks/subscriptions")["subscriptions"]
        return [row for row in answer if row["isActive"] or inactive]

    def subscribe(self, url: str) -> str:
        """Make a subscription by hand; its id."""
        body = {"url": url, "events": ["*"]}
        return str(self.upstream("POST", "webhooks/subscriptions", body)["subscription"]["id"])

    def unsubscribe(self, subscription_id: str) -> None:
        """Switch a subscription off."""
        self.upstream("DELETE", f"webhooks/subscriptions/{subscription_id}")

    def log(self, status: str) -> list[dict[str, Any]]:
        """The newest hundred deliveries with this status."""
        result = self.upstream("GET", f"webhooks/logs?status={status}&limit=100")["logs"]
        return list(result)

    def asked(self, operation: str, method: str = "") -> int:
        """How many requests of an operation came."""
        rows = self.control("GET", "requests")
        return sum(row["operation"] == operation and method in ("", row["method"]) for row in rows)

    def arm(self, operation: str, kind: str, times: int = 1, seconds: float = 1.0) -> None:
        """Let upstream fail at its next requests of an operation."""
        fault = {"operation": operation, "kind": kind, "times": times, "seconds": seconds}
        self.control("POST", "faults", fault)

    def rotate(self) -> Owner:
        """Replace the key; the same owner with the new one."""
        return Owner(self.connected_app, self.name, self.control("POST", "rotate", {})["key"])

    def control(self, method: str, path: str, body: object = None) -> Any:
        """The sandbox's controls."""
        return self._sandbox(method, f"/_sandbox/{path}", body)

    def upstream(self, method: str, path: str, body: object = None) -> Any:
        """Upstream's own API."""
        return self._sandbox(method, f"/v1/{path}", body)

    def _state(self) -> Paywall:
        """The sandbox's memory, which holds the signing secret."""
        world: World = self.connected_app.sandbox.extensions["sandbox"]
        return world.paywall(self.key)

    def _sandbox(self, method: str, path: str, body: object) -> Any:
        client = self.connected_app.sandbox.test_client()
        answer = client.open(path, method=method, json=body, headers=self.bearer)
        assert answer.status_code in (200, 201), answer.get_data()
        return answer.get_json()
