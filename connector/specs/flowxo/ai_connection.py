"""FlowXO's AI Connection through the connector: what to enter, and whom it charges."""

from __future__ import annotations

from typing import Any

from connector.specs.flowxo.steps import KEY

PAYER = "my-bot"
"""An id of the builder's own, for the one account that pays."""


def ai_connection(address: str) -> dict[str, Any]:
    """The fields of the connection, and what a builder must know before using it."""
    return {
        "fields": [
            {"name": "Base URL", "value": f"{address}/openai/v1/{PAYER}"},
            {"name": "API key", "value": KEY},
        ],
        "payer": PAYER,
        "whom_it_charges": [
            f"Always one account: the one named at the end of the Base URL, here {PAYER}. "
            "Everything that any visitor asks in any bot with this connection is paid from it.",
            "Without a name at the end of the Base URL nobody is charged and no answer comes: "
            "FlowXO's AI tasks have no field for the person who pays.",
            "After the first test, ask Get Balance for that account: it must have gone down. If it "
            "has not, the task uses FlowXO's own connection, or FlowXO names somebody else.",
            "While that account is empty, the bot's answer is a sentence with the account's "
            "top-up link, and any visitor sees it. So keep it filled.",
            "To charge each visitor, do not use the AI Connection: use the step Send Chat Message.",
        ],
    }
