"""n8n's editor, used as a person uses it: by what is seen, and by n8n's own test ids."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.specs.n8n.server import OWNER, N8n

RUN_SECONDS = 60.0
"""How long a run may take until its output is there: an agent on a busy machine takes over 5."""


class Editor:
    """The editor in one window, signed in."""

    def __init__(self, n8n: N8n, page: Page) -> None:
        self._n8n, self.page = n8n, page
        page.goto(f"{n8n.address}/signin")
        page.locator("input[type=email]").fill(OWNER["email"])
        page.locator("input[type=password]").fill(OWNER["password"])
        page.keyboard.press("Enter")
        page.wait_for_url(f"{n8n.address}/home/**")

    def new(self) -> None:
        """An empty canvas."""
        self.page.goto(f"{self._n8n.address}/workflow/new")
        self.page.get_by_test_id("canvas-plus-button").wait_for()

    def open(self, workflow: str) -> None:
        """A saved workflow, by its id."""
        self.page.goto(f"{self._n8n.address}/workflow/{workflow}")
        self.page.get_by_test_id("canvas-node").first.wait_for()

    def step(self, name: str) -> None:
        """Open a step of the canvas by its name."""
        self.page.get_by_test_id("canvas-node").filter(has_text=name).first.dblclick()
        self.page.get_by_test_id("node-execute-button").wait_for()

    def search(self, text: str, wanted: str) -> None:
        """Type into the panel of nodes until it shows `wanted`, and choose that."""
        self.page.get_by_test_id("node-creator-plus-button").click()
        self.look_for(text)
        self.choose(wanted)

    def look_for(self, text: str) -> None:
        """Type into the panel of nodes, which is open."""
        self.page.get_by_test_id("node-creator-search-bar").click()
        self.page.keyboard.type(text)

    @property
    def entries(self) -> Locator:
        """The entries that the panel shows."""
        return self.page.get_by_test_id("node-creator-item-name")

    def names(self) -> list[str]:
        """Their names."""
        return [name.strip() for name in self.entries.all_inner_texts()]

    def choose(self, name: str) -> None:
        """Click an entry of the panel."""
        self.entries.get_by_text(name, exact=True).first.click()

    def begin_by_hand(self) -> None:
        """An empty canvas with the trigger of somebody who clicks."""
        self.new()
        self.search("manually", "Trigger manually")
        self.page.get_by_test_id("canvas-trigger-node").wait_for()

    def field(self, name: str) -> Locator:
        """A field of the open node."""
        return self.page.get_by_test_id(f"parameter-input-{name}")

    def fill(self, name: str, text: str) -> None:
        """Type into a field; one that holds an expression becomes a fixed value first."""
        field = self.field(name)
        if field.get_by_test_id("inline-expression-editor-input").count():
            options = self.page.get_by_test_id(f"{name}-parameter-input-options-container")
            options.get_by_test_id("radio-button-fixed").click(force=True)
        field.locator("input, textarea").first.fill(text)

    def pick(self, name: str, option: str) -> None:
        """Choose from the list of a field."""
        self.field(name).click()
        self.page.get_by_role("option", name=option).first.click()

    def add(self, name: str) -> None:
        """Add one of the additional fields."""
        self.page.get_by_test_id("collection-parameter-add").first.click()
        self.page.get_by_test_id("collection-parameter-option").filter(has_text=name).click()

    def plus_below(self, connection: str) -> Locator:
        """The plus under the one node that takes connections of this kind."""
        handle = self.page.locator(f"[data-connection-type={connection}]")
        return handle.get_by_test_id("canvas-handle-plus")

    def run(self) -> None:
        """Run the open node."""
        self.page.get_by_test_id("node-execute-button").click()

    def output(self) -> Locator:
        """What the open node gave."""
        return self.page.get_by_test_id("output-panel")

    def shows(self, text: str, *, within: float = RUN_SECONDS) -> None:
        """Wait until the output shows a text, at most `within` seconds."""
        expect(self.output()).to_contain_text(text, timeout=within * 1000)
