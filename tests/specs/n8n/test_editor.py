"""What a person sees in n8n's own editor: finding our nodes, filling them in, and the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.editor import Editor
from tests.support.browser import page_in, running_browser

pytestmark = pytest.mark.xdist_group("n8n")
ACTIONS = {
    "Charge user",
    "Get balance",
    "Create top up link",
    "Deposit credits",
    "Check authorization",
    "Disconnect user",
    "Send chat message",
    "Get many models",
    "Test connection",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    with running_browser() as running:
        yield running


@pytest.fixture(params=["light"])
def editor(
    request: pytest.FixtureRequest, browser: Browser, connected_app: ConnectedApp, tmp_path: Path
) -> Iterator[Editor]:
    """The editor in a new window."""
    with page_in(browser, tmp_path, request.param) as page:
        yield Editor(connected_app.n8n, page)


@pytest.mark.parametrize("word", ["paywalls", "Paywall", "billing", "top up"])
def test_from_an_empty_canvas_the_node_is_found_with_its_triggers_and_actions(
    editor: Editor, word: str
) -> None:
    editor.new()
    assert "Paywalls" in editor.search(word)
    editor.choose("Paywalls")
    headings = editor.page.get_by_test_id("node-creator-category-item")
    expect(headings).to_have_count(2)
    assert [text.split(" (")[0] for text in headings.all_inner_texts()] == ["Triggers", "Actions"]
    assert "On balance depleted" in editor.names()


def test_behind_a_trigger_every_action_is_there(editor: Editor) -> None:
    editor.begin_by_hand()
    assert "Paywalls" in editor.search("paywalls")
    editor.choose("Paywalls")
    editor.entries.get_by_text("Charge user", exact=True).wait_for()
    assert set(editor.names()) >= ACTIONS


@pytest.mark.parametrize("editor", ["light", "dark"], indirect=True)
def test_a_charge_is_added_filled_in_and_run(
    editor: Editor, connected_app: ConnectedApp, request: pytest.FixtureRequest
) -> None:
    user = f"editor-{request.node.callspec.id}"
    connected_app.paywall.user(user, balance="5.00", connected=True)
    editor.begin_by_hand()
    editor.search("paywalls")
    editor.choose("Paywalls")
    editor.choose("Charge user")
    editor.fill("user", user)
    editor.fill("amount", "0.5")
    editor.run()
    editor.shows("charged")
    assert [row["amount"] for row in connected_app.booked(user)] != []
    expect(editor.page.get_by_test_id("node-parameters")).to_contain_text("charges for real")


def test_the_chat_model_and_the_tool_are_found_under_an_agent(editor: Editor) -> None:
    editor.begin_by_hand()
    editor.search("AI Agent")
    editor.choose("AI Agent")
    editor.page.get_by_test_id("ndv-close-button").click()
    for slot, wanted in (("Chat Model", "Paywalls Chat Model"), ("Tool", "Paywalls Tool")):
        plus = editor.page.get_by_test_id("canvas-handle-plus-wrapper").filter(has_text=slot)
        plus.locator("[data-test-id=canvas-handle-plus]").first.click()
        editor.page.get_by_test_id("node-creator-search-bar").locator("input").fill("paywalls")
        editor.entries.get_by_text(wanted, exact=True).wait_for()
        editor.page.keyboard.press("Escape")


def test_an_imported_workflow_opens_without_a_node_that_n8n_does_not_know(
    editor: Editor, connected_app: ConnectedApp
) -> None:
    workflow = connected_app.imported("Charge before an AI step")
    editor.open(workflow["id"])
    expect(editor.page.get_by_test_id("canvas-node")).not_to_have_count(0)
    expect(editor.page.get_by_text("Install this node to use it")).to_have_count(0)
    expect(editor.page.get_by_text("Unrecognized node")).to_have_count(0)
