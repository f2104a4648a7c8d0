"""Events that come in: verify, keep once, number, put into the outbox, all in one transaction.

In a burst the events of an address share transactions: they would wait for each other anyway, for
the counter that numbers them.

Source of the delivery's form: https://docs.paywalls.ai/how-to-guides/webhooks. What may be our own
fault is told as 503, because upstream gives up for good on most 4xx.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from connector import jsontext
from connector.errors import (
    EndpointGone,
    InvalidField,
    SignatureRefused,
    Unavailable,
)
from connector.inbound.circuit_breaker import CircuitBreaker
from connector.inbound.coalescing import Coalescer
from connector.inbound.endpoints import Endpoints, Known
from connector.store import (
    Store,
    delivery_rows,
    event_rows,
    hook_rows,
    paywall_rows,
    subscription_rows,
)
from connector.store.subscription_rows import Endpoint
from connector.telemetry.metrics import inbound_received

_ROTATED = "paywall.secret.rotated"
_FOREIGN, _UNKNOWN, _DEFECT = "foreign", "unknown", "defect"
_OURS = {
    _UNKNOWN: "This address is ours, but not known to this database yet.",
    _DEFECT: "This delivery could not be kept. The connector's log says why.",
}
"""What may be our own fault, with its words."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class InboundEvent:
    """An upstream event that could be read; `body` is its own JSON text."""

    id: str
    type: str
    paywall_id: str
    created_at: datetime
    wallet_id: str
    external_id: str
    body: str


_Delivery = tuple[InboundEvent | None, bytes]
"""The event that was read, if it could be, and the body that it came in."""


class Inbound:
    """Takes deliveries. `wake` is called after a commit that put something into the outbox."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        retention_days: int,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._endpoints, self._wake = store, endpoints, wake
        self._retention = timedelta(days=retention_days)
        self._circuit_breaker = CircuitBreaker()
        self._coalescer = Coalescer(self._keep_all)

    def take(self, endpoint_id: str, body: bytes, signature: str) -> str:
        """Take one delivery; when this returns, it is durable. What became of it, in one word.

        Raises EndpointGone, SignatureRefused, InvalidField (another paywall's event) or
        Unavailable.
        """
        known = self._endpoints.known(endpoint_id)
        if known is Known.NEVER_MADE:
            raise EndpointGone("This address was never made by this connector.")
        if known is Known.NOT_LOADED:
            log.error("inbound_secret_missing", endpoint=endpoint_id[:8])
            raise Unavailable("The server secret of this address is not loaded.", retry_after=60)
        if not self._endpoints.signed(endpoint_id, body, signature):
            inbound_received("bad_signature")
            log.warning("inbound_bad_signature", endpoint=endpoint_id[:8])
            raise SignatureRefused("The signature of this delivery is missing or wrong.")
        try:
            with self._circuit_breaker.watched():
                result = self._coalescer.run(endpoint_id, (read(body), body))
            if result in _OURS:
                raise Unavailable(_OURS[result])
        except Unavailable:
            inbound_received("unavailable")
            raise
        if result == _FOREIGN:
            raise InvalidField("This event belongs to another paywall.", field="paywallId")
        inbound_received(result)
        return result

    def _keep_all(self, endpoint_id: str, batch: Sequence[_Delivery]) -> list[str]:
        """Keep what came in at an endpoint, in one transaction; what became of each, in one word.
        One that cannot be kept does not take the others with it."""
        try:
            results, pushed = self._store.write(
                lambda connection: self._keep(connection, endpoint_id, batch)
            )
        except Unavailable:
            raise
        except Exception:
            if len(batch) > 1:
                return [self._keep_all(endpoint_id, [delivery])[0] for delivery in batch]
            log.exception("inbound_defect", endpoint=endpoint_id[:8])
            return [_DEFECT]
        if pushed:
            self._wake()
        return results

    def _keep(
        self, connection: Connection, endpoint_id: str, batch: Sequence[_Delivery]
    ) -> tuple[list[str], int]:
        """What became of each, and how many pushes they caused."""
        endpoint = subscription_rows.endpoint(connection, endpoint_id)
        if endpoint is None:
            return [_UNKNOWN] * len(batch), 0
        new: dict[str, InboundEvent] = {}
        for event, body in batch:
            if event is None:
                event_rows.keep_unreadable(connection, endpoint.paywall_id, body)
                log.warning("inbound_unreadable", endpoint=endpoint_id[:8], size=len(body))
            elif not _foreign(event, endpoint):
                new.setdefault(event.id, event)
        kept, pushed = keep(connection, endpoint.paywall_id, list(new.values()), self._retention)
        words = dict(zip(new, kept, strict=True))

        def became(event: InboundEvent | None) -> str:
            if event is None:
                return "unreadable"
            if _foreign(event, endpoint):
                return _FOREIGN
            return words[event.id] if new[event.id] is event else "duplicate"

        return [became(event) for event, _ in batch], pushed


def _foreign(event: InboundEvent, endpoint: Endpoint) -> bool:
    return bool(endpoint.upstream_id) and event.paywall_id != endpoint.upstream_id


def keep(
    connection: Connection, paywall_id: str, events: Sequence[InboundEvent], retention: timedelta
) -> tuple[list[str], int]:
    """Keep events of a local paywall, in the caller's transaction: what became of each (stored,
    duplicate, too_old) and how many pushes they caused. New ones are numbered in the given order.

    A purged event never returns: who is older than the retention is acknowledged and dropped.
    Every transaction takes its locks in one order (pairs, events, the counter, each sorted), so
    that two never wait for each other.
    """
    pairs = {event.wallet_id: event.external_id for event in events if event.external_id}
    for wallet_id, external_id in sorted(pairs.items()):
        event_rows.learn_pair(connection, paywall_id, wallet_id, external_id)
    oldest = datetime.now(UTC) - retention
    results = {event.id: "too_old" for event in events}
    inserted: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.id):
        if event.created_at < oldest:
            continue
        row_id = event_rows.insert_new(
            connection,
            paywall_id,
            event_id=event.id,
            type=event.type,
            created_at=event.created_at,
            wallet_id=event.wallet_id,
            external_id=event.external_id,
            body=event.body,
        )
        results[event.id] = "duplicate" if row_id is None else "stored"
        if row_id is not None:
            inserted[event.id] = row_id
    new = [event for event in events if event.id in inserted]
    numbers = event_rows.number(connection, paywall_id, [inserted[event.id] for event in new])
    for rotated in {event.paywall_id for event in new if event.type == _ROTATED}:
        paywall_rows.distrust_all_of(connection, rotated)
    pushed = _announce(connection, paywall_id, dict(zip(numbers, new, strict=True)))
    return [results[event.id] for event in events], pushed


def _announce(connection: Connection, paywall_id: str, new: Mapping[int, InboundEvent]) -> int:
    """Put new events, by number, into the outbox; how many pushes they caused."""
    if not new or not hook_rows.any_live(connection, paywall_id):
        return 0
    return sum(
        delivery_rows.fan_out(
            connection,
            paywall_id,
            event_seq=seq,
            event_id=event.id,
            type=event.type,
            wallet_id=event.wallet_id,
            external_id=event.external_id,
        )
        for seq, event in new.items()
    )


def read(body: bytes) -> InboundEvent | None:
    """The event in a delivery's body, wrapped (`{delivery, event}`) or bare; None if it is
    neither."""
    try:
        parsed = jsontext.loads(body)
    except ValueError:
        return None
    if isinstance(parsed, dict) and isinstance(parsed.get("event"), dict):
        parsed = parsed["event"]
    return event_of(parsed)


def event_of(parsed: Any) -> InboundEvent | None:
    """The event in upstream's JSON, or None without an id, a type, a paywall and a time."""
    if not isinstance(parsed, dict):
        return None
    event_id, kind, paywall = (_name(parsed.get(name)) for name in ("id", "type", "paywallId"))
    created_at = _moment(parsed.get("createdAt"))
    if not (event_id and kind and paywall) or created_at is None:
        return None
    data, subject = _object(parsed.get("data")), _object(parsed.get("subject"))
    return InboundEvent(
        id=event_id,
        type=kind,
        paywall_id=paywall,
        created_at=created_at,
        wallet_id=_text(data.get("walletUserId")),
        external_id=_text(data.get("externalUserId")) or _text(subject.get("externalId")),
        body=jsontext.dumps(parsed).decode(),
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 and value.isprintable() else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 and "\0" not in value else ""


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # such as the last hour of the year 9999, in the west
        return None
