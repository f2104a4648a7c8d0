"""What a person sees in n8n's own editor: finding our nodes, filling them in, and the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.editor import Editor
from tests.specs.n8n.flows import STEP, chain, step
from tests.specs.n8n.server import counting
from tests.specs.n8n.test_ai import AGENT
from tests.support.browser import counted_presses, page_in, running_browser

CHARGE_ME = "Charge User: charge me for a poem, please"
CLICKS_TO_CHARGE = 11
"""From an empty canvas: three each for the trigger and the node, its action, a run that only tests,
two to have it count, and the run that does."""
pytestmark = pytest.mark.xdist_group("n8n")
ACTIONS = {
    "Charge user",
    "Get balance",
    "Create top-up link",
    "Deposit credits",
    "Check authorization",
    "Disconnect user",
    "Send chat message",
    "List models",
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
    editor.search(word, "Paywalls")
    headings = editor.page.get_by_test_id("node-creator-category-item")
    expect(headings).to_have_count(2)
    assert [text.split(" (")[0] for text in headings.all_inner_texts()] == ["Triggers", "Actions"]
    assert "On balance depleted" in editor.names()


def test_behind_a_trigger_every_action_is_there(editor: Editor) -> None:
    editor.begin_by_hand()
    editor.search("paywalls", "Paywalls")
    editor.entries.get_by_text("Charge user", exact=True).wait_for()
    assert set(editor.names()) >= ACTIONS


@pytest.mark.parametrize("editor", ["light", "dark"], indirect=True)
def test_a_charge_is_added_filled_in_and_run(
    editor: Editor, connected_app: ConnectedApp, request: pytest.FixtureRequest
) -> None:
    user = f"editor-{request.node.callspec.id}"
    connected_app.paywall.user(user, balance="5.00", connected=True)
    presses = counted_presses(editor.page)
    editor.begin_by_hand()
    editor.search("paywalls", "Paywalls")
    editor.choose("Charge user")
    editor.fill("user", user)
    editor.fill("amount", "0.5")
    expect(editor.field("when_tested")).to_be_visible()
    editor.run()
    editor.shows("would_charge")
    assert connected_app.booked(user) == []
    editor.pick("when_tested", "Count for Real")
    editor.run()
    expect(editor.output()).not_to_contain_text("would_charge")
    editor.shows("charged")
    assert [row["amount"] for row in connected_app.booked(user)] == ["0.50"]
    assert presses.count == CLICKS_TO_CHARGE


def test_the_chat_model_and_the_tool_are_found_under_an_agent(editor: Editor) -> None:
    editor.begin_by_hand()
    editor.search("AI Agent", "AI Agent")
    editor.page.get_by_test_id("ndv-close-button").click()
    for slot, wanted in (("ai_languageModel", "Paywalls Chat Model"), ("ai_tool", "Paywalls Tool")):
        editor.plus_below(slot).click()
        editor.look_for("paywalls")
        editor.entries.get_by_text(wanted, exact=True).wait_for()
        editor.page.keyboard.press("Escape")


def test_a_chain_with_the_chat_model_is_run(editor: Editor, connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("editor-reader", balance="5.00", connected=True)
    saved = connected_app.n8n.save(chain("editor-reader", "Tell me about rain", max_tokens=50))
    editor.open(saved["id"])
    editor.step(STEP)
    editor.run()
    editor.shows("You said: Tell me about rain")
    assert connected_app.paywall.asked("chat")[-1]["user"] == "editor-reader"


def test_an_agent_that_has_the_tool_is_run(editor: Editor, connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("editor-talker", balance="5.00", connected=True)
    agent = connected_app.imported(AGENT)
    message = {"sessionId": "editor-talker", "action": "sendMessage", "chatInput": CHARGE_ME}
    kept = {"connections": agent["connections"], "settings": agent["settings"]}
    kept["nodes"] = [counting(node) for node in agent["nodes"]]
    pinned = kept | {"name": "agent, pinned", "pinData": {"Chat Message": [{"json": message}]}}
    editor.open(connected_app.n8n.save(pinned)["id"])
    editor.step("AI Agent")
    editor.run()
    editor.shows("charged")
    assert "0.25" in [row["amount"] for row in connected_app.booked("editor-talker")]


def test_a_refusal_says_who_has_too_little_for_what_with_a_link_to_click(
    editor: Editor, connected_app: ConnectedApp
) -> None:
    connected_app.paywall.user("newbie1", balance="0.10", connected=True)
    editor.begin_by_hand()
    editor.search("paywalls", "Paywalls")
    editor.choose("Charge user")
    editor.fill("user", "newbie1")
    editor.fill("amount", "0.5")
    editor.pick("when_tested", "Count for Real")
    editor.run()
    editor.shows("User newbie1 has too little balance for 0.5")
    link = editor.output().get_by_role("link")
    expect(link).to_have_count(1)
    assert (link.get_attribute("href") or "").startswith(connected_app.paywall.address)
    assert link.get_attribute("target") == "_blank"


def test_what_stop_means_is_shown_only_with_stop(editor: Editor) -> None:
    editor.begin_by_hand()
    editor.search("paywalls", "Paywalls")
    editor.choose("Charge user")
    notice = editor.page.get_by_text("Stop ends the run for all of them")
    expect(notice).to_be_visible()
    editor.pick("on_refusal", "Continue")
    expect(notice).to_have_count(0)


@pytest.mark.parametrize("editor", ["light", "dark"], indirect=True)
def test_how_long_a_chat_is_waited_for_is_found_and_set(
    editor: Editor, connected_app: ConnectedApp, tmp_path: Path
) -> None:
    connected_app.paywall.user("editor-patient", balance="5.00", connected=True)
    chosen = {"__rl": True, "mode": "id", "value": "sandbox-slow-2"}
    values = {"user": "editor-patient", "model": chosen, "prompt": "Tell me about rain"}
    saved = connected_app.n8n.save(step("chat", "model", values))
    editor.open(saved["id"])
    editor.step(STEP)
    expect(
        editor.page.get_by_text("an answer that takes longer than 20 seconds is lost")
    ).to_be_visible()
    expect(editor.field("reference")).to_contain_text("$execution.id")
    editor.add("Give Up After (Minutes)")
    limit = editor.field("give_up_after").locator("input")
    expect(limit).to_have_value("10")
    editor.add("Callback Address")
    expect(editor.field("callback_url")).to_contain_text("$execution.resumeUrl")
    expect(editor.page.get_by_text("Wait per Call")).to_have_count(0)
    editor.page.get_by_text("Additional Fields").scroll_into_view_if_needed()
    editor.page.screenshot(path=tmp_path / "long-chat.png")


def test_a_trigger_is_added_and_shows_an_event(editor: Editor) -> None:
    editor.new()
    editor.search("paywalls", "Paywalls")
    editor.choose("On balance depleted")
    editor.run()
    editor.shows("balance.depleted")


def test_an_imported_workflow_opens_without_a_node_that_n8n_does_not_know(
    editor: Editor, connected_app: ConnectedApp
) -> None:
    workflow = connected_app.imported("Charge before an AI step")
    editor.open(workflow["id"])
    expect(editor.page.get_by_test_id("canvas-node")).not_to_have_count(0)
    expect(editor.page.get_by_text("Install this node to use it")).to_have_count(0)
    expect(editor.page.get_by_text("Unrecognized node")).to_have_count(0)
