"""A builder's calls, made to a connector in this process or to a running one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from flask import g

from connector.api.services import BUDGET_SECONDS, Services
from connector.app import create_app
from connector.catalog.actions import Values, by_key
from connector.deadline import Deadline
from connector.ledger import exactly_once
from connector.ledger.intents import Sender
from connector.store.paywall_rows import Paywall
from connector.upstream import Upstream
from tests.conftest import settings_for
from tests.support.processes import PATIENCE, SandboxPaywall, Server

ORDER = {"user": "ann", "amount": "1.5", "reference": "order-1"}


@dataclass(frozen=True)
class Answer:
    """What a tool gets: the status and the flat body."""

    status: int
    body: dict[str, Any]
    retry_after: str = ""
    """The header `Retry-After`."""

    @property
    def outcome(self) -> str:
        """The word to branch on, or an error's code."""
        return str(self.body.get("outcome") or self.body.get("code"))

    @property
    def duplicate(self) -> bool:
        """Whether nothing was done because it had been done before."""
        return self.body["duplicate"] is True

    @property
    def retryable(self) -> bool:
        """Whether an error says that the same call may be sent again."""
        return self.body["retryable"] is True


def call(server: Server, paywall: SandboxPaywall, action: str = "charge", **values: str) -> Answer:
    """One call of a running connector, `ORDER` with other `values`."""
    answer = httpx.post(
        f"{server.address}/v1/{action}",
        json=ORDER | values,
        headers=paywall.bearer,
        timeout=PATIENCE,
        trust_env=False,
    )
    return Answer(answer.status_code, answer.json())


class ChargeClient:
    """A connector in this process before a real database and a real sandbox.

    `budget` is how many seconds a request may take, in place of the 24 of a served one.
    """

    def __init__(self, database_url: str, upstream: str) -> None:
        self._app = create_app(settings_for(database_url, upstream_url=f"{upstream}/v1"))
        self._app.before_request(self._start_the_clock)
        self.parts: Services = self._app.extensions["paywalls-connector"]

    def open_for(self, paywall: SandboxPaywall) -> ChargeClient:
        """From now on calls are made with this paywall's newest key; the charge client itself."""
        self._paywall, self.budget = paywall, BUDGET_SECONDS
        return self

    def _start_the_clock(self) -> None:
        g.deadline = Deadline(self.budget)

    def charge(self, *, key: str = "", **values: str) -> Answer:
        """Charge `ORDER` with other `values`, under another key than the paywall's newest."""
        return self._post("charge", key, values)

    def deposit(self, *, key: str = "", **values: str) -> Answer:
        """Deposit `ORDER` with other `values`."""
        return self._post("deposit", key, values)

    def _post(self, action: str, key: str, values: dict[str, str]) -> Answer:
        headers = {"Authorization": f"Bearer {key or self._paywall.key}"}
        answer = self._app.test_client().post(f"/v1/{action}", json=ORDER | values, headers=headers)
        retry_after = answer.headers.get("Retry-After", "")
        return Answer(answer.status_code, answer.get_json(), retry_after)

    def attempt(self, perform: Callable[[str], Values], seconds: float = BUDGET_SECONDS) -> Values:
        """Charge `ORDER`, with `perform(upstream_key)` in place of the charge action's function.

        Raises what the ledger raises.
        """
        action = by_key("charge")
        assert action is not None
        deadline = Deadline(seconds)
        values: Values = ORDER | {"amount": Decimal(ORDER["amount"])}
        parts = self.parts
        return exactly_once.run(
            parts.store,
            self.prove(),
            action,
            values,
            lambda now: perform(now.upstream_key),
            deadline,
            self.sender(),
            parts.settings.doubt_seconds,
        )

    def prove(self) -> Paywall:
        """The local paywall of the key; upstream is asked the first time."""
        return self.parts.identity.prove(self._paywall.key, self.upstream(BUDGET_SECONDS))

    def sender(self) -> Sender:
        """Who the ledger is told that the calls come from."""
        prints = self.parts.identity.fingerprints(self._paywall.key)
        return Sender(tuple(prints.values()), self.parts.encryption)

    def upstream(self, seconds: float) -> Upstream:
        """The conversation that the charge action would have with the sandbox."""
        return Upstream(self.parts.client, self._paywall.key, Deadline(seconds))

    def close(self) -> None:
        """Let go of the database, and of this thread's connection to the sandbox."""
        self.parts.store.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Let go of this thread's connection to the sandbox."""
        self.parts.client._wire.here()[0].close()
