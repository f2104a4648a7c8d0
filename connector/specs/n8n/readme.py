"""The package's README, with the list of actions from the catalog."""

from __future__ import annotations

from importlib.resources import files as resources

from connector import actions as actions_folder
from connector.catalog.actions import actions
from connector.triggers.definitions import TRIGGERS


def text(name: str, version: str) -> str:
    """The README of this version of the package."""
    actions_folder.load()
    listed = "\n".join(f"- **{action.label}**: {action.sentence}" for action in actions())
    template = resources(__package__).joinpath("README.template.md").read_text(encoding="utf-8")
    values = {
        "package": f"{name}-{version}.tgz",
        "actions": listed,
        "events": str(len(TRIGGERS) - 1),
    }
    for key, value in values.items():
        template = template.replace("{{ " + key + " }}", value)
    return template
