"""The demo's tour: a builder's first steps through the HTTP API, each checked and printed."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

_SECONDS = 30


@dataclass(frozen=True)
class Step:
    """What a builder does, how it is called, and what must come out."""

    title: str
    call: str
    run: Callable[[], dict[str, Any]]
    expected: Callable[[dict[str, Any]], bool]
    shown: str


class Tour:
    """The steps against a connector at `address` whose upstream is a sandbox, with a key of it."""

    def __init__(self, address: str, key: str, user: str, say: Callable[[str], None]) -> None:
        self._address, self._key, self._user, self._say = address, key, user, say
        self._link = ""

    def run(self) -> bool:
        """Walk all steps and print a row for each; False if one was not as it should be."""
        self._say(f"\n  {'step':<36} {'call':<22} {'ms':>5}  answer")
        self._say("  " + "─" * 96)
        passed = [self._walk(number, step) for number, step in enumerate(self._steps(), 1)]
        return all(passed)

    def _walk(self, number: int, step: Step) -> bool:
        began = perf_counter()
        try:
            answer = step.run()
            passed = step.expected(answer)
        except (OSError, ValueError, KeyError) as error:
            answer, passed = {"message": f"{type(error).__name__}: {error}"}, False
        took = (perf_counter() - began) * 1000
        shown = step.shown.format_map(_Blank(answer)) if passed else json.dumps(answer)
        mark = "✓" if passed else "✗"
        self._say(f"{mark} {number}. {step.title:<33} {step.call:<22} {took:>5.0f}  {shown}")
        return passed

    def _steps(self) -> list[Step]:
        user = {"user": self._user}
        charge = {**user, "amount": "0.50", "reference": f"order-{self._user}"}

        def charged() -> dict[str, Any]:
            answer = self._post("/v1/charge", charge)
            self._link = answer.get("action_url") or self._link
            return answer

        return [
            Step(
                "A new user has no balance",
                "GET  /v1/balance",
                lambda: self._get("/v1/balance", user),
                lambda a: a["outcome"] == "insufficient" and a["balance"] == "0",
                "balance {balance_formatted}: {outcome}, as it should be",
            ),
            Step(
                "So a charge is refused, kindly",
                "POST /v1/charge",
                charged,
                lambda a: a["outcome"] == "topup_required" and bool(a["action_url"]),
                "{outcome}: {action_url}",
            ),
            Step(
                "The user opens the link and pays",
                "the link's page",
                self._pay,
                lambda a: a["status"] == 200,
                "paid 10.00 with made-up money",
            ),
            Step(
                "Now the same charge goes through",
                "POST /v1/charge",
                charged,
                lambda a: a["success"] and not a["duplicate"],
                "{outcome} {amount}: {message}",
            ),
            Step(
                "A retry never counts twice",
                "POST /v1/charge",
                charged,
                lambda a: a["success"] and a["duplicate"],
                "{outcome} before, so nothing was taken now",
            ),
            Step(
                "An AI answer, paid by the user",
                "POST /v1/chat",
                lambda: self._post(
                    "/v1/chat", {**user, "model": "sandbox-echo", "prompt": "Hello there"}
                ),
                lambda a: a["outcome"] == "answered" and bool(a["reply"]),
                "{reply} ({total_tokens} tokens)",
            ),
            Step(
                "What is left",
                "GET  /v1/balance",
                lambda: self._get("/v1/balance", user),
                lambda a: a["sufficient"] and 9 < float(a["balance"]) < 9.6,
                "balance {balance_formatted}, {outcome}",
            ),
            Step(
                "The user leaves",
                "POST /v1/disconnect",
                lambda: self._post("/v1/disconnect", user),
                lambda a: a["outcome"] == "disconnected",
                "{outcome}",
            ),
        ]

    def _get(self, path: str, values: dict[str, str]) -> dict[str, Any]:
        return self._ask(f"{self._address}{path}?{urllib.parse.urlencode(values)}")

    def _post(self, path: str, values: dict[str, str]) -> dict[str, Any]:
        return self._ask(self._address + path, json.dumps(values).encode())

    def _ask(self, url: str, body: bytes | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, body, headers)  # noqa: S310 -- our own address
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                decoded: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refused:
            decoded = json.load(refused)
        return decoded

    def _pay(self) -> dict[str, Any]:
        with urllib.request.urlopen(self._link, timeout=_SECONDS) as page:  # noqa: S310
            page.read()
        form = urllib.parse.urlencode({"amount": "10.00"}).encode()
        with urllib.request.urlopen(self._link, form, timeout=_SECONDS) as paid:  # noqa: S310
            return {"status": paid.status}


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""
