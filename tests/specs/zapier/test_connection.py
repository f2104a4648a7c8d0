"""Connecting: the key, the address, and what the connection is called."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.specs.zapier.builder import Builder, failure
from tests.support.processes import SandboxPaywall
from tests.triggers.delivery.receiver import running_receiver, says

pytestmark = pytest.mark.xdist_group("zapier")


def test_the_connection_is_named_after_the_paywall_and_never_the_key(
    builder: Builder, paywall: SandboxPaywall, definition: dict[str, Any]
) -> None:
    tested = builder.connect()
    wanted = re.fullmatch(
        r"\{\{bundle\.inputData\.(\w+)\}\}", definition["authentication"]["connectionLabel"]
    )
    assert wanted is not None
    assert tested[wanted[1]] == f"Paywall {tested['paywall_id']} (sandbox)"
    assert paywall.key not in str(tested)


def test_a_token_does_as_well_and_says_what_it_may_not(
    builder: Builder, paywall: SandboxPaywall
) -> None:
    made = httpx.post(
        f"{builder.address}/v1/tokens",
        json={"label": "Zaps", "actions": "charge, balance"},
        headers={"X-API-Key": builder.key},
    )
    zaps = builder.keyed(made.json()["token"])
    assert zaps.connect()["allowed"] == "charge, balance"
    assert zaps.search("balance", user="ann")
    failed = failure(lambda: zaps.create("deposit", user="ann", amount="5", reference="gift-1"))
    assert failed.name == "AppError"
    assert "It allows: charge, balance." in failed.message


@pytest.mark.parametrize("ending", ["", "/", "//", "/v1", "/v1/", " "])
def test_the_address_may_end_as_people_paste_it(ending: str, builder: Builder) -> None:
    assert builder.at(builder.address + ending).connect()["success"]
    assert builder.at(builder.address + ending).search("balance", user="ann")
    assert builder.at(builder.address + ending).recent("any_event") == []


def test_a_wrong_key_asks_to_reconnect(builder: Builder) -> None:
    failed = failure(builder.keyed("sk-paywalls-wrong").connect)
    assert failed.name == "ExpiredAuthError"
    assert "key" in failed.message
    assert "\n" not in failed.message


@pytest.mark.parametrize("step", ["charge", "deposit", "topup_link", "chat", "disconnect"])
def test_a_replaced_key_asks_to_reconnect_in_every_action(
    step: str, builder: Builder, paywall: SandboxPaywall
) -> None:
    filled_in = {"user": "ann", "amount": "1", "reference": "r", "model": "m", "prompt": "p"}
    paywall.rotate()
    failed = failure(lambda: builder.create(step, **filled_in))
    assert failed.name == "ExpiredAuthError"


def test_an_address_without_https_is_refused_before_the_key_is_sent(builder: Builder) -> None:
    failed = failure(builder.at("http://connector.example.com").connect)
    assert "https://" in failed.message


def test_the_address_may_lack_its_beginning(builder: Builder) -> None:
    failed = failure(builder.at(builder.address.removeprefix("http://")).connect)
    assert "https://127.0.0.1" in failed.message


def test_what_is_no_address_is_said(builder: Builder) -> None:
    assert "Write it like https://" in failure(builder.at("https://[").connect).message


@pytest.mark.parametrize("status", [200, 404, 502])
def test_a_website_at_the_address_is_no_connector(status: int, builder: Builder) -> None:
    page = says(status, "Content-Type: text/html\r\n", b"<html>Hello</html>")
    with running_receiver(page) as website:
        failed = failure(builder.at(f"http://127.0.0.1:{website.port}").connect)
    assert failed.name == "AppError"
    assert "address in the connection" in failed.message
    assert failed.said["status"] == status
