"""Plain HTTP against a real connector and a model that thinks for 90 seconds."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.processes import SandboxPaywall, running_connector, running_sandbox
from tests.support.slow_model import LONG_PATIENCE, SECONDS, SLOW_MODEL

Json = dict[str, Any]
pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, SandboxPaywall]]:
    """The address of a connector, and a paywall behind it whose user `ann` has a balance of 10."""
    folder = tmp_path_factory.mktemp("slow-model")
    database = f"sqlite:///{folder}/connector.sqlite3"
    with (
        running_sandbox(folder) as sandbox,
        running_connector(database, sandbox.address, folder) as connector,
    ):
        paywall = SandboxPaywall(sandbox.address, f"slow-{secrets.token_hex(6)}")
        paywall.user("ann", balance="10")
        yield connector.address, paywall
        paywall.close()


def chat(line: tuple[str, SandboxPaywall], reference: str, **more: int) -> Json:
    """Ask, and wait as long as the connector does."""
    address, paywall = line
    values = {"user": "ann", "model": SLOW_MODEL, "prompt": "Hello", "reference": reference}
    answer = httpx.post(
        f"{address}/v1/chat",
        json=values | more,
        headers=paywall.bearer,
        trust_env=False,
        timeout=LONG_PATIENCE,
    )
    told: Json = answer.json()
    return told


def test_whoever_sends_the_same_again_and_who_waits_get_one_answer_paid_once(
    line: tuple[str, SandboxPaywall],
) -> None:
    """Somebody polls, somebody else waits in one call, and both get what was asked once."""
    _, paywall = line
    with ThreadPoolExecutor(1) as pool:
        patient = pool.submit(chat, line, "message-1", wait=SECONDS + 30)
        polled = [chat(line, "message-1")]
        while polled[-1]["outcome"] == "pending" and len(polled) < 6:
            polled.append(chat(line, "message-1"))
        waited = patient.result()
    assert len(polled) == 4  # 24 seconds each
    assert waited["outcome"] == polled[-1]["outcome"] == "answered"
    assert waited["completion_id"] == polled[-1]["completion_id"]
    assert sorted([waited["duplicate"], polled[0]["duplicate"]]) == [False, True]
    assert len(paywall.asked("chat")) == len(paywall.booked("charge")) == 1
