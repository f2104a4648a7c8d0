"""All paywalls of one sandbox, found by key, and the pages that their links open."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connector.brands import PAYWALLS, Brand
from connector.sandbox.courier import Courier
from connector.sandbox.emission import emit
from connector.sandbox.errors import SandboxError
from connector.sandbox.state import Paywall, User

KEPT_PAYWALLS = 20_000
KEPT_LINKS = 50_000
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})(?:~r([0-9]{1,6}))?")


@dataclass(slots=True)
class Link:
    """A page made for one user: a checkout or a request for authorization.

    `outcome` is "" while it is open, then what the user chose ("paid", "allowed", "declined").
    """

    id: str
    kind: str
    paywall: Paywall
    user: User
    outcome: str = ""


@dataclass(slots=True)
class World:
    """The whole state of one sandbox application."""

    clock: Callable[[], float]
    courier: Courier
    brand: Brand = PAYWALLS
    paywalls: dict[str, Paywall] = field(default_factory=dict)
    links: OrderedDict[str, Link] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def paywall(self, key: str) -> Paywall:
        """Return the paywall whose valid secret key this is; SandboxError 401 for all else."""
        begin = self.brand.sandbox_key
        match = _NAME.fullmatch(key.removeprefix(begin)) if key.startswith(begin) else None
        if match is None:
            raise SandboxError(
                401,
                f"This API key is not valid. In the sandbox use {begin}default, {begin}shared or "
                f"{begin}<any name>.",
            )
        paywall = self.paywalls.get(match[1]) or self._made(match[1])
        if paywall.key != key:
            raise SandboxError(401, "This API key is not valid, or it has been replaced.")
        return paywall

    def reset(self, paywall: Paywall) -> None:
        """Forget everything about the paywall; its first key is valid again."""
        with self.lock, paywall.lock:
            paywall.closed = True
            self.paywalls.pop(paywall.name, None)
            for link in [link for link in self.links.values() if link.paywall is paywall]:
                del self.links[link.id]

    def add_link(self, link: Link) -> None:
        """Remember a page; the oldest is forgotten beyond 50,000."""
        with self.lock:
            self.links[link.id] = link
            if len(self.links) > KEPT_LINKS:
                self.links.popitem(last=False)

    def _made(self, name: str) -> Paywall:
        with self.lock:
            if name not in self.paywalls:
                if len(self.paywalls) >= KEPT_PAYWALLS:
                    raise SandboxError(503, f"The sandbox keeps at most {KEPT_PAYWALLS} paywalls.")
                shared = name == "shared" or name.startswith("shared-")
                self.paywalls[name] = Paywall(name, shared, self.clock, self.brand)
            return self.paywalls[name]


@dataclass(frozen=True, slots=True)
class Scene:
    """Where an action happens: in which paywall, and at which address the browser finds pages."""

    world: World
    paywall: Paywall
    base_url: str

    def emit(self, event_type: str, data: Mapping[str, object], user: User | None = None) -> None:
        """Send an event of this paywall to its subscriptions."""
        emit(self.world.courier, self.paywall, event_type, data, user)

    def link(self, kind: str, link_id: str) -> str:
        """Return the absolute address of a page."""
        return f"{self.base_url}/{kind}/{link_id}"
