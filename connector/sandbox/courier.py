"""Delivers events to subscriptions: signed POSTs, retried with growing waits.

Up to 8 attempts; waits start at `retry_base` seconds and double, plus up to a tenth at random.
Answers that say "never" end a delivery at once. Order between deliveries is not kept.
A few threads are started when there is something to send and end when there is not.
"""

import hashlib
import heapq
import hmac
import http.client
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterable

import orjson

from connector.brands import Brand
from connector.sandbox.outgoing import Send
from connector.sandbox.state import Delivery, JsonObject, Paywall, iso

ATTEMPTS = 8
FINAL_REFUSALS = frozenset({400, 401, 403, 404, 410, 422})
MAX_THREADS = 8
MAX_WAITING = 50_000
IDLE_SECONDS = 5.0
CLOCK_CHECK_SECONDS = 0.25
_spread = random.Random()  # noqa: S311 -- its own: others may depend on the module's state

Waiting = tuple[float, int, Paywall, Delivery]


class Courier:
    """Sends deliveries when they are due, by a small pool of threads.

    `clock` is the sandbox's clock in seconds; `send` posts one body and returns the status.
    """

    def __init__(self, clock: Callable[[], float], retry_base: float, send: Send) -> None:
        self._clock = clock
        self._retry_base = retry_base
        self._send = send
        self._changed = threading.Condition()
        self._waiting: list[Waiting] = []
        self._numbers = itertools.count()
        self._threads = 0
        self._idle = 0

    def submit(self, paywall: Paywall, deliveries: Iterable[Delivery]) -> None:
        """Send the deliveries as soon as possible; give up those beyond 50,000 waiting ones."""
        with self._changed:
            for delivery in deliveries:
                if len(self._waiting) >= MAX_WAITING:
                    delivery.status = "error"
                    delivery.error = "Too many deliveries were waiting in the sandbox."
                    continue
                self._push(self._clock(), paywall, delivery)

    def advance(self, paywall: Paywall, seconds: float) -> None:
        """Bring the paywall's waiting deliveries nearer, as its clock was put forward."""
        with self._changed:
            self._waiting = [
                (due - seconds if owner is paywall else due, number, owner, delivery)
                for due, number, owner, delivery in self._waiting
            ]
            heapq.heapify(self._waiting)
            self._changed.notify_all()

    def _push(self, due: float, paywall: Paywall, delivery: Delivery) -> None:
        heapq.heappush(self._waiting, (due, next(self._numbers), paywall, delivery))
        self._changed.notify()
        if self._threads < MAX_THREADS and self._idle < len(self._waiting):
            self._threads += 1
            threading.Thread(target=self._work, name="sandbox-courier", daemon=True).start()

    def _work(self) -> None:
        while (due := self._next()) is not None:
            paywall, delivery = due
            self._attempt(paywall, delivery)

    def _next(self) -> tuple[Paywall, Delivery] | None:
        """Wait for a delivery that is due; None when there was nothing to wait for any more."""
        give_up = time.monotonic() + IDLE_SECONDS
        with self._changed:
            while True:
                wait = self._waiting[0][0] - self._clock() if self._waiting else IDLE_SECONDS
                if self._waiting and wait <= 0:
                    _, _, paywall, delivery = heapq.heappop(self._waiting)
                    return paywall, delivery
                if not self._waiting and time.monotonic() >= give_up:
                    self._threads -= 1
                    return None
                self._idle += 1
                # An injected clock can jump without telling, so it is looked at now and then.
                self._changed.wait(min(wait, CLOCK_CHECK_SECONDS) if self._waiting else wait)
                self._idle -= 1

    def _attempt(self, paywall: Paywall, delivery: Delivery) -> None:
        subscription = delivery.subscription
        with paywall.lock:
            if paywall.closed or delivery.status != "pending":
                return
            if not subscription.active:
                delivery.status, delivery.error = "error", "The subscription is not active."
                delivery.next_retry_at, delivery.updated_at = None, paywall.now()
                return
            delivery.attempts += 1
            delivery.last_attempt_at = delivery.updated_at = paywall.now()
            body = orjson.dumps(_body(paywall, delivery))
        started = time.monotonic()
        status, error = None, ""
        try:
            status = self._send(subscription.url, _headers(paywall.brand, delivery, body), body)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            error = str(problem) or type(problem).__name__
        with paywall.lock:
            delivery.response_code, delivery.error = status, error
            delivery.latency_ms = int((time.monotonic() - started) * 1000)
            self._record(paywall, delivery)

    def _record(self, paywall: Paywall, delivery: Delivery) -> None:
        """Note the outcome of an attempt and plan the next one."""
        subscription, status, now = delivery.subscription, delivery.response_code, paywall.now()
        delivery.updated_at, delivery.next_retry_at = now, None
        if status is not None and 200 <= status < 300:
            delivery.status = "success"
            subscription.failures = subscription.dead_in_a_row = 0
            subscription.last_delivered_at = now
            return
        delivery.error = delivery.error or f"The receiver answered with status {status}."
        subscription.failures += 1
        if status in FINAL_REFUSALS or delivery.attempts >= ATTEMPTS:
            delivery.status = "error"
            subscription.dead_in_a_row += 1
            if subscription.dead_in_a_row >= paywall.settings.deactivate_after:
                subscription.active, subscription.updated_at = False, now
            return
        jitter = _spread.uniform(1.0, 1.1)
        wait = self._retry_base * 2 ** (delivery.attempts - 1) * jitter
        delivery.next_retry_at = now + wait
        with self._changed:
            self._push(self._clock() + wait, paywall, delivery)


def _body(paywall: Paywall, delivery: Delivery) -> JsonObject:
    event = {**delivery.event, "attempts": delivery.attempts}
    if paywall.settings.bare_events:
        return event
    about = {
        "id": delivery.id,
        "subscriptionId": delivery.subscription.id,
        "attempts": delivery.attempts,
        "createdAt": iso(delivery.created_at),
        "updatedAt": iso(delivery.updated_at),
    }
    return {"delivery": about, "event": event}


def _headers(brand: Brand, delivery: Delivery, body: bytes) -> dict[str, str]:
    """Return the headers of one attempt; the timestamp stays that of the first one."""
    subscription, event = delivery.subscription, delivery.event
    signature = hmac.new(subscription.secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        **subscription.custom_headers,
        "Content-Type": "application/json",
        f"{brand.delivery_headers}Event": f"{event['type']}@{event['version']}",
        f"{brand.delivery_headers}Signature": signature,
        f"{brand.delivery_headers}Timestamp": iso(delivery.created_at),
    }
