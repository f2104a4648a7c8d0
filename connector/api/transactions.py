"""What the ledger has of a paywall, as builders see it."""

from __future__ import annotations

from typing import Any

from connector.api.services import Services
from connector.catalog.actions import Values, actions
from connector.catalog.fields import PAGE_MAX
from connector.catalog.verdicts import Verdict
from connector.store import settings_rows, transaction_rows
from connector.store.ledger_rows import DONE, FREE, Entry
from connector.store.paywall_rows import Paywall
from connector.store.transaction_rows import SHOWN_AS, Asked
from connector.triggers.items import shown

_UNDECIDED = {
    "in_doubt": "It is not known yet whether this went through. Send the same again, with the same "
    "reference: it will not count twice.",
    "unknown": "It is not known whether this went through. Ask the connector's operator to look it "
    "up.",
}
_NOTHING_TOLD = "Nothing was taken: the reference may be used again."


def transactions(parts: Services, paywall: Paywall, values: Values) -> list[Values]:
    """The transactions of a paywall by the values of the action of that name, newest first."""
    given: dict[str, Any] = {name: value for name, value in values.items() if name != "limit"}
    asked = Asked(tuple(one.key for one in actions() if one.exactly_once), **given)
    limit = values.get("limit", PAGE_MAX)
    rows = parts.store.read(
        lambda connection: transaction_rows.listing(connection, paywall.ids, asked, limit)
    )
    return [shown_row(row) for row in rows]


def currency_label(parts: Services, paywall: Paywall) -> str:
    """What stands beside the amounts of a paywall, or ""."""
    return parts.store.read(lambda c: settings_rows.get(c, paywall.id)).currency_label


def shown_row(row: Entry) -> Values:
    """A row as builders see it."""
    state = SHOWN_AS[row.state]
    outcome, message = _told(row)
    return {
        "id": row.id,
        "action": row.action,
        "reference": row.reference,
        "user": row.user_id,
        "amount": row.amount,
        "feature": row.feature or "",
        "happened": row.state == DONE,
        "state": state,
        "result": outcome,
        "explanation": _UNDECIDED.get(state, message),
        "description": row.description or "",
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
    }


def _told(row: Entry) -> tuple[str, str]:
    """The outcome and the sentence of a row that is decided."""
    if row.state not in (DONE, FREE) or not row.answer:
        return "", _NOTHING_TOLD
    verdict = Verdict.from_json(row.answer)
    if verdict.error is not None:
        return verdict.error.code, verdict.error.message
    result = verdict.result or {}
    return str(result.get("outcome", "")), str(result.get("message", ""))
