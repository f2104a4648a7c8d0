"""What the sandbox's models say: always the same to the same messages."""

import math
from dataclasses import dataclass, field

from connector.sandbox.errors import SandboxError
from connector.sandbox.models import Model
from connector.sandbox.state import JsonObject
from connector.sandbox.tool_calls import ToolCall, wanted_call

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
SHOWN = 200


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's turn: words, or a call of one of the tools that were offered."""

    words: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    tool_call: ToolCall | None = field(default=None)


def reply_to(model: Model, body: JsonObject) -> Reply:
    """Return the model's answer to an OpenAI chat body; SandboxError 400 for bad messages."""
    messages = _messages(body)
    prompt_tokens = sum(4 + tokens(_content(message)) for message in messages)
    last = messages[-1]
    call = None
    if last["role"] not in ("tool", "function"):
        call = wanted_call(body, _last_prompt(messages))
    if call:
        cost = tokens(call.name) + tokens(call.arguments)
        return Reply("", "tool_calls", prompt_tokens, cost, call)
    words, reason = _shortened(_words(model, messages), _limit(body))
    return Reply(words, reason, prompt_tokens, tokens(words))


def tokens(text: str) -> int:
    """Return how many tokens a text counts: one per four characters begun."""
    return math.ceil(len(text) / 4)


def _messages(body: JsonObject) -> list[JsonObject]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise SandboxError(400, "'messages' must be a list with at least one message.")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise SandboxError(400, f"Each message needs a role: {', '.join(sorted(ROLES))}.")
    return messages


def _content(message: JsonObject) -> str:
    """Return a message's text; the parts of a list joined, "" for none."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return " ".join(part for part in parts if isinstance(part, str))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise SandboxError(400, "A message's 'content' must be a text or a list of parts.")
    return content


def _last_prompt(messages: list[JsonObject]) -> str:
    prompts = [_content(message) for message in messages if message["role"] == "user"]
    return prompts[-1] if prompts else ""


def _words(model: Model, messages: list[JsonObject]) -> str:
    last, prompt = messages[-1], _last_prompt(messages)
    if last["role"] in ("tool", "function"):
        return f"Done. The tool answered: {_content(last)}"
    system = " ".join(_content(m) for m in messages if m["role"] in ("system", "developer"))
    if model.id == "sandbox-echo":
        return f"You said: {prompt}" + (f"\nMy instructions: {system}" if system else "")
    shown = prompt if len(prompt) <= SHOWN else f"{prompt[:SHOWN]}…"
    count = len(prompt.split())
    counted = "1 word" if count == 1 else f"{count} words"
    follow = f' I keep to my instructions: "{system[:SHOWN]}".' if system else ""
    return (
        f'You asked: "{shown}" ({counted}). A real model would answer that here; '
        f"this is the sandbox, so nothing was sent to anyone.{follow}"
    )


def _limit(body: JsonObject) -> int | None:
    limit = body.get("max_tokens", body.get("max_completion_tokens"))
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise SandboxError(400, "'max_tokens' must be a whole number above 0.")
    return limit


def _shortened(words: str, limit: int | None) -> tuple[str, str]:
    if limit is None or tokens(words) <= limit:
        return words, "stop"
    return words[: limit * 4], "length"
