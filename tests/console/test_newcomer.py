"""A newcomer's way, counted in clicks: from `make demo` to the first charge."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.mcp import software
from tests.support import node
from tests.support.browser import counted_presses, page_in, running_browser
from tests.support.ports import free_port
from tests.support.processes import PATIENCE

pytestmark = pytest.mark.xdist_group("pages")
CLICKS_BY_FORM = 3
"""“Try every action”, the charge, “Execute”: the example's values are filled in."""

COPIES_FOR_MCP = 2
"""The address and the key: all that a client is told."""


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """What `make demo` starts; its address."""
    port, sandbox_port = free_port(), free_port()
    command = [sys.executable, "-m", "connector", "demo"]
    ports = ["--port", str(port), "--sandbox-port", str(sandbox_port)]
    process = subprocess.Popen([*command, *ports], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "Now it is yours" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A window of somebody who has never been here."""
    with running_browser() as browser, page_in(browser, tmp_path) as opened:
        yield opened


def test_the_first_charge_by_form(demo: str, page: Page) -> None:
    presses = counted_presses(page)
    page.goto(demo)
    page.get_by_role("link", name="Try every action").first.click()
    page.locator("[id=operations-actions-charge_post] .opblock-summary-control").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response").first
    expect(answer).to_contain_text('"outcome": "charged"')
    assert presses.count == CLICKS_BY_FORM


def test_what_was_charged_is_found_in_the_console(demo: str, page: Page) -> None:
    headers = {"X-API-Key": key_shown(page, demo)}
    values = {"user": "user_42", "amount": "0.5", "reference": "order-of-a-newcomer"}
    answer = httpx.post(f"{demo}/v1/charge", json=values, headers=headers, trust_env=False)
    assert answer.json()["outcome"] == "charged"
    presses = counted_presses(page)
    page.goto(demo)
    page.get_by_role("link", name="Console").first.click()
    page.get_by_label("Secret key or token").fill(headers["X-API-Key"])
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Transactions").click()
    page.get_by_role("link", name="order-of-a-newcomer").click()
    expect(page.get_by_text("was charged").first).to_be_visible()
    assert presses.count == 3


def test_the_first_charge_over_mcp(demo: str, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    presses = counted_presses(page)
    page.goto(demo)
    card = page.locator("#mcp")
    copied = []
    for button in card.get_by_role("button").all():
        button.click()
        expect(button).to_have_text("Copied")
        copied.append(page.evaluate("navigator.clipboard.readText()"))
    address, key = copied
    assert presses.count == COPIES_FOR_MCP
    values = {"user": "user_42", "amount": "0.5", "reference": "order-of-an-agent"}
    words = [address, "charge", json.dumps(values), "auto"]
    command = [str(software.python(2)), str(software.CLIENTS / "sdk2.py"), *words]
    env = node.environment(MCP_KEY=key)
    told = json.loads(node.run(command, software.CLIENTS, seconds=120, env=env))
    assert told["structured"]["outcome"] == "charged"


def key_shown(page: Page, demo: str) -> str:
    """The sandbox's key, where a person reads it."""
    page.goto(f"{demo}/console")
    return page.get_by_text("In the sandbox:").locator("code").inner_text()
