"""List Models: which AI models can be used, and what they cost."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Values, action
from connector.catalog.fields import Text
from connector.jsontext import scalar


class ModelsInput(Input):
    search = Text(
        "Search",
        "Part of a model's name. Leave it empty to see all models.",
        example="gpt",
        max_length=100,
    )


class Model(Schema):
    id = Text("Model", "The name to use in a chat message step.", example="gpt-4o-mini")
    name = Text("Name", "The model's name for people.", example="GPT-4o mini")
    description = Text("Description", "What the model is good for.", example="Fast and cheap.")
    prompt_price = Text("Prompt Price", "Price per million tokens of the question.", example="0.15")
    completion_price = Text(
        "Completion Price", "Price per million tokens of the answer.", example="0.6"
    )
    request_price = Text("Request Price", "Price per message on top.", example="0.01")


@action(
    key="models",
    label="List Models",
    sentence="Finds the AI models that can be used, with their prices.",
    kind=Kind.SEARCH,
    input=ModelsInput,
    output=Model,
    outcomes={},
    many=True,
)
def models(call: Call, values: Values) -> Values:
    """`{"items": […]}`: the models whose id or name holds the search text, in upstream's order."""
    wanted = values.get("search", "").strip().casefold()
    items = [_flat(model) for model in call.upstream.models()]
    return {"items": [m for m in items if wanted in f"{m['id']}\n{m['name']}".casefold()]}


def _flat(model: dict[str, Any]) -> dict[str, str]:
    pricing = model.get("pricing")
    prices = pricing if isinstance(pricing, dict) else {}
    return {
        "id": scalar(model.get("id")),
        "name": scalar(model.get("display_name") or model.get("name") or model.get("id")),
        "description": scalar(model.get("description")),
        "prompt_price": scalar(prices.get("prompt")),
        "completion_price": scalar(prices.get("completion")),
        "request_price": scalar(prices.get("request")),
    }
