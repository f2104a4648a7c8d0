"""n8n's editor, used as a person uses it: by what is seen, and by n8n's own test ids."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.specs.n8n.server import OWNER, N8n


class Editor:
    """The editor in one window, signed in."""

    def __init__(self, n8n: N8n, page: Page) -> None:
        self._n8n, self.page = n8n, page
        page.goto(f"{n8n.address}/signin")
        page.get_by_test_id("emailOrLdapLoginId").locator("input").fill(OWNER["email"])
        page.get_by_test_id("password").locator("input").fill(OWNER["password"])
        page.get_by_test_id("form-submit-button").click()
        page.get_by_test_id("main-sidebar-settings").wait_for()

    def new(self) -> None:
        """An empty canvas."""
        self.page.goto(f"{self._n8n.address}/workflow/new")
        self.page.get_by_test_id("canvas-plus-button").wait_for()

    def open(self, workflow: str) -> None:
        """A saved workflow, by its id."""
        self.page.goto(f"{self._n8n.address}/workflow/{workflow}")
        self.page.get_by_test_id("canvas-node").first.wait_for()

    def search(self, text: str) -> list[str]:
        """The entries that the panel of nodes shows for `text`."""
        self.page.get_by_test_id("node-creator-plus-button").click()
        self.page.get_by_test_id("node-creator-search-bar").locator("input").fill(text)
        self.entries.first.wait_for()
        return self.names()

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
        self.search("trigger manually")
        self.choose("Trigger manually")
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

    def run(self) -> None:
        """Run the open node."""
        self.page.get_by_test_id("node-execute-button").click()

    def output(self) -> Locator:
        """What the open node gave."""
        return self.page.get_by_test_id("output-panel")

    def shows(self, text: str) -> None:
        """Wait until the output shows a text."""
        expect(self.output()).to_contain_text(text)
