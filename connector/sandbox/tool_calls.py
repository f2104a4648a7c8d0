"""Decides whether a prompt asks for one of the tools on offer, and with which values."""

import json
import re
from dataclasses import dataclass

from connector.sandbox.errors import SandboxError
from connector.sandbox.state import JsonObject, new_id

_WORD = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])")
_QUOTED = re.compile(r'"([^"]+)"')
_COMMON = frozenset({"user", "tool", "with", "this", "that", "from", "paywalls", "paywall", "send"})
_ANCHORS = {
    "user": r"(?:user|customer|client)",
    "reference": r"(?:reference|order|message|invoice)",
}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call in OpenAI's form: `arguments` is JSON text."""

    id: str
    name: str
    arguments: str

    def as_message_part(self) -> JsonObject:
        """Return the entry of a message's `tool_calls`."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


def wanted_call(body: JsonObject, prompt: str) -> ToolCall | None:
    """Return a call of the tool that the prompt names, or that `tool_choice` demands."""
    offered = body.get("tools") or []
    if not isinstance(offered, list):
        raise SandboxError(400, "'tools' must be a list.")
    tools = [_function(tool) for tool in offered]
    choice = body.get("tool_choice")
    if not tools or choice == "none":
        return None
    if isinstance(choice, dict):
        name = _function(choice)["name"]
        chosen = next((tool for tool in tools if tool["name"] == name), None)
        if chosen is None:
            raise SandboxError(400, f"'tool_choice' names {name!r}, which is not among the tools.")
    else:
        chosen = max(tools, key=lambda tool: _fit(tool["name"], prompt))
        if _fit(chosen["name"], prompt) == 0 and choice != "required":
            return None
    arguments = json.dumps(_arguments(chosen.get("parameters") or {}, prompt))
    return ToolCall(new_id("call"), chosen["name"], arguments)


def _function(tool: object) -> JsonObject:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise SandboxError(400, "Each tool must be a function with a name.")
    if not isinstance(function.get("parameters") or {}, dict):
        raise SandboxError(400, "A tool's parameters must be a JSON schema of an object.")
    return function


def _fit(name: str, prompt: str) -> int:
    """Return how well a tool's name fits the prompt: 100 when named whole, else shared words."""
    if name.lower() in prompt.lower():
        return 100
    parts = _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower().replace("_", " "))
    words = set(_WORD.findall(prompt.lower()))
    return sum(part in words for part in parts if len(part) > 3 and part not in _COMMON)


def _arguments(parameters: JsonObject, prompt: str) -> JsonObject:
    """Return values for a JSON schema's properties, found in the prompt where they stand there."""
    properties = parameters.get("properties") or {}
    required = parameters.get("required") or []
    if not isinstance(properties, dict) or not all(map(_is_schema, properties.values())):
        raise SandboxError(400, "A tool's parameters must be a JSON schema of an object.")
    arguments = {name: _value(name, schema, prompt) for name, schema in properties.items()}
    return {
        name: _placeholder(properties[name], prompt) if value is None else value
        for name, value in arguments.items()
        if value is not None or name in required
    }


def _value(name: str, schema: JsonObject, prompt: str) -> object:
    """Return what the prompt says about one property, or None."""
    anchor = next((words for part, words in _ANCHORS.items() if part in name), re.escape(name))
    match = re.search(rf"\b{anchor}\b(?:\s+id)?\s*[:=#]*\s*\"?([\w@.-]*[\w@-])", prompt, re.I)
    said = match[1] if match else None
    if schema.get("enum"):
        return next((v for v in schema["enum"] if str(v).lower() in prompt.lower()), None)
    kind = _type(schema)
    numeric = kind in ("number", "integer")
    if numeric or "amount" in name or "price" in name:
        number = _NUMBER.search(said) if said else None
        number = number or _NUMBER.search(prompt)
        if number is None:
            return None
        if not numeric:
            return number[0]
        return int(float(number[0])) if kind == "integer" else float(number[0])
    return said if kind == "string" else None


def _placeholder(schema: JsonObject, prompt: str) -> object:
    """Return a valid value for a required property that the prompt does not mention."""
    if schema.get("enum"):
        return schema["enum"][0]
    quoted = _QUOTED.search(prompt)
    values: dict[str, object] = {
        "number": 1,
        "integer": 1,
        "boolean": True,
        "array": [],
        "object": {},
    }
    return values.get(_type(schema), quoted[1] if quoted else prompt[:100])


def _is_schema(schema: object) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("enum", []), list)


def _type(schema: JsonObject) -> str:
    """Return a property's type; of several the first that is not null, "string" by default."""
    kinds = schema.get("type", "string")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return next((kind for kind in kinds if isinstance(kind, str) and kind != "null"), "string")
