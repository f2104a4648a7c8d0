"""The pages in a real browser: light and dark, phone and desktop, by keyboard, without script."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.test_pages import PAGES
from tests.support import node
from tests.support.browser import enter, follow, page_in, running_browser
from tests.support.ports import free_port
from tests.support.processes import (
    PATIENCE,
    SandboxPaywall,
    Server,
    postgres_database,
    running_connector,
    running_sandbox,
    until,
)
from tests.triggers.delivery.receiver import running_receiver, says

pytestmark = pytest.mark.xdist_group("pages")
MARKUP = "\"'><svg/onload=alert(1)>&lt;=1+1"
SCRIPT = "<script>alert(2)</script>{{7*7}}"
AXE = {"private": True, "dependencies": {"axe-core": "4.11.0"}}
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sandbox in a process of its own."""
    with running_sandbox(tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(scope="module")
def server(upstream: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A connector with a sandbox behind it, at an address that it knows."""
    folder, port = tmp_path_factory.mktemp("pages"), free_port()
    with running_connector(
        f"sqlite:///{folder}/connector.sqlite3",
        upstream.address,
        folder,
        listen=f"127.0.0.1:{port}",
        public_url=f"http://127.0.0.1:{port}",
        allowed_targets="127.0.0.0/8",
    ) as running:
        yield running


@pytest.fixture
def paywall(server: Server, upstream: Server) -> Iterator[SandboxPaywall]:
    """A paywall that nobody else uses."""
    made = SandboxPaywall(upstream.address, f"pages-{secrets.token_hex(6)}")
    yield made
    made.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window, in the colours that are asked for."""
    with page_in(browser, tmp_path, getattr(request, "param", "light")) as opened:
        yield opened


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, which looks for what keeps people out."""
    folder = node.installed("axe", json.dumps(AXE, indent=2) + "\n")
    return (folder / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def findings(page: Page, axe: str) -> list[str]:
    """What axe-core finds, with where."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['target']}"
        for one in found["violations"]
        if one["impact"] in ("critical", "serious", "moderate")
    ]


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_nobody_is_kept_out_and_nothing_is_cut(
    page: Page, server: Server, axe: str, size: Any
) -> None:
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size(size)
    for path in [*PAGES, "/guide?q=refund", "/guide?q=zzzyx"]:
        page.goto(server.address + path)
        complaints += [f"{path}: {finding}" for finding in findings(page, axe)]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert complaints == []


def test_an_unknown_address_is_a_page_too(page: Page, server: Server, axe: str) -> None:
    page.goto(f"{server.address}/nope")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    assert findings(page, axe) == []
    follow(page.get_by_role("link", name="To the first page"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Charge your users from any flow")


def test_a_value_is_copied_with_the_keyboard(page: Page, server: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(server.address)
    button = page.get_by_role("button", name=f"Copy {server.address}", exact=True).first
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == server.address


def test_a_workflow_is_copied_whole(page: Page, server: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.address}/specs")
    button = page.get_by_role("button", name="Copy workflow").first
    button.click()
    expect(button).to_have_text("Copied")
    workflow = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert workflow["name"] == "Charge before an AI step"


def test_an_example_is_copied_and_runs(page: Page, server: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{server.address}/guide/features")
    page.locator("pre").first.get_by_role("button").click()
    expect(page.locator("pre").first.get_by_role("button")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl -X PUT {server.address}/v1/features/image")
    assert "Copy" not in copied


def test_the_guides_are_searched_from_any_of_them(page: Page, server: Server) -> None:
    page.goto(f"{server.address}/guide/zapier")
    page.get_by_role("searchbox").fill("use failed")
    enter(page)
    follow(page.get_by_role("link", name="Refund a use that failed"))
    expect(page).to_have_url(f"{server.address}/guide/features#refund-a-use-that-failed")


def test_without_javascript_everything_can_be_read(browser: Browser, server: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in PAGES:
        page.goto(server.address + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.get_by_role("button", name="Copy").count() == 0
    page.goto(f"{server.address}/guide")
    page.get_by_role("searchbox").fill("refund")
    follow(page.get_by_role("button", name="Search"))
    expect(page.get_by_role("heading", level=2).first).to_contain_text("with “refund”")
    context.close()


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_console_is_walked_through(
    page: Page, server: Server, paywall: SandboxPaywall, axe: str, size: Any
) -> None:
    page.set_viewport_size(size)
    walk_through(page, server, paywall, axe)


def test_the_console_is_walked_through_on_postgresql(
    page: Page,
    upstream: Server,
    paywall: SandboxPaywall,
    axe: str,
    postgres_server: str,
    tmp_path: Path,
) -> None:
    with (
        postgres_database(postgres_server) as database,
        running_connector(database, upstream.address, tmp_path) as server,
    ):
        walk_through(page, server, paywall, axe)


def walk_through(page: Page, server: Server, paywall: SandboxPaywall, axe: str) -> None:
    """From signing in to signing out: find, refund, decide."""
    paywall.set_noon(server)
    paywall.user("ann", balance="50")
    charge(server, paywall, "order-1")
    paywall.arm("charge", "drop_before_commit")
    charge(server, paywall, "order-lost")
    sign_in(page, server, paywall, "/console/transactions")
    expect(page).to_have_url(f"{server.address}/console/transactions")
    assert findings(page, axe) == []
    page.get_by_label("Reference").fill("order-1")
    follow(page.get_by_role("button", name="Find"))
    follow(page.get_by_role("link", name="order-1"))
    expect(page.get_by_text("was charged").first).to_be_visible()
    assert findings(page, axe) == []
    page.get_by_label("Give it back to ann now").check()
    follow(page.get_by_role("button", name="Refund"))
    expect(page.get_by_role("status").first).to_have_text("The money was given back.")
    assert paywall.balance("ann") == Decimal(50)
    follow(page.get_by_role("link", name="Days"))
    cells = page.get_by_role("row").last.get_by_role("cell")
    expect(cells).to_have_text([re.compile(r"\d{4}-\d\d-\d\d"), "1", "2", "2", "0"])
    assert findings(page, axe) == []
    follow(page.get_by_role("cell").get_by_role("link").first)
    follow(page.get_by_role("link", name="ann"))
    assert findings(page, axe) == []
    follow(page.get_by_role("link", name="Needs attention"))
    assert findings(page, axe) == []
    follow(page.get_by_role("link", name="order-lost"))
    page.get_by_label("It did not").check()
    page.get_by_label("I have looked it up").check()
    follow(page.get_by_role("button", name="Write it down"))
    expect(page.get_by_role("status").first).to_contain_text("did not happen")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    follow(page.get_by_role("link", name="Needs attention"))
    expect(page.get_by_text("Nothing: every transaction is decided")).to_be_visible()
    follow(page.get_by_role("button", name="Sign out"))
    page.goto(f"{server.address}/console")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to the console")
    assert findings(page, axe) == []


def test_the_console_without_javascript(
    browser: Browser, server: Server, paywall: SandboxPaywall
) -> None:
    paywall.user("ann", balance="50")
    charge(server, paywall, "order-1")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.address}/console")
    page.get_by_label("Secret key or token").fill(paywall.key)
    enter(page)
    follow(page.get_by_role("link", name="Transactions"))
    follow(page.get_by_role("link", name="order-1"))
    page.get_by_label("Give it back to ann now").check()
    follow(page.get_by_role("button", name="Refund"))
    expect(page.get_by_role("status").first).to_have_text("The money was given back.")
    context.close()


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_webhooks_and_events_are_walked_through(
    page: Page, server: Server, paywall: SandboxPaywall, axe: str, size: Any
) -> None:
    page.set_viewport_size(size)
    paywall.user("ann", balance="50")
    sign_in(page, server, paywall, "/console/webhooks")
    with running_receiver() as receiver:
        page.get_by_text("Add a webhook").click()
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_role("combobox", name="Event").select_option(label="Any Event")
        follow(page.get_by_role("button", name="Add", exact=True))
        expect(page.get_by_text("It is shown only now")).to_be_visible()
        assert findings(page, axe) == []
        follow(page.get_by_role("button", name="Send a sample"))
        expect(page.get_by_role("status").first).to_have_text("A sample is on its way.")
        until(lambda: _tells(page, "answered 200"))
        assert findings(page, axe) == []
        page.goto(f"{server.address}/console/events")
        charge(server, paywall, "order-1")
        told = page.get_by_text("paywall.balance.charge.created").first
        expect(told).to_be_visible(timeout=30_000)  # the page looks again by itself
        assert findings(page, axe) == []
        page.get_by_text("What it says").first.click()
        expect(page.locator("pre").first).to_contain_text("walletUserId")
        follow(page.get_by_role("link", name="Which webhooks got it").first)
        expect(page.get_by_role("button", name="Send again", exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_text("Delete", exact=True).click()
        follow(page.get_by_role("button", name="Delete for good"))
        expect(page.get_by_text("There are none.")).to_be_visible()


def test_what_others_wrote_is_text_on_every_page(
    page: Page, server: Server, upstream: Server, paywall: SandboxPaywall
) -> None:
    """Users, references, notes, models, fields of events, and what hooks answer."""
    complaints: list[str] = []
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    paywall.user(MARKUP, balance="50")
    values = {"user": MARKUP, "amount": "2", "reference": MARKUP}
    values["description"] = MARKUP + SCRIPT
    with running_receiver(says(500, body=(MARKUP + SCRIPT).encode())) as receiver:
        hook = {"target_url": receiver.url, "trigger": "any_event"}
        for path, body in (("hooks", hook), ("charge", values)):
            answer = httpx.post(
                f"{server.address}/v1/{path}",
                json=body,
                headers=paywall.bearer,
                trust_env=False,
                timeout=PATIENCE,
            )
            assert answer.status_code < 300, answer.text
        paywall.emit("paywall.usage.charge.created", MARKUP, model=MARKUP + SCRIPT)
        sign_in(page, server, paywall, "/console/webhooks")
        until(lambda: _tells(page, "answered 500"))
        page.goto(f"{server.address}/console/days")
        follow(page.get_by_role("cell").get_by_role("link").first)
        day = page.url.removeprefix(f"{server.address}/console")
        for name in ("", "/transactions", day, "/events", "/webhooks"):
            page.goto(f"{server.address}/console{name}")
            for fold in page.locator("main summary").all():
                fold.click()
            if name:
                expect(page.locator("main")).to_contain_text(MARKUP)
            assert page.locator("main :is(svg, script, img)").count() == 0
        page.goto(f"{server.address}/console/transactions")
        follow(page.get_by_role("cell").get_by_role("link").first)
        expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
        assert page.locator("main :is(svg, script, img)").count() == 0
    assert complaints == []


def test_connecting_a_tool_shows_a_light_for_its_first_call(
    page: Page, server: Server, paywall: SandboxPaywall, axe: str
) -> None:
    sign_in(page, server, paywall, "/console/connect")
    assert findings(page, axe) == []
    follow(page.get_by_role("button", name="Make a token for n8n"))
    expect(page.get_by_text("Waiting for your first call …")).to_be_visible()
    assert findings(page, axe) == []
    (token,) = [text for text in page.locator("code").all_inner_texts() if text.startswith("pwc_")]
    answer = httpx.get(
        f"{server.address}/v1/me", headers={"X-API-Key": token}, trust_env=False, timeout=PATIENCE
    )
    assert answer.status_code == 200
    expect(page.get_by_text("It works: the first call came in.")).to_be_visible(timeout=30_000)
    assert token not in page.content() or page.get_by_text("It is shown only now").count() == 1
    follow(page.get_by_role("link", name="To all tools"))
    expect(page.get_by_text("used last")).to_be_visible()
    assert token not in page.content()


def _tells(page: Page, words: str) -> bool:
    """Whether the page tells something, loaded anew."""
    page.reload()
    return words in page.content()


def sign_in(page: Page, server: Server, paywall: SandboxPaywall, path: str) -> None:
    """Ask for a page of the console, and sign in there."""
    page.goto(f"{server.address}{path}")
    page.get_by_label("Secret key or token").fill(paywall.key)
    follow(page.get_by_role("button", name="Sign in"))


def charge(server: Server, paywall: SandboxPaywall, reference: str) -> None:
    """Charge ann 2, whatever becomes of it."""
    values = {"user": "ann", "amount": "2", "reference": reference}
    address = f"{server.address}/v1/charge"
    httpx.post(address, json=values, headers=paywall.bearer, trust_env=False, timeout=PATIENCE)
