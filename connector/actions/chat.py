"""Send Chat Message: ask an AI model, paid from the user's balance."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from connector.actions.call import Call
from connector.actions.refusals import explain, links_in
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.callbacks import callback_url, wait
from connector.catalog.fields import PROMPT_MAX, Count, Flag, Identifier, Number, Text, user_id
from connector.catalog.json_fields import Messages
from connector.catalog.outcomes import (
    ANSWERED,
    AUTHORIZATION_REQUIRED,
    DECLINED,
    MEANINGS,
    PENDING,
    TOPUP_REQUIRED,
    UNKNOWN,
)
from connector.catalog.references import chat_reference
from connector.jsontext import scalar

_NOTHING = "The model gave an empty answer."
_SILENT = {
    "length": "The answer was cut off before its first word.",
    "content_filter": "The answer was held back by the model's content filter.",
}


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
    reference = chat_reference()
    wait = wait()
    callback_url = callback_url()

    @validates_schema
    def _waits_for_a_reference(self, values: Values, **_: Any) -> None:
        if "reference" in values:
            return
        for name in ("wait", "callback_url"):
            if name in values:
                raise ValidationError(
                    f"“{self.fields[name].metadata['title']}” is for chats with a “Reference”: "
                    "fill it in too, such as the message number.",
                    "reference",
                )


class ChatOutput(Output):
    reply = Text(
        "Reply",
        "What the model said, also where it declined. Empty if it said nothing: then Message tells "
        "why.",
        example="Rain on the tin roof …",
    )
    model = Text("Model", "The model that answered.", example="gpt-4o-mini")
    finish_reason = Text("Finish Reason", "Why the model stopped.", example="stop")
    completion_id = Text("Completion", "The id of this answer.", example="chatcmpl-123")
    prompt_tokens = Count("Prompt Tokens", "Tokens in the question.", example=12)
    completion_tokens = Count("Completion Tokens", "Tokens in the answer.", example=40)
    total_tokens = Count("Total Tokens", "Tokens in all.", example=52)
    user = Text("User ID", "The user who asked.", example="user_42")
    reference = Text(
        "Reference", "The reference of this chat, if it has one.", example="message-1001"
    )
    duplicate = Flag(
        "Duplicate",
        "Yes when this reference had been asked before, so nothing was asked now.",
        example=False,
    )


def request_body(values: Values) -> dict[str, Any]:
    """The request in OpenAI's form: all that is sent upstream."""
    messages = list(values.get("messages") or [{"role": "user", "content": values["prompt"]}])
    if "system" in values:
        messages.insert(0, {"role": "system", "content": values["system"]})
    options: Values = {
        name: values[name] for name in ("temperature", "max_tokens") if name in values
    }
    body = {"model": values["model"], "messages": messages, "user": values["user"]}
    return {**body, "stream": False, **options}


@action(
    key="chat",
    label="Send Chat Message",
    sentence="Sends a message to an AI model and charges the user for the answer.",
    kind=Kind.WRITE,
    input=ChatInput,
    output=ChatOutput,
    outcomes={
        ANSWERED: "The model answered: see Reply. Without success, an answer that came more than a "
        "day ago and is not kept any more.",
        AUTHORIZATION_REQUIRED: MEANINGS[AUTHORIZATION_REQUIRED],
        TOPUP_REQUIRED: MEANINGS[TOPUP_REQUIRED],
        PENDING: "Only with a reference: the answer is not there yet. Send the same again to go on "
        "waiting, or wait for the callback.",
        UNKNOWN: "Only with a reference: the answer was lost, and nobody can tell whether it was "
        "paid for. Take a new reference to ask again.",
    },
    at_most_once=request_body,
)
def chat(call: Call, values: Values) -> Values:
    """An answer without `usage` was not metered: it is asked whether it stands for a refusal. With
    a reference only one that holds its link does, for a refusal frees the reference."""
    answer = call.upstream.chat(request_body(values))
    choice = answer["choices"][0]
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    reply = _said(message)
    usage = answer.get("usage")
    result = {
        "success": True,
        "outcome": ANSWERED,
        "message": reply or _why_silent(message, choice),
        "reply": reply,
        "model": scalar(answer.get("model")) or values["model"],
        "finish_reason": scalar(choice.get("finish_reason")),
        "completion_id": scalar(answer.get("id")),
        "user": values["user"],
    }
    if isinstance(usage, dict):
        return result | {
            name: usage[name] if isinstance(usage.get(name), int) else 0
            for name in ("prompt_tokens", "completion_tokens", "total_tokens")
        }
    outcome, link = explain(call.upstream, values["user"], reply, None)
    if outcome == DECLINED or ("reference" in values and link not in links_in(reply)):
        return result
    return result | {"success": False, "outcome": outcome, "action_url": link}


def _said(message: Values) -> str:
    """The text of a message; where there is none, the words in which the model declined.

    Source: https://platform.openai.com/docs/guides/structured-outputs (refusals).
    """
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = [p for p in parts if isinstance(p, dict)]
    said = "".join(scalar(part.get("text")) for part in texts)
    if said.strip():
        return said
    declined = "".join(scalar(part.get("refusal")) for part in texts)
    return declined or scalar(message.get("refusal"))


def _why_silent(message: Values, choice: Values) -> str:
    """A sentence for people instead of an answer without a word."""
    reason = choice.get("finish_reason")
    if message.get("tool_calls") or message.get("function_call"):
        return "The model asked for a tool instead of answering, and none can be used here."
    return _SILENT.get(reason, _NOTHING) if isinstance(reason, str) else _NOTHING
