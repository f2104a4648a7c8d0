"""The upstream operations, one method each; a new one is one method here and one in the sandbox.

Source: the vendor's API reference, https://docs.paywalls.ai/api-reference/introduction. What the
vendor may leave out of an answer is "" here; an answer of another shape raises UpstreamBroken.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.deadline import Deadline
from connector.errors import UpstreamBroken
from connector.jsontext import scalar
from connector.money import plain
from connector.upstream.client import Client
from connector.upstream.failures import Again

CALL_SECONDS = 20.0
"""The total deadline of one upstream call; a ledger lease (30 s) outlives it."""


@dataclass(frozen=True)
class Answer:
    """A yes or no with upstream's own words."""

    success: bool
    message: str


@dataclass(frozen=True)
class Balance:
    """`raw` is in an unstated unit: never compute with it. `formatted` is for people."""

    raw: str
    formatted: str


@dataclass(frozen=True)
class Connection:
    """Whether a user has authorized charges; `url` is where to do so, if not."""

    connected: bool
    message: str
    url: str = ""
    connected_at: str = ""
    wallet_user_id: str = ""
    connection_id: str = ""


class Upstream:
    """One caller's conversation with the API: a key, and the time that is left."""

    def __init__(
        self, client: Client, key: str, deadline: Deadline, chat_seconds: float = CALL_SECONDS
    ) -> None:
        self._client, self._key, self.deadline = client, key, deadline
        self._chat_seconds = chat_seconds

    def limited_to(self, seconds: float) -> Upstream:
        """The same conversation with at most `seconds` left."""
        return Upstream(self._client, self._key, self.deadline.within(seconds))

    def with_long_chats(self, seconds: float) -> Upstream:
        """The same conversation, apart from any request, in which a chat may take `seconds`."""
        return Upstream(self._client, self._key, Deadline(seconds + CALL_SECONDS), seconds)

    def ask(
        self,
        operation: str,
        method: str,
        path: str,
        seconds: float = CALL_SECONDS,
        **options: Any,
    ) -> dict[str, Any]:
        """One call within `seconds`; `options` are those of `Client.ask`."""
        answer = self._client.ask(
            operation,
            method,
            path,
            key=self._key,
            deadline=self.deadline.within(seconds),
            **options,
        )
        if not isinstance(answer, dict):
            raise _unexpected(options.get("again", Again.FREELY))
        return answer

    def charge(
        self, user: str, amount: Decimal, metadata: dict[str, Any], idempotency_key: str
    ) -> Answer:
        """POST /user/charge. A refusal is an Answer with `success` false."""
        answer = self.ask(
            "charge",
            "POST",
            "/user/charge",
            body={"user": user, "amount": plain(amount), "metadata": metadata},
            headers={"idempotency-key": idempotency_key},
            again=Again.SAME_REFERENCE,
        )
        if not isinstance(answer.get("success"), bool):
            raise _unexpected(Again.SAME_REFERENCE)
        return Answer(answer["success"], _text(answer, "message"))

    def deposit(
        self, user: str, amount: Decimal, metadata: dict[str, Any], idempotency_key: str
    ) -> str:
        """POST /user/balance/deposit; gives the new balance, formatted."""
        answer = self.ask(
            "deposit",
            "POST",
            "/user/balance/deposit",
            body={"user": user, "amount": plain(amount), "metadata": metadata},
            headers={"idempotency-key": idempotency_key},
            again=Again.SAME_REFERENCE,
        )
        if not isinstance(answer.get("balanceFormatted"), str):
            raise _unexpected(Again.SAME_REFERENCE)
        return _text(answer, "balanceFormatted")

    def balance(self, user: str) -> Balance:
        """GET /user/balance."""
        answer = self.ask("balance", "GET", "/user/balance", params={"user": user})
        if "balance" not in answer and "balanceFormatted" not in answer:
            raise _unexpected(Again.FREELY)
        return Balance(_text(answer, "balance"), _text(answer, "balanceFormatted"))

    def topup_link(self, user: str) -> str:
        """GET /user/balance/topup; upstream emits an event for every link."""
        url = _text(self.ask("topup", "GET", "/user/balance/topup", params={"user": user}), "url")
        if not url:
            raise _unexpected(Again.FREELY)
        return url

    def connection(self, user: str) -> Connection:
        """GET /user/connect."""
        answer = self.ask("connect", "GET", "/user/connect", params={"user": user})
        if not isinstance(answer.get("connected"), bool):
            raise _unexpected(Again.FREELY)
        who = answer.get("connectedUser")
        who = who if isinstance(who, dict) else {}
        return Connection(
            connected=answer["connected"],
            message=_text(answer, "message"),
            url=_text(answer, "url"),
            connected_at=_text(who, "createdAt"),
            wallet_user_id=_text(who, "userId"),
            connection_id=_text(who, "paywallKeyId"),
        )

    def disconnect(self, user: str) -> Answer:
        """GET /user/disconnect: a GET that changes state; twice is the same as once."""
        answer = self.ask("disconnect", "GET", "/user/disconnect", params={"user": user})
        if not isinstance(answer.get("success"), bool):
            raise _unexpected(Again.FREELY)
        return Answer(answer["success"], _text(answer, "message"))

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /chat/completions, not streamed. Never sent twice: nothing protects it upstream."""
        answer = self.ask(
            "chat",
            "POST",
            "/chat/completions",
            self._chat_seconds,
            body=body,
            again=Again.NEVER,
        )
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise _unexpected(Again.NEVER)
        return answer

    def models(self) -> list[dict[str, Any]]:
        """GET /models."""
        models = self.ask("models", "GET", "/models").get("data")
        if not isinstance(models, list):
            raise _unexpected(Again.FREELY)
        return [model for model in models if isinstance(model, dict)]

    def subscriptions(self) -> list[dict[str, Any]]:
        """GET /webhooks/subscriptions: the cheapest proof of a key, and it may tell the paywall's
        id."""
        rows = self.ask("subscriptions", "GET", "/webhooks/subscriptions").get("subscriptions")
        if not isinstance(rows, list):
            raise _unexpected(Again.FREELY)
        return [row for row in rows if isinstance(row, dict)]


def _text(answer: dict[str, Any], name: str) -> str:
    return scalar(answer.get(name))


def _unexpected(again: Again) -> UpstreamBroken:
    return UpstreamBroken(
        f"Paywalls answered with something unexpected. {again.value}", retryable=again.retryable
    )
