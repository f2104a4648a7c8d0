"""Ready-made workflows, each with our nodes and with n8n's HTTP Request node only."""

from __future__ import annotations

from collections.abc import Callable

from connector.specs.n8n.ai_workflows import agent, gate, refund_if_failed
from connector.specs.n8n.analytics_workflows import posthog
from connector.specs.n8n.balance_workflows import nudge, signup
from connector.specs.n8n.chat_workflows import long_answer, long_answer_by_callback
from connector.specs.n8n.feature_workflows import cap_then_cheaper, free_then_paid, tiered_tools
from connector.specs.n8n.stripe_workflows import deposit, take_back
from connector.specs.n8n.workflow_actions import Variant
from connector.specs.n8n.workflow_parts import Workflow


def workflows(address: str) -> dict[str, str]:
    """The JSON text of every workflow by its name; `address` is the connector's."""
    texts = {}
    for key, build in _RECIPES.items():
        for http in (False, True):
            name = f"{key}-http" if http else key
            texts[name] = build(name, Variant(address, http)).text()
    return texts


_RECIPES: dict[str, Callable[[str, Variant], Workflow]] = {
    "gate-before-ai": gate,
    "free-then-paid": free_then_paid,
    "cap-then-cheaper": cap_then_cheaper,
    "tiered-tools": tiered_tools,
    "refund-if-failed": refund_if_failed,
    "long-answer": long_answer,
    "long-answer-callback": long_answer_by_callback,
    "low-balance-nudge": nudge,
    "stripe-deposit": deposit,
    "stripe-take-back": take_back,
    "signup-credit": signup,
    "posthog-events": posthog,
    "agent-with-charge": agent,
}
