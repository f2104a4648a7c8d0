"""The names under which the vendor offers the same API, one row each: nothing else differs.

Source: https://docs.paywalls.ai and https://docs.openstack.ai (features/webhooks and
how-to-guides/pass-user-id of both). The names of the second one's delivery headers are not
documented: whoever reads them goes by the form of the name, and by the signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Brand:
    """What one name of the vendor changes.

    `name` is the word for the command line, `title` the one for people; `api` is the base address;
    every key begins with `key_prefix`; `user_header` names the user who pays; types of events begin
    with `event_prefix`; headers of deliveries with `delivery_headers`.
    """

    name: str
    title: str
    api: str
    key_prefix: str
    user_header: str
    event_prefix: str
    delivery_headers: str

    def spelled(self, event_type: str) -> str:
        """An event's type, by whichever name, as this brand writes it."""
        return self.event_prefix + _bare(event_type)

    @property
    def sandbox_key(self) -> str:
        """What the keys of the sandbox begin with; a name follows."""
        return f"{self.key_prefix}sandbox-"

    @property
    def first_sandbox_key(self) -> str:
        """The key that every sandbox knows from its start."""
        return f"{self.sandbox_key}default"


PAYWALLS = Brand(
    name="paywalls",
    title="Paywalls.ai",
    api="https://api.paywalls.ai/v1",
    key_prefix="sk-paywalls-",
    user_header="X-Paywall-User",
    event_prefix="paywall.",
    delivery_headers="X-Paywalls-",
)
OPENSTACK = Brand(
    name="openstack",
    title="Openstack.ai",
    api="https://api.openstack.ai/v1",
    key_prefix="sk-openstack-v1-",
    user_header="X-Openstack-User",
    event_prefix="",
    delivery_headers="X-Openstack-",
)
BRANDS: Mapping[str, Brand] = {brand.name: brand for brand in (PAYWALLS, OPENSTACK)}
"""By name; the first one's words are those of the catalog."""

KEY_PREFIXES = tuple(brand.key_prefix for brand in BRANDS.values())
USER_HEADERS = tuple(brand.user_header for brand in BRANDS.values())
_EVENT_PREFIXES = tuple(b.event_prefix for b in BRANDS.values() if b.event_prefix)
_SIGNATURE = re.compile(r"x-(?:[a-z0-9]+-)+signature", re.IGNORECASE)
_ANY_KEY = re.compile(r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9][A-Za-z0-9_-]{15,}|pwc_[A-Za-z0-9]{20,})")


def canonical(event_type: str) -> str:
    """An event's type as the catalog writes it, whichever brand sent it."""
    return PAYWALLS.spelled(event_type)


def spellings(event_types: Iterable[str]) -> tuple[Brand, ...]:
    """The brands by which these types are written; all of them where nothing tells."""
    prefixed = {event_type.startswith(_EVENT_PREFIXES) for event_type in event_types}
    found = (brand for brand in BRANDS.values() if bool(brand.event_prefix) in prefixed)
    return tuple(found) or tuple(BRANDS.values())


def signatures(headers: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """What may be a delivery's signature: `X-<any name>-Signature`, in no certain order."""
    return tuple(value for name, value in headers if _SIGNATURE.fullmatch(name))


def holds_key(text: str) -> bool:
    """Whether a text holds a secret key, of these brands or of another vendor's kind, or a token of
    a connector."""
    return any(prefix in text for prefix in KEY_PREFIXES) or bool(_ANY_KEY.search(text))


def _bare(event_type: str) -> str:
    for prefix in _EVENT_PREFIXES:
        if event_type.startswith(prefix):
            return event_type.removeprefix(prefix)
    return event_type
