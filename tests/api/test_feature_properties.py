"""Whatever happens in whatever order: money taken is what the rows say, and no limit is passed.

Uses with and without a token, refunds of all or a part, refusals, faults on the way there and back,
price changes, deletions, a rotation of the key, and days after which upstream forgets its keys.
"""

from __future__ import annotations

import secrets
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import select, text

from connector.api.services import services
from connector.ledger import exactly_once
from connector.ledger.ends import OPERATOR
from connector.money import millionths
from connector.store import undecided_rows
from connector.store.counter_rows import FREE, SPENT
from connector.store.ledger_rows import DONE, STATES, UNKNOWN
from connector.store.ledger_rows import FREE as FREED
from connector.store.reference_spaces import as_sent
from connector.store.sum_tables import ledger_sums
from connector.store.tables import ledger
from connector.store.token_tables import counters, ledger_holds
from tests.api.builder import Builder, running_facade
from tests.conftest import LONG

USERS = ("ann", "bob")
FAULTS = ("drop_before_commit", "drop_after_commit", "http_500", "http_429", "http_401")
FREE_PER_DAY = 2
USER_CAP = "2"
CAP = "3"
TOKEN_CAP = "2.5"
_FORGOTTEN = 25 * 3600
"""Seconds after which upstream knows no key any more."""
users = st.sampled_from(USERS)
references = st.sampled_from([f"o-{number}" for number in range(6)])


class Uses(RuleBasedStateMachine):
    """One paywall whose owner and users do all of that."""

    def __init__(self) -> None:
        super().__init__()
        self._open = ExitStack()
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        facade = self._open.enter_context(running_facade(folder))
        self.builder = Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
        with facade.app.app_context():
            self.store = services().store

    @initialize()
    def begin(self) -> None:
        """Ann can pay a little, Bob nothing; the connector knows the paywall by its id."""
        self.rotated = False
        body = {"url": "https://receiver.example/hook", "events": ["paywall.archived"]}
        self.builder.facade.sandbox.test_client().post(
            "/v1/webhooks/subscriptions", json=body, headers=self.builder.bearer
        )
        self.paid_in: dict[str, Decimal] = defaultdict(Decimal)
        self.pay_in("ann", "1.5")
        self.price("0.5")
        made = self.builder.post("tokens", label="bot", max_per_day=TOKEN_CAP, max_amount="1")
        self.bot = Builder(self.builder.facade, made.get_json()["token"])

    @rule(user=users, amount=st.sampled_from(["0.25", "1", "5"]))
    def pay_in(self, user: str, amount: str) -> None:
        """Somebody tops up."""
        self.paid_in[user] += Decimal(amount)
        self.builder.user(user, balance=str(self.balance(user) + Decimal(amount)))

    @rule(price=st.sampled_from(["0.25", "0.5", "0.75"]))
    def price(self, price: str) -> None:
        """The owner sets the rule (anew); the caps stay."""
        values = {
            "price": price,
            "free_per_day": FREE_PER_DAY,
            "cap_per_user_day": USER_CAP,
            "cap_per_day": CAP,
        }
        address, headers = "/v1/features/pdf", self.builder.bearer
        assert self.builder.client.put(address, json=values, headers=headers).status_code == 200

    @rule()
    def delete(self) -> None:
        """The owner deletes it while rows may be in doubt."""
        self.builder.client.delete("/v1/features/pdf", headers=self.builder.bearer)

    @rule(fault=st.sampled_from(FAULTS), operation=st.sampled_from(["charge", "deposit"]))
    def arm(self, fault: str, operation: str) -> None:
        """The next charge or refund goes wrong."""
        self.builder.fault(operation, fault)

    @rule(reference=references, part=st.sampled_from(["", "0.25", "0.5"]), number=st.integers(1, 3))
    def refund(self, reference: str, part: str, number: int) -> None:
        """The owner gives a use back, perhaps again."""
        values = {"amount": part, "refund_reference": f"r-{number}"} if part else {}
        told = self.builder.post("refund", reference=reference, **values).get_json()
        if told.get("outcome") == "refunded":
            assert Decimal(told["amount"]) > 0

    @precondition(lambda self: not self.rotated)
    @rule()
    def rotate(self) -> None:
        """The owner takes a new key; the token pauses and wakes."""
        self.rotated = True
        key = self.builder.control("rotate")["key"]
        self.builder = Builder(self.builder.facade, key)
        assert self.builder.get("me").status_code == 200

    @rule()
    def a_day_passes(self) -> None:
        """Upstream forgets its keys; what is in doubt is asked for once more, and unknown then."""
        self.builder.control("clock", advance=_FORGOTTEN)
        moved = text(f"UPDATE ledger SET first_sent_at = first_sent_at - {_FORGOTTEN}000000")
        self.store.write(lambda connection: connection.execute(moved))
        self.store.write(undecided_rows.overdue_as_unknown)

    @rule()
    def look_it_up(self) -> None:
        """An operator decides what is unknown by what upstream has in its books."""
        booked = {row["idempotency_key"] for row in self.builder.seen("ledger")}
        for entry, state, key in self.rows(ledger.c.id, ledger.c.state, ledger.c.upstream_key):
            if state == UNKNOWN:
                exactly_once.resolve(self.store, entry, happened=key in booked, who=OPERATOR)

    @rule(user=users, reference=references, quantity=st.integers(1, 4), token=st.booleans())
    def use(self, user: str, reference: str, quantity: int, token: bool) -> None:
        """Somebody uses it, perhaps under a reference of before."""
        who = self.bot if token else self.builder
        values = {"user": user, "feature": "pdf", "reference": reference, "quantity": quantity}
        told = who.post("use", **values).get_json()
        if told.get("outcome") == "free":
            assert told["amount"] == "0"
        if told.get("outcome") == "refunded":
            assert reference in self.given_back_whole()

    def given_back_whole(self) -> list[str]:
        """The references of uses of which everything was given back."""
        columns = ledger.c.id, ledger.c.reference, ledger.c.amount
        return [
            as_sent(reference)
            for entry, reference, amount in self.rows(*columns)
            if Decimal(amount) and self.refunds[entry] >= Decimal(amount)
        ]

    @property
    def refunds(self) -> dict[str, Decimal]:
        """What is known to have been given back of each use."""
        return self.sums(ledger.c.refund_of, lambda state: state == DONE)

    def sums(self, by: Any, counts: Callable[[str], bool]) -> dict[str, Decimal]:
        """The amounts of the refunds in some states together."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for key, action, state, amount in self.rows(
            by, ledger.c.action, ledger.c.state, ledger.c.amount
        ):
            if action == "refund" and counts(state):
                found[key] += Decimal(amount)
        return found

    def balance(self, user: str) -> Decimal:
        """What a user has upstream."""
        return Decimal(self.builder.get("balance", user=user).get_json()["balance"] or "0")

    def rows(self, *columns: Any) -> list[Any]:
        """What the database has."""
        return self.store.read(lambda connection: list(connection.execute(select(*columns))))

    @invariant()
    def counted_is_held(self) -> None:
        """Every counter is the sum of what rows hold of it, and no freed row holds anything."""
        held: dict[Any, int] = defaultdict(int)
        keys = ("kind", "subject", "user_id", "day", "units", "ledger_id")
        states = dict(self.rows(ledger.c.id, ledger.c.state))
        assert set(states.values()) <= set(STATES)
        for *key, units, entry in self.rows(*(ledger_holds.c[name] for name in keys)):
            assert states[entry] != FREED
            held[tuple(key)] += units
        counted = {
            tuple(key): units
            for *key, units in self.rows(*(counters.c[name] for name in keys[:5]))
            if units
        }
        assert counted == held

    @invariant()
    def no_limit_is_passed(self) -> None:
        """Neither the free ones, nor a cap of a user, of all, or of the token."""
        most = {FREE: FREE_PER_DAY, "token": millionths(Decimal(TOKEN_CAP))}
        for kind, user, units in self.rows(counters.c.kind, counters.c.user_id, counters.c.units):
            cap = most.get(kind) or millionths(Decimal(USER_CAP if user else CAP))
            assert 0 <= units <= cap, (kind, user, units)

    @invariant()
    def money_taken_is_what_the_rows_say(self) -> None:
        """At least what is done, at most that and what is in doubt; a free run took nothing."""
        columns = ledger.c.state, ledger.c.action, ledger.c.user_id, ledger.c.amount
        done: dict[str, Decimal] = defaultdict(Decimal)
        open_: dict[str, Decimal] = defaultdict(Decimal)
        for state, action, user, amount in self.rows(*columns):
            if action == "use" and state != FREED:
                (done if state == DONE else open_)[user] += Decimal(amount)
        back = self.sums(ledger.c.user_id, lambda state: state == DONE)
        maybe_back = self.sums(ledger.c.user_id, lambda state: state != FREED)
        for user in USERS:
            taken = self.paid_in[user] - self.balance(user)
            low = done[user] - maybe_back[user]
            assert low <= taken <= done[user] + open_[user] - back[user], (user, taken)

    @invariant()
    def what_is_spent_is_what_was_not_given_back_whole(self) -> None:
        """The counter of a user's spending is the sum of the uses that hold it."""
        back = self.given_back_whole()
        columns = ledger.c.state, ledger.c.action, ledger.c.reference, ledger.c.amount
        uses = [
            Decimal(amount)
            for state, action, reference, amount in self.rows(*columns)
            if action == "use" and state != FREED and as_sent(reference) not in back
        ]
        spent = sum(n for k, u, n in self.rows(*_COUNTED) if k == SPENT and u)
        assert spent == millionths(sum(uses, Decimal(0)))

    @invariant()
    def the_sums_of_the_day_are_those_of_the_rows(self) -> None:
        """Of every user, and of all together: what is done, each row once."""
        done: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        columns = ledger.c.state, ledger.c.user_id, ledger.c.action, ledger.c.amount
        for state, user, action, amount in self.rows(*columns):
            if state == DONE:
                for whose in (user, ""):
                    done[whose, action][0] += 1
                    done[whose, action][1] += millionths(Decimal(amount))
        summed: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        keys = ("user_id", "action", "number", "units")
        for user, action, number, units in self.rows(*(ledger_sums.c[name] for name in keys)):
            summed[user, action][0] += number
            summed[user, action][1] += units
        assert summed == done

    @invariant()
    def no_refund_exceeds_what_was_paid(self) -> None:
        """Not even with those that are in doubt."""
        held = self.sums(ledger.c.refund_of, lambda state: state != FREED)
        for entry, amount in self.rows(ledger.c.id, ledger.c.amount):
            assert held[entry] <= Decimal(amount)

    def teardown(self) -> None:
        """Let go of the database."""
        self._open.close()


_COUNTED = counters.c.kind, counters.c.user_id, counters.c.units
TestUses = Uses.TestCase
TestUses.settings = settings(
    max_examples=300 if LONG else 12,
    stateful_step_count=40 if LONG else 20,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
