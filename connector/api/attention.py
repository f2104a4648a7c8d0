"""What needs somebody's attention at a paywall, gathered from wherever it is known."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from connector.api.authentication import Caller
from connector.api.hook_routes import sees_all
from connector.api.services import Services
from connector.api.transactions import transactions
from connector.catalog.actions import Values
from connector.catalog.outcomes import CAP_REACHED
from connector.inbound.attention import Told, told
from connector.store import attention_rows
from connector.store.hook_rows import OFF, Hook
from connector.triggers.items import shown

_SHOWN_DAYS = 7
_HOOKS, _NOTES = 50, 50
_SHOWN = (attention_rows.KEY_REFUSED, attention_rows.DOUBLE_CHARGE, CAP_REACHED)
"""The kinds of notes that are shown: of the others the thing itself is."""


@dataclass(frozen=True)
class Noted:
    """Something that happened lately: its kind, when it was first seen that day, to whom, what to
    know and to do, and the transaction that it is about, if there is one."""

    kind: str
    at: str
    user: str
    message: str
    transaction: str = ""


@dataclass(frozen=True)
class Attention:
    """Transactions that are not decided, webhooks that are off or fail, events that may be missing
    ("" if none), and what happened in the last days."""

    undecided: list[Values]
    hooks: list[Hook]
    gap: str
    noted: list[Noted]

    @property
    def nothing(self) -> bool:
        """Whether all is well."""
        return not (self.undecided or self.hooks or self.gap or self.noted)


def attention(parts: Services, caller: Caller) -> Attention:
    """What the caller should look at; a token of one user sees what is about that user."""
    wanted = {"user": caller.user} if caller.user else {}
    undecided = [
        row
        for state in ("unknown", "in_doubt")
        for row in transactions(parts, caller.paywall, {**wanted, "state": state})
    ]
    hooks = parts.hooks.listing(caller.paywall, "", _HOOKS) if sees_all(caller) else []
    account = parts.readiness.account(caller.key, caller.upstream)
    return Attention(
        undecided,
        [hook for hook in hooks if hook.state == OFF or hook.failing_since],
        "" if caller.user or not account.possible_gap else account.triggers_message,
        parts.store.read(lambda connection: _noted(connection, caller)),
    )


def note_cap(parts: Services, caller: Caller, feature: str, user: str) -> None:
    """A cap of a feature stopped a user: the paywall's owner can read that, once a day."""
    paywall_id = caller.paywall.id
    if parts.store.read(lambda c: attention_rows.noted(c, paywall_id, CAP_REACHED, feature)):
        return
    parts.store.write(
        lambda c: attention_rows.note(c, paywall_id, CAP_REACHED, feature, user),
    )


def _noted(connection: Connection, caller: Caller) -> list[Noted]:
    notes = attention_rows.latest(
        connection, caller.paywall.ids, _SHOWN_DAYS, _NOTES, user_id=caller.user, kinds=_SHOWN
    )
    return [_shown(told(connection, note)) for note in notes]


def _shown(note: Told) -> Noted:
    return Noted(note.kind, shown(note.at), note.user, note.message, note.transaction)
