"""Send Chat Message: ask an AI model, paid from the user's balance."""

from __future__ import annotations

from typing import Any

from connector.actions.call import Call
from connector.actions.refusals import explain
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import PROMPT_MAX, Count, Identifier, Messages, Number, Text, user_id
from connector.catalog.outcomes import AUTHORIZATION_REQUIRED, DECLINED, MEANINGS, TOPUP_REQUIRED
from connector.jsontext import scalar


class ChatInput(Input):
    one_of = ("prompt", "messages")

    user = user_id()
    model = Identifier(
        "Model",
        "Which AI model answers. “List Models” shows the names.",
        example="gpt-4o-mini",
        max_length=200,
        required=True,
    )
    prompt = Text(
        "Prompt",
        "What to ask the model.",
        choice="Fill in either this or Messages.",
        example="Write a haiku about rain.",
        max_length=PROMPT_MAX,
        template_ok=True,
    )
    messages = Messages(
        "Messages",
        "A whole conversation instead of one Prompt.",
        example=[{"role": "user", "content": "Hello"}],
        template_ok=True,
    )
    system = Text(
        "Instructions",
        "How the model should behave.",
        example="You are a friendly shop assistant.",
        max_length=PROMPT_MAX,
        template_ok=True,
    )
    temperature = Number(
        "Temperature",
        "0 for the same answer every time, up to 2 for surprising ones.",
        example=0.7,
        low=0,
        high=2,
    )
    max_tokens = Count(
        "Max Tokens",
        "The longest answer to allow, in tokens (about ¾ of a word each).",
        example=300,
        low=1,
        high=1_000_000,
    )


class ChatOutput(Output):
    reply = Text("Reply", "What the model said.", example="Rain on the tin roof …")
    model = Text("Model", "The model that answered.", example="gpt-4o-mini")
    finish_reason = Text("Finish Reason", "Why the model stopped.", example="stop")
    completion_id = Text("Completion", "The id of this answer.", example="chatcmpl-123")
    prompt_tokens = Count("Prompt Tokens", "Tokens in the question.", example=12)
    completion_tokens = Count("Completion Tokens", "Tokens in the answer.", example=40)
    total_tokens = Count("Total Tokens", "Tokens in all.", example=52)


@action(
    key="chat",
    label="Send Chat Message",
    sentence="Sends a message to an AI model and charges the user for the answer.",
    kind=Kind.WRITE,
    input=ChatInput,
    output=ChatOutput,
    outcomes={
        "answered": "The model answered: see Reply.",
        AUTHORIZATION_REQUIRED: MEANINGS[AUTHORIZATION_REQUIRED],
        TOPUP_REQUIRED: MEANINGS[TOPUP_REQUIRED],
    },
)
def chat(call: Call, values: Values) -> Values:
    """An answer without `usage` was not metered: it is asked whether it stands for a refusal."""
    answer = call.upstream.chat(_body(values))
    choice = answer["choices"][0]
    message = choice.get("message")
    reply = _reply(message.get("content") if isinstance(message, dict) else None)
    usage = answer.get("usage")
    result = {
        "success": True,
        "outcome": "answered",
        "message": reply,
        "reply": reply,
        "model": scalar(answer.get("model")) or values["model"],
        "finish_reason": scalar(choice.get("finish_reason")),
        "completion_id": scalar(answer.get("id")),
    }
    if isinstance(usage, dict):
        return result | {
            name: usage[name] if isinstance(usage.get(name), int) else 0
            for name in ("prompt_tokens", "completion_tokens", "total_tokens")
        }
    outcome, link = explain(call.upstream, values["user"], reply, None)
    if outcome == DECLINED:
        return result
    return result | {"success": False, "outcome": outcome, "action_url": link}


def _body(values: Values) -> dict[str, Any]:
    """The request in OpenAI's form."""
    messages = list(values.get("messages") or [{"role": "user", "content": values["prompt"]}])
    if "system" in values:
        messages.insert(0, {"role": "system", "content": values["system"]})
    options: Values = {
        name: values[name] for name in ("temperature", "max_tokens") if name in values
    }
    body = {"model": values["model"], "messages": messages, "user": values["user"]}
    return {**body, "stream": False, **options}


def _reply(content: object) -> str:
    """The text of a message: a string, or the text parts of a list."""
    if isinstance(content, list):
        return "".join(scalar(p.get("text")) for p in content if isinstance(p, dict))
    return scalar(content)
