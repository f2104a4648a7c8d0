"""What needs somebody's attention, in words: what happened, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection

from connector.catalog.outcomes import CAP_REACHED
from connector.store import attention_rows, hook_rows, ledger_rows, subscription_rows
from connector.store.attention_rows import Note

_REFUSED_KEY = (
    "Paywalls refused a key that it had accepted before. If you replaced the key, put the new one "
    "wherever the old one stands; a token needs no change."
)
_REFUSED_KEPT = (
    "Paywalls refused the key that is kept for your tokens and webhooks, so they pause. They go on "
    "by themselves after one call with the new key, or once you sign in to the console with it."
)
_LATER_KIND = "Something needs you. The console says under Needs attention what it is."
_LOOK = "Look into the Paywalls dashboard"
_DECIDE = "then say in the console under Needs attention whether it went through."


@dataclass(frozen=True)
class Told:
    """A note for people: when it was first seen that day, to whom, a sentence with what to do, and
    the transaction that it is about with its reference ("" if none)."""

    kind: str
    at: datetime
    user: str
    message: str
    transaction: str = ""
    reference: str = ""


def told(connection: Connection, note: Note) -> Told:
    """A note in words."""
    if note.kind in _TRANSACTIONS:
        return _transaction(connection, note)
    say = _OTHERS.get(note.kind)
    message = say(connection, note) if say else _LATER_KIND
    return Told(note.kind, note.noted_at, note.user_id, message)


def _transaction(connection: Connection, note: Note) -> Told:
    row = ledger_rows.get(connection, note.subject)
    what = f"“{row.reference}” of {note.user_id}" if row else f"A transaction of {note.user_id}"
    return Told(
        note.kind,
        note.noted_at,
        note.user_id,
        _TRANSACTIONS[note.kind].format(what=what),
        note.subject if row else "",
        row.reference if row else "",
    )


def _key(_: Connection, note: Note) -> str:
    return _REFUSED_KEPT if note.subject == attention_rows.KEPT_KEY else _REFUSED_KEY


def _cap(_: Connection, note: Note) -> str:
    return (
        f"Today's limit of “{note.subject}” stopped {note.user_id}, and perhaps others after that. "
        "If that was not meant, raise the limit of the feature."
    )


def _webhook(connection: Connection, note: Note) -> str:
    hook = hook_rows.get(connection, note.paywall_id, note.subject)
    host = urlsplit(hook.target_url).hostname if hook else None
    where = f" to {host}" if host else ""
    why = f" {hook.problem}" if hook and hook.problem else ""
    return (
        f"A webhook{where} gets no events any more.{why} Switch its flow off and on again, or make "
        "the webhook anew in the console."
    )


def _missing(connection: Connection, note: Note) -> str:
    row = subscription_rows.get(connection, note.paywall_id)
    if row is None or row.gap_since is None:
        return "Events may be missing. Compare your records with the Paywalls dashboard."
    since = f"{row.gap_since.astimezone(UTC):%Y-%m-%d at %H:%M} UTC"
    return (
        f"Events may be missing, as noticed on {since}. {row.gap_note} Compare your records with "
        "the Paywalls dashboard."
    )


_TRANSACTIONS = {
    attention_rows.DOUBLE_CHARGE: (
        f"{{what}} may have gone through twice. {_LOOK}, and give one of them back."
    ),
    attention_rows.CHARGE_IN_DOUBT: (
        "For an hour nobody has known whether {what} went through. The connector goes on finding "
        f"out. If you cannot wait: look into the Paywalls dashboard, {_DECIDE}"
    ),
    attention_rows.CHARGE_UNKNOWN: (
        f"Nobody can find out any more whether {{what}} went through. {_LOOK}, {_DECIDE}"
    ),
}
_OTHERS = {
    attention_rows.KEY_REFUSED: _key,
    attention_rows.WEBHOOK_OFF: _webhook,
    attention_rows.EVENTS_MISSING: _missing,
    CAP_REACHED: _cap,
}
