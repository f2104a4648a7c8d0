"""Whatever happens in whatever order: money taken is what the rows say, and no limit is passed."""

from __future__ import annotations

import secrets
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from connector.api.services import services
from connector.money import millionths
from connector.store.counter_rows import FREE, SPENT
from connector.store.ledger_rows import DONE, STATES
from connector.store.ledger_rows import FREE as FREED
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
users = st.sampled_from(USERS)
references = st.sampled_from([f"o-{number}" for number in range(6)])


class Uses(RuleBasedStateMachine):
    """One paywall; uses with and without a token, refusals, faults, price changes, deletions."""

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
        """Ann can pay a little, Bob nothing."""
        self.paid_in: dict[str, Decimal] = defaultdict(Decimal)
        self.pay_in("ann", "1.5")
        self.price("0.5")
        made = self.builder.post("tokens", label="bot", max_per_day=TOKEN_CAP, max_amount="1")
        self.bot = Builder(self.builder.facade, made.get_json()["token"])

    @rule(user=users, amount=st.sampled_from(["0.25", "1", "5"]))
    def pay_in(self, user: str, amount: str) -> None:
        """Somebody tops up."""
        self.paid_in[user] += Decimal(amount)
        reference = secrets.token_hex(8)
        answer = self.builder.post("deposit", user=user, amount=amount, reference=reference)
        assert answer.get_json()["outcome"] == "deposited"

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

    @rule(fault=st.sampled_from(FAULTS))
    def arm(self, fault: str) -> None:
        """The next charge goes wrong."""
        self.builder.fault("charge", fault)

    @rule(user=users, reference=references, quantity=st.integers(1, 4), token=st.booleans())
    def use(self, user: str, reference: str, quantity: int, token: bool) -> None:
        """Somebody uses it, perhaps under a reference of before."""
        who = self.bot if token else self.builder
        values = {"user": user, "feature": "pdf", "reference": reference, "quantity": quantity}
        told = who.post("use", **values).get_json()
        if told.get("outcome") == "free":
            assert told["amount"] == "0"

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
        for user in USERS:
            balance = self.builder.get("balance", user=user).get_json()["balance"]
            taken = self.paid_in[user] - Decimal(balance or "0")
            assert done[user] <= taken <= done[user] + open_[user], (user, taken)
        spent = sum(n for k, u, n in self.rows(*_COUNTED) if k == SPENT and u)
        both = [*done.values(), *open_.values()]
        assert spent == millionths(sum(both, Decimal(0)))

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
