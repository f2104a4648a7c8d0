"""What the ledger is asked for: who calls, for what, and the right to try it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from sqlalchemy import Connection

from connector import jsontext
from connector.catalog.actions import Action, Values
from connector.money import plain
from connector.store.paywall_rows import Paywall
from connector.store.reference_spaces import spaced


class Sealing(Protocol):
    """What the ledger needs of encryption (connector.security.encryption)."""

    def seal(self, text: str) -> str:
        """`text`, encrypted."""

    def open(self, sealed: str) -> str | None:
        """What was sealed, or None under a secret that is not loaded."""


@dataclass(frozen=True)
class Sender:
    """Who calls: the fingerprints of the key that is sent upstream, the newest secret's first.

    `space`: the user in whose own space the references are, "" for the owner's. `reserve` counts
    an amount against what the caller may move; it is called in the transaction that takes the
    reference, with the id of its row, and raises what the caller is told if it is too much.
    """

    fingerprints: tuple[str, ...]
    sealing: Sealing = field(repr=False)
    space: str = ""
    reserve: Callable[[Connection, str, Decimal], None] | None = field(default=None, repr=False)


class NotForSale(Exception):
    """A price that cannot be made: `result` is what the caller is told, in the shape of the action.
    It undoes the transaction that takes the reference."""

    def __init__(self, result: Values) -> None:
        super().__init__(result.get("outcome", ""))
        self.result = result


@dataclass(frozen=True)
class Pricing:
    """How the price of a priced call comes about, and what the call is about: the `feature` that is
    used, or the row of the ledger whose money it gives back.

    `price` is called in the transaction that takes the reference, with the id of its row, which
    holds what is counted for it. Raises NotForSale.
    """

    price: Callable[[Connection, str], Decimal]
    feature: str | None = None
    refund_of: str | None = None


@dataclass(frozen=True)
class Intent:
    """One call of an exactly-once action; `same` are the values that make another one the same, and
    `notes` those that do not (a description, metadata). `amount` is "0" where `pricing` makes it;
    `told` are the values that are sent each time."""

    paywall: Paywall
    action: Action
    sender: Sender
    user: str
    amount: str
    reference: str
    same: tuple[str, ...]
    told: Values
    notes: Values = field(repr=False)
    pricing: Pricing | None = field(default=None, repr=False)
    key_field: str = "reference"
    """The name of the field in which `reference` stands."""

    @classmethod
    def of(
        cls,
        paywall: Paywall,
        action: Action,
        sender: Sender,
        values: Values,
        pricing: Pricing | None = None,
    ) -> Intent:
        """The intent of a call with these values. Raises TypeError for an action that is not
        exactly-once, or whose price is made by rules that are not given."""
        rule = action.exactly_once
        if rule is None or rule.priced is not (pricing is not None):
            raise TypeError(f"the action {action.key} is not exactly-once, or has another price")
        told = {"user", "reference", *rule.same} - {"amount"}
        key_field = rule.key_field(values)
        return cls(
            paywall,
            action,
            sender,
            values["user"],
            "0" if rule.priced else plain(rule.amount(values)),
            values[key_field],
            rule.texts(values),
            {name: value for name, value in values.items() if name in told},
            {name: value for name, value in values.items() if name not in {*told, "amount"}},
            pricing,
            key_field,
        )

    @property
    def kept_reference(self) -> str:
        """The reference as the ledger keeps it."""
        return spaced(self.reference, self.sender.space)

    @property
    def order(self) -> str | None:
        """The row that is locked by who takes or ends this intent; None where others are too,
        because something is counted for it."""
        if self.pricing is not None or self.sender.reserve is not None:
            return None
        return "\0".join((self.paywall.id, self.action.key, self.kept_reference))

    @property
    def description(self) -> str | None:
        """The builder's own note, which is kept with the row in plain words."""
        return self.notes.get("description") or self.notes.get("reason")

    @property
    def values_hash(self) -> str:
        """Stands for `same`, to be compared."""
        return hashlib.sha256("\0".join(self.same).encode()).hexdigest()

    def sealed_notes(self) -> str:
        """The notes as the ledger keeps them until the row is decided; "" for none."""
        if not self.notes:
            return ""
        return self.sender.sealing.seal(jsontext.dumps(self.notes).decode())

    def upstream_key(self, try_number: int, amount: Decimal) -> str:
        """The same for the same intent and amount, even from another database, so that upstream's
        own protection still holds when ours was lost."""
        space = (self.sender.space,) if self.sender.space else ()
        same = (*self.same, plain(amount)) if self.pricing else self.same
        parts = (self.action.key, self.reference, *same, str(try_number), *space)
        return "pwc-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Lease:
    """The right to try: the row, the fencing token, the amount and key to send upstream, and the
    notes of the first try; since how many seconds it is in doubt about a try without an answer."""

    entry_id: str
    token: int
    amount: Decimal
    upstream_key: str
    notes: Values = field(repr=False)
    try_number: int = 1
    was_in_doubt: bool = False
    unanswered_seconds: int | None = None
