"""What the store is asked often: every function of it that reads or changes a table that grows, as
it is called; of the paywall "p", its user "ann", its hook "h" and events of the type "t"."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection

from connector.store import (
    attention_rows,
    callback_rows,
    chat_rows,
    delivery_rows,
    event_rows,
    evidence_rows,
    ledger_retention,
    ledger_search,
    outbox_rows,
    outbox_turns,
    replay_rows,
    sum_rows,
    transaction_rows,
    undecided_rows,
)
from connector.store.hook_rows import Hook
from connector.store.ledger_search import Wanted
from connector.store.transaction_rows import Asked

WHEN = datetime(2026, 1, 31, tzinfo=UTC)
HOOK = Hook("h", "p", "https://example.com", "t", "ann", "", "active", "", None, WHEN)
WALK = {"after_paywall": "", "most": 10, "moment": WHEN}
ASKED: dict[str, Callable[[Connection], object]] = {
    "newest": lambda c: event_rows.newest(c, "p", "", "", 100),
    "newest-of-a-type": lambda c: event_rows.newest(c, "p", "t", "", 100),
    "newest-of-a-user": lambda c: event_rows.newest(c, "p", "", "ann", 100),
    "newest-of-both": lambda c: event_rows.newest(c, "p", "t", "ann", 100),
    "after": lambda c: event_rows.after(c, "p", "", "", 7, 9, 100),
    "after-of-a-user": lambda c: event_rows.after(c, "p", "t", "ann", 7, 9, 100),
    "undecided": lambda c: event_rows.undecided(c, "p", "t", 7, 600),
    "replay": lambda c: replay_rows.replay_since(c, HOOK, "t", WHEN),
    "received": lambda c: evidence_rows.received(c, ["p"], ["t"], "ann", WHEN),
    "known": lambda c: event_rows.known(c, "p", ["e1", "e2"]),
    "one-event": lambda c: event_rows.get(c, "p", 7),
    "bounds": lambda c: event_rows.bounds(c, "p"),
    "purge-events": lambda c: event_rows.purge(c, 30),
    "log": lambda c: delivery_rows.listing(c, "p"),
    "log-by-state": lambda c: delivery_rows.listing(c, "p", state="failed"),
    "log-by-hook": lambda c: delivery_rows.listing(c, "p", hook_id="h"),
    "log-by-event": lambda c: delivery_rows.listing(c, "p", event_id="e"),
    "log-of-both": lambda c: delivery_rows.listing(c, "p", hook_id="h", state="failed"),
    "purge-deliveries": lambda c: delivery_rows.purge(c, 30),
    "waiting": lambda c: outbox_turns.waiting(c, ""),
    "waiting-walk": lambda c: c.execute(outbox_turns._paywalls, WALK),
    "due": lambda c: outbox_turns.due(c, "p", "", 10, WHEN),
    "claim": lambda c: outbox_rows.claim(c, ["d1", "d2"]),
    "drop-waiting": lambda c: outbox_rows.drop_waiting(c, "h"),
    "chat": lambda c: chat_rows.find(c, ["p"], "r"),
    "any-abandoned-chats": chat_rows.any_abandoned,
    "abandoned-chats": chat_rows.abandoned,
    "forget-answers": chat_rows.forget_answers,
    "purge-chats": lambda c: chat_rows.purge(c, 90),
    "due-callbacks": lambda c: callback_rows.due(c, ["p"], 10),
    "claim-callbacks": lambda c: callback_rows.claim(c, ["a", "b"]),
    "forget-callbacks": callback_rows.forget_answers,
    "overdue": undecided_rows.overdue_as_unknown,
    "purge-ledger": lambda c: ledger_retention.purge(c, 90),
    "transactions": lambda c: transaction_rows.listing(c, ["p"], Asked(("charge",)), 100),
    "transactions-of-reference": lambda c: transaction_rows.listing(
        c, ["p"], Asked(("charge", "deposit"), reference="r"), 100
    ),
    "transactions-of-user": lambda c: transaction_rows.listing(
        c, ["p"], Asked(("charge",), user="ann"), 100
    ),
    "transactions-that-begin": lambda c: transaction_rows.listing(
        c, ["p"], Asked(("charge",), begins="order-"), 100
    ),
    "sums-of-days": lambda c: sum_rows.of_days(c, ["p"], ["2026-01-31"]),
    "sums-of-users": lambda c: sum_rows.of_users(c, ["p"], "2026-01-31", ["charge"], 100),
    "purge-sums": lambda c: sum_rows.purge(c, 400),
    "attention": lambda c: attention_rows.latest(c, ["p"], 7, 50, kinds=["cap_reached"]),
    "announce": lambda c: attention_rows.announce(c, 50),
    "untold-in-doubt": lambda c: undecided_rows.untold(c, "charge_in_doubt", 20),
    "untold-unknown": lambda c: undecided_rows.untold(c, "charge_unknown", 20),
    "transactions-of-state": lambda c: transaction_rows.listing(
        c, ["p"], Asked(("charge",), state="refused"), 100
    ),
    "ledger-by-state": lambda c: ledger_search.search(c, Wanted(("unknown",)), 100),
}
