"""FlowXO: what to type into its HTTP task, field by field, as `flowxo.json` and as a page.

FlowXO cannot import flows from a file, so its builders copy from here. What is said about FlowXO
follows its help pages: support.flowxo.com/article/22-webhooks, 31-filters, 141-attributes,
143-data-outputs, 319-complete-chat.
"""

from __future__ import annotations

import json
from typing import Any

from connector import actions as actions_folder
from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.flowxo import page
from connector.specs.flowxo.ai_connection import ai_connection
from connector.specs.flowxo.recipes import recipes
from connector.specs.flowxo.steps import KEY, left_out, steps
from connector.specs.flowxo.subscribing import subscribe

__all__ = ["JSON_FILE", "KEY", "PAGE_FILE", "described", "files"]

JSON_FILE = "docs/flowxo.json"
PAGE_FILE = "docs/flowxo-steps.md"


def described(address: str = EXAMPLE_ADDRESS) -> dict[str, Any]:
    """Everything that a FlowXO builder needs; `address` is the connector's public URL."""
    actions_folder.load()
    return {
        "address": address,
        "ai_connection": ai_connection(address),
        "steps": steps(address),
        "left_out": left_out(),
        "subscribe": subscribe(address),
        "recipes": recipes(),
    }


def files(address: str = EXAMPLE_ADDRESS) -> dict[str, str]:
    """The text of both files, by their path in the repository."""
    guide = described(address)
    return {
        JSON_FILE: json.dumps(guide, indent=2, ensure_ascii=False) + "\n",
        PAGE_FILE: page.markdown(guide),
    }
