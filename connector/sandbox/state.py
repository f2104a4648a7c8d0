"""What one paywall remembers: users, ledger, stored answers, requests, subscriptions.

Everything here lives in memory, is guarded by the paywall's `lock`, and is bounded.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connector.brands import PAYWALLS, Brand
from connector.sandbox.errors import SandboxError
from connector.sandbox.faults import Faults

JsonObject = dict[str, Any]

KEPT_REQUESTS = KEPT_DELIVERIES = 50_000
KEPT_LEDGER_ROWS = KEPT_USERS = KEPT_ANSWERS = 100_000
ANSWER_LIFETIME = 24 * 3600.0


@dataclass(slots=True)
class User:
    """One end user of one paywall; `checkout` and `request` are the ids of open links."""

    id: str
    wallet_id: str
    connected: bool
    connected_at: float
    connection_id: str
    balance: Decimal = Decimal(0)
    checkout: str = ""
    request: str = ""


@dataclass(slots=True)
class Settings:
    """What a test can change about a paywall; see the README for each."""

    refusal_wording: str = ""
    decline_wording: str = ""
    bare_events: bool = False
    amounts_as_text: bool = False
    deactivate_after: int = 20


@dataclass(slots=True)
class Subscription:
    """A webhook subscription; `dead_in_a_row` counts deliveries that were given up."""

    id: str
    url: str
    events: list[str]
    secret: str
    description: str
    custom_headers: dict[str, str]
    created_at: float
    updated_at: float
    active: bool = True
    failures: int = 0
    dead_in_a_row: int = 0
    last_delivered_at: float | None = None


@dataclass(slots=True)
class Delivery:
    """One event on its way to one subscription; also its row in the delivery log."""

    id: str
    subscription: Subscription
    event: JsonObject
    created_at: float
    updated_at: float
    status: str = "pending"
    attempts: int = 0
    last_attempt_at: float | None = None
    next_retry_at: float | None = None
    response_code: int | None = None
    latency_ms: int | None = None
    error: str = ""


@dataclass(slots=True)
class Paywall:
    """One paywall with all its data. Hold `lock` while reading or changing more than one thing."""

    name: str
    shared: bool
    clock: Callable[[], float]
    brand: Brand = PAYWALLS
    lock: threading.RLock = field(default_factory=threading.RLock)
    rotations: int = 0
    closed: bool = False
    clock_offset: float = 0.0
    settings: Settings = field(default_factory=Settings)
    faults: Faults = field(default_factory=Faults)
    users: dict[str, User] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    ledger: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=KEPT_LEDGER_ROWS))
    requests: deque[JsonObject] = field(default_factory=lambda: deque(maxlen=KEPT_REQUESTS))
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=KEPT_DELIVERIES))
    answers: OrderedDict[tuple[str, str], tuple[float, JsonObject]] = field(
        default_factory=OrderedDict
    )

    @property
    def id(self) -> str:
        """The paywall's id, the same in every run."""
        return f"pw_sandbox_{self.name}"

    @property
    def owner_id(self) -> str:
        """The id of the paywall's owner."""
        return f"owner_sandbox_{self.name}"

    @property
    def first_key(self) -> str:
        """The secret key that is valid until it is replaced."""
        return f"{self.brand.sandbox_key}{self.name}"

    @property
    def key(self) -> str:
        """The secret key that is valid now."""
        return self.first_key + (f"~r{self.rotations + 1}" if self.rotations else "")

    def now(self) -> float:
        """Seconds since 1970 on this paywall's own clock."""
        return self.clock() + self.clock_offset

    def user(self, user_id: str) -> User:
        """Return the user, made at first sight: connected in Default mode, balance 0."""
        with self.lock:
            user = self.users.get(user_id)
            if user is None:
                if len(self.users) >= KEPT_USERS:
                    raise SandboxError(503, f"The sandbox keeps at most {KEPT_USERS} users.")
                digest = hashlib.sha256(f"{self.id}/{user_id}".encode()).hexdigest()
                user = User(
                    user_id, f"wallet_{digest[:16]}", not self.shared, self.now(), new_id("conn")
                )
                self.users[user_id] = user
            return user

    def stored_answer(self, operation: str, key: str) -> JsonObject | None:
        """Return the answer first given to this idempotency key, for 24 hours."""
        oldest = self.now() - ANSWER_LIFETIME
        while self.answers:
            stored_at, _ = next(iter(self.answers.values()))
            if stored_at > oldest and len(self.answers) <= KEPT_ANSWERS:
                break
            self.answers.popitem(last=False)
        stored = self.answers.get((operation, key))
        return stored[1] if stored else None

    def store_answer(self, operation: str, key: str, answer: JsonObject) -> None:
        """Remember the answer to an idempotency key."""
        self.answers[operation, key] = (self.now(), answer)


def new_id(prefix: str) -> str:
    """Return an id that cannot be guessed, such as `act_5d1c0f…`."""
    return f"{prefix}_{secrets.token_hex(12)}"


def iso(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
