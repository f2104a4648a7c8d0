"""The AI Connection charges the one account that the page names, and nobody without a name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.specs.flowxo.conftest import FlowXO

pytestmark = pytest.mark.xdist_group("flowxo")


def ask(flowxo: FlowXO, base: str) -> httpx.Response:
    """What FlowXO's AI task sends: it names nobody."""
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {flowxo.paywall.key}"}
    return flowxo.http.post(f"{base}/chat/completions", json=body, headers=headers)


def content(answer: httpx.Response) -> str:
    """What the model said."""
    body: dict[str, Any] = answer.raise_for_status().json()
    return str(body["choices"][0]["message"]["content"])


@pytest.fixture
def base(flowxo: FlowXO) -> str:
    """The Base URL as it is written."""
    return str(flowxo.found["ai_connection"]["fields"][0]["value"])


def test_the_account_at_the_end_of_the_address_pays(flowxo: FlowXO, base: str) -> None:
    payer = flowxo.found["ai_connection"]["payer"]
    assert base.endswith(f"/openai/v1/{payer}")
    flowxo.paywall.user(payer, balance="1")
    flowxo.paywall.user("user_42", balance="1")
    assert content(ask(flowxo, base))
    assert flowxo.paywall.balance(payer) < 1
    assert flowxo.paywall.balance("user_42") == 1


def test_without_a_name_nobody_is_charged_and_no_answer_comes(flowxo: FlowXO, base: str) -> None:
    payer = flowxo.found["ai_connection"]["payer"]
    flowxo.paywall.user(payer, balance="1")
    answer = ask(flowxo, base.removesuffix(f"/{payer}"))
    assert 400 <= answer.status_code < 500
    assert flowxo.paywall.balance(payer) == Decimal(1)
    assert flowxo.paywall.booked("charge") == []


def test_while_the_account_is_empty_every_visitor_sees_its_link(flowxo: FlowXO, base: str) -> None:
    flowxo.paywall.user(flowxo.found["ai_connection"]["payer"], balance="0")
    assert f"{flowxo.paywall.address}/checkout/" in content(ask(flowxo, base))
