"""What Zapier's own checks say of the app."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.actions.call import Call
from connector.catalog import actions as catalog
from connector.catalog.actions import ExactlyOnce, Input, Kind, Output, action
from connector.catalog.fields import Amount, Text, user_id
from connector.catalog.references import reference
from connector.specs import zapier
from tests.specs.zapier.platform import Core, platform, write_app
from tests.support import node
from tests.support.processes import PATIENCE

pytestmark = pytest.mark.xdist_group("zapier")


def cli(folder: Path, *arguments: str) -> str:
    """What Zapier's command line says in the app's folder."""
    program = platform() / "node_modules/zapier-platform-cli/src/bin/run"
    home = node.environment(HOME=str(folder.parent), ZAPIER_ANALYTICS="disabled")
    command = [str(node.BIN / "node"), str(program), *arguments]
    return node.run(command, folder, seconds=5 * PATIENCE, env=home)


def test_the_schema_has_nothing_against_the_app(core: Core) -> None:
    assert core.validate(core.app) == []


def test_the_schema_finds_a_planted_fault(core: Core, tmp_path: Path) -> None:
    app = write_app(tmp_path, "https://connector.example.com")
    content = json.loads((tmp_path / "app.json").read_text())
    del content["creates"]["charge"]["noun"]
    (tmp_path / "app.json").write_text(json.dumps(content))
    assert [fault["property"] for fault in core.validate(app)] == ["instance.creates.charge"]


def test_zapiers_command_line_says_the_app_is_sound(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    write_app(folder, "https://connector.example.com")
    assert "structurally sound" in cli(folder, "validate", "--without-style")


def test_the_version_of_the_platform_is_the_installed_one(
    core: Core, definition: dict[str, Any]
) -> None:
    package = json.loads(zapier.files()["zapier_spec/package.json"])
    assert definition["platformVersion"] == core.version()
    assert package["dependencies"] == {"zapier-platform-core": core.version()}
    assert package["version"] == definition["version"]


class TipInput(Input):
    user = user_id()
    note = Text("Note", "What the tip is for.", example="Great work")
    amount = Amount("Amount", "How much to give.", example="1.00", required=True)
    reference = reference("tip")


class TipOutput(Output):
    user = Text("User", "Who gave.", example="user_42")


@pytest.fixture
def tips() -> Iterator[None]:
    """A connector's catalog with two more actions, which are gone afterwards."""

    def nothing(call: Call, values: dict[str, Any]) -> dict[str, Any]:
        return {}

    words: dict[str, Any] = {
        "input": TipInput,
        "output": TipOutput,
        "outcomes": {"given": "Done.", "unknown": "Nobody can tell."},
    }
    register = action(
        key="give_tip",
        label="Give Tip",
        sentence="Gives a tip.",
        kind=Kind.WRITE,
        exactly_once=ExactlyOnce(),
        **words,
    )
    register(nothing)
    action(key="find_tip", label="Find Tip", sentence="Finds a tip.", kind=Kind.READ, **words)(
        nothing
    )
    yield
    del catalog._registry["give_tip"], catalog._registry["find_tip"]


def test_a_new_action_is_in_the_app_by_itself(tips: None, core: Core, tmp_path: Path) -> None:
    app = write_app(tmp_path, "https://connector.example.com")
    content = json.loads((tmp_path / "app.json").read_text())
    create = content["creates"]["give_tip"]["operation"]
    search = content["searches"]["find_tip"]["operation"]
    names = [field["key"] for field in create["inputFields"]]
    assert names == ["user", "amount", "reference", "note", "when_tested"]
    assert create["perform"]["url"].endswith("/v1/give-tip")
    assert "/v1/find-tip" in search["perform"]["source"]
    assert create["sample"]["outcome"] == "given"
    assert core.validate(app) == []


def test_the_connectors_own_address_is_filled_in() -> None:
    content = json.loads(zapier.files("https://pay.example.org")["zapier_spec/app.json"])
    fields = {field["key"]: field for field in content["authentication"]["fields"]}
    assert fields["base_url"]["default"] == "https://pay.example.org"
    assert (
        "https://pay.example.org"
        in zapier.files("https://pay.example.org")["zapier_spec/README.md"]
    )


def test_the_package_names_no_registry_and_no_key() -> None:
    for name, text in zapier.files().items():
        assert "resolved" not in text, name
        assert "sk-paywalls-sandbox" not in text, name
