"""The models on offer and what they cost."""

import re
from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.errors import SandboxError
from connector.sandbox.money import rounded_up

MILLION = Decimal(1_000_000)
LONGEST_WAIT = 300.0
_SLOW = re.compile(r"sandbox-slow-([0-9]{1,3}(?:\.[0-9]{1,3})?)")


@dataclass(frozen=True, slots=True)
class Model:
    """A model; prices are decimal strings, per million tokens and per request."""

    id: str
    display_name: str
    description: str
    prompt_price: str
    completion_price: str
    request_price: str
    wait: float = 0.0

    def listed(self) -> dict[str, object]:
        """Return the model as the list of models shows it."""
        return {
            "id": self.id,
            "object": "model",
            "name": self.id,
            "display_name": self.display_name,
            "description": self.description,
            "pricing": {
                "prompt": self.prompt_price,
                "completion": self.completion_price,
                "request": self.request_price,
            },
        }

    def cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Return the price of one request."""
        metered = (
            prompt_tokens * Decimal(self.prompt_price)
            + completion_tokens * Decimal(self.completion_price)
        ) / MILLION
        return rounded_up(Decimal(self.request_price) + metered)


MODELS = (
    Model("sandbox-echo", "Sandbox Echo", "Repeats what you say, word for word.", "1", "2", "0"),
    Model("gpt-4o-mini", "GPT-4o mini", "The same answers as Sandbox Chat.", "0.15", "0.6", "0.01"),
    Model(
        "gpt-4o",
        "GPT-4o",
        "The same answers as Sandbox Chat, at a higher price.",
        "2.5",
        "10",
        "0.05",
    ),
    Model(
        "sandbox-chat",
        "Sandbox Chat",
        "Answers in a friendly sentence about what you wrote.",
        "5",
        "15",
        "0.001",
    ),
    Model(
        "sandbox-flat",
        "Sandbox Flat Fee",
        "Like Sandbox Chat, at one price per request, however long.",
        "0",
        "0",
        "0.05",
    ),
    Model(
        "sandbox-premium",
        "Sandbox Premium",
        "Like Sandbox Chat, but dear: empties small balances soon.",
        "5000",
        "15000",
        "0.25",
    ),
    Model(
        "sandbox-slow-2",
        "Sandbox Slow",
        "Answers after 2 seconds; sandbox-slow-<seconds> waits as long as you say.",
        "1",
        "2",
        "0",
        2.0,
    ),
    Model(
        "sandbox-failing",
        "Sandbox Failing",
        "Never answers: every request ends with a provider error.",
        "1",
        "2",
        "0",
    ),
)
_BY_ID = {model.id: model for model in MODELS}


def find_model(model_id: object) -> Model:
    """Return the model with this id, also any `sandbox-slow-<seconds>`; SandboxError 404 else."""
    if not isinstance(model_id, str) or not model_id:
        raise SandboxError(400, "'model' is missing: it must be the id of a model.")
    if model_id in _BY_ID:
        return _BY_ID[model_id]
    slow = _SLOW.fullmatch(model_id)
    if slow is None or float(slow[1]) > LONGEST_WAIT:
        raise SandboxError(404, f"There is no model {model_id!r}; GET /v1/models lists them.")
    about = f"Answers after {slow[1]} seconds."
    return Model(model_id, "Sandbox Slow", about, "1", "2", "0", float(slow[1]))
