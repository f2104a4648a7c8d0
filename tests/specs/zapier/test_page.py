"""The page for builders names what the app has, and addresses that the connector has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from connector.catalog.actions import actions
from connector.specs import zapier
from connector.specs.zapier.package import PLATFORM_VERSION
from connector.triggers.definitions import TRIGGERS

PAGE = (Path(__file__).resolve().parents[3] / "docs/zapier.md").read_text(encoding="utf-8")
APP: dict[str, Any] = json.loads(zapier.files()["zapier_spec/app.json"])
LABELS = [
    step["display"]["label"]
    for kind in ("creates", "searches", "triggers")
    for step in APP[kind].values()
]


@pytest.mark.parametrize("label", LABELS)
def test_every_step_of_the_app_is_named(label: str) -> None:
    assert label in PAGE


def test_every_address_on_it_exists() -> None:
    known = {action.path for action in actions()} | {"/hooks", "/hooks/"}
    named = set(re.findall(r"/v1(/[a-z/-]+)", PAGE))
    assert {"/charge", "/deposit", "/hooks"} <= named <= known


def test_every_outcome_and_trigger_on_it_exists() -> None:
    outcomes = {outcome for action in actions() for outcome in action.outcomes} | {"error"}
    named = re.findall(r"(?i:`?outcome`?) exactly matches `(\w+)`", PAGE)
    assert {"charged", "sufficient"} <= set(named) <= outcomes
    assert set(re.findall(r"`(balance_\w+|any_\w+)`", PAGE)) <= set(TRIGGERS)


def test_every_choice_on_it_is_in_the_form() -> None:
    fields = APP["creates"]["charge"]["operation"]["inputFields"]
    (refusal,) = [field for field in fields if field["key"] == "on_refusal"]
    assert refusal["label"] in PAGE
    assert all(choice["label"] in PAGE for choice in refusal["choices"])


def test_its_commands_name_the_version_of_the_app() -> None:
    pushing = re.findall(
        r"zapier-platform-cli@(\S+) ", PAGE + zapier.files()["zapier_spec/README.md"]
    )
    assert set(pushing) == {PLATFORM_VERSION}
