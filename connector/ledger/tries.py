"""One try under a lease: what is sent, with which upstream key, and how its end is written down.

A row that is in doubt keeps its upstream key until upstream says "no" to it although the user could
pay: that "no" is a stored one, and the next key follows (docs/exactly-once.md).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from connector.catalog.actions import Values
from connector.catalog.verdicts import Verdict
from connector.deadline import Deadline
from connector.errors import (
    ConnectorError,
    StillInDoubt,
    StoredRefusal,
    Unavailable,
    UpstreamBusy,
    UpstreamRejected,
)
from connector.ledger import evidence, settled
from connector.ledger.claims import TAKE_OVER_NEEDS
from connector.ledger.doubt import SAME_AGAIN, told_in_doubt
from connector.ledger.ends import BROKEN_OFF, STORED
from connector.ledger.intents import Intent, Lease
from connector.store import Store, attention_rows, counter_rows, ledger_rows, sum_rows, try_rows
from connector.store.ledger_rows import DONE, FREE, IN_DOUBT
from connector.store.sum_rows import Added
from connector.telemetry.metrics import ledger_answered

SEND_WITHIN = 8.0
"""Seconds after taking a lease within which the call must begin: 8 + 20 for the call < 30."""
SETTLE_AGAIN_NEEDS = 6.0
"""Seconds that must be left to write an answer down once more: the database may take 5."""

_PERHAPS_DONE = (
    "Paywalls has told of a charge of this amount for this user that nothing else explains, so "
    "this is not sent anew: it may have gone through already. Ask the connector's operator to look "
    "this reference up."
)
_LOOKED_UP_AFTER = 3600

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Try:
    """What is to be sent: the upstream key, the values (their notes are those of the first try),
    and whether an earlier try under this key is in doubt."""

    upstream_key: str
    values: Values
    in_doubt: bool


def make(
    store: Store,
    intent: Intent,
    owned: Lease,
    perform: Callable[[Try], Values],
    began: float,
    deadline: Deadline,
    doubt_seconds: int,
) -> tuple[Verdict, bool]:
    """Call upstream under the lease, asked for at `began`, and write down how it ended; also
    whether that is what the ledger now says."""
    try:
        if time.monotonic() - began > SEND_WITHIN:
            raise Unavailable("The connector is too busy to start this now. Try again.")
        try:
            verdict = Verdict(result=perform(_sending(intent, owned)))
        except StoredRefusal:
            owned = _with_next_key(store, intent, owned, began, deadline, doubt_seconds)
            began = time.monotonic()
            verdict = Verdict(result=perform(replace(_sending(intent, owned), in_doubt=False)))
    except ConnectorError as error:
        verdict = Verdict(error=error)
    except BaseException:
        with contextlib.suppress(ConnectorError):
            _settle(store, intent, owned, IN_DOUBT, None, began, deadline)
        raise
    if verdict.final:
        state, next_try = DONE, False
    elif owned.was_in_doubt or not verdict.nothing_happened:
        state, next_try = IN_DOUBT, False
        if verdict.error is not None:
            log.info("ledger_in_doubt", **_named(intent, owned), said=verdict.error.message)
            told_in_doubt(verdict.error)
    else:
        answered = verdict.error is None or isinstance(
            verdict.error, UpstreamRejected | UpstreamBusy
        )
        state, next_try = FREE, answered
    kept = _settle(store, intent, owned, state, verdict, began, deadline, next_try=next_try)
    if not kept:
        _note_lost_lease(store, intent, owned, verdict)
    return verdict, kept


def _named(intent: Intent, owned: Lease) -> dict[str, str]:
    """What an operator finds a row by, for a log line."""
    return {
        "ledger_id": owned.entry_id,
        "action": intent.action.key,
        "reference": intent.reference,
    }


def _sending(intent: Intent, owned: Lease) -> Try:
    values = intent.told | {"amount": owned.amount} | owned.notes
    return Try(owned.upstream_key, values, owned.was_in_doubt)


def _with_next_key(
    store: Store,
    intent: Intent,
    owned: Lease,
    began: float,
    deadline: Deadline,
    doubt_seconds: int,
) -> Lease:
    """The lease with the next upstream key, written down before it is sent.

    Raises StillInDoubt while the try without an answer may still be on its way, and where an event
    may be about it: then the user was charged, or nobody but a person can tell.
    """
    since = owned.unanswered_seconds
    wait = 0 if since is None else doubt_seconds - since
    if wait <= 0 and deadline.left() < TAKE_OVER_NEEDS:
        wait = 2
    if wait > 0:
        wait = min(wait, doubt_seconds)
        raise StillInDoubt(
            "The user can pay now, and an earlier try is still being settled. Send the same again "
            f"in {wait} seconds, with the same reference: it will not count twice.",
            retry_after=wait,
        )
    key = intent.upstream_key(owned.try_number + 1, owned.amount)

    def go_on(connection: Connection) -> bool:
        row = ledger_rows.get(connection, owned.entry_id, lock=True)
        told = evidence.about(connection, intent.paywall.ids, row) if row else evidence.Evidence()
        if told.proof is not None:  # it came just now: the next call finds the row decided by it
            raise StillInDoubt(
                f"An earlier try has just been confirmed. {SAME_AGAIN}", retry_after=1
            )
        if told.fitting:
            raise StillInDoubt(_PERHAPS_DONE, retry_after=_LOOKED_UP_AFTER)
        if not try_rows.next_key(connection, owned.entry_id, owned.token, key):
            return False
        _write_try(connection, owned, began, STORED)
        return True

    if not store.write(go_on):
        raise StillInDoubt(f"Another try of the same is under way. {SAME_AGAIN}", retry_after=5)
    log.info("ledger_next_key", **_named(intent, owned))
    return replace(owned, upstream_key=key, try_number=owned.try_number + 1)


def _write_try(connection: Connection, owned: Lease, began: float, ended: str) -> None:
    seconds = int(time.monotonic() - began)
    try_rows.write(connection, owned.entry_id, owned.upstream_key, seconds, ended)


def _note_lost_lease(store: Store, intent: Intent, owned: Lease, verdict: Verdict) -> None:
    """What was found out after another try had taken over; two charges are an operator's case."""
    if not verdict.final:
        log.warning("ledger_lease_lost", **_named(intent, owned))
        return
    with contextlib.suppress(Unavailable):
        row = store.read(lambda connection: ledger_rows.get(connection, owned.entry_id))
        if row is not None and row.upstream_key != owned.upstream_key:
            ledger_answered(intent.action.key, "possible_double_charge")
            store.write(
                lambda connection: attention_rows.note(
                    connection,
                    intent.paywall.id,
                    attention_rows.DOUBLE_CHARGE,
                    owned.entry_id,
                    intent.user,
                )
            )
            log.error(
                "possible_double_charge",
                **_named(intent, owned),
                upstream_keys=[row.upstream_key, owned.upstream_key],
            )


@dataclass(frozen=True)
class _Settled:
    """Whether the end of a try is what the ledger now says, and what went through with it."""

    kept: bool
    went_through: Added | None = None


def _add_sums(connection: Connection, ends: Sequence[_Settled]) -> None:
    sum_rows.add(connection, [end.went_through for end in ends if end.went_through])


def _is_written(store: Store, owned: Lease, state: str, verdict: Verdict | None) -> bool:
    """Whether the end of this very try is in the ledger: the database may have kept it, and have
    been lost before it said so."""
    row = store.read(lambda connection: ledger_rows.get(connection, owned.entry_id))
    return (
        row is not None
        and (row.state, row.token, row.upstream_key) == (state, owned.token, owned.upstream_key)
        and row.answer == (verdict.to_json() if verdict else "")
    )


def _settle(
    store: Store,
    intent: Intent,
    owned: Lease,
    state: str,
    verdict: Verdict | None,
    began: float,
    deadline: Deadline,
    *,
    next_try: bool = False,
) -> bool:
    """Write the end of a try that `began` then, once more if the database is away and there is
    time. If it stays away the lease runs out and the next call resumes with the same upstream key,
    so the answer can still be told. A first try that is decided at once has no story to tell."""

    def write(connection: Connection) -> _Settled:
        kept = ledger_rows.settle(
            connection,
            owned.entry_id,
            owned.token,
            state=state,
            answer=verdict.to_json() if verdict else "",
            upstream_key=owned.upstream_key,
            next_try=next_try,
            any_token=verdict is not None and verdict.final,
            unanswered=verdict is None or verdict.unanswered,
        )
        if kept and state == FREE:
            counter_rows.give_back(connection, owned.entry_id)
        if state == IN_DOUBT or owned.token > 1 or not kept:
            _write_try(connection, owned, began, verdict.word if verdict else BROKEN_OFF)
        if kept and state == DONE:
            return _Settled(kept, settled.went_through(connection, intent, owned.amount))
        return _Settled(kept)

    failed = False
    while True:
        try:
            if failed and _is_written(store, owned, state, verdict):
                return True
            order = None if failed else intent.order
            return store.write_shared(write, order, _add_sums).kept
        except Unavailable:
            log.error("ledger_settle_failed", ledger_id=owned.entry_id, state=state)
            if deadline.left() < SETTLE_AGAIN_NEEDS:
                return True
            failed = True
            time.sleep(0.2)
