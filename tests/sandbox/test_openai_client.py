"""The official OpenAI client against the sandbox, over a real socket."""

from collections.abc import Iterator

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

TOOL: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "charge_user",
        "description": "Charge a user",
        "parameters": {
            "type": "object",
            "properties": {"user": {"type": "string"}, "amount": {"type": "string"}},
            "required": ["user", "amount"],
        },
    },
}
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
CHARGE: list[ChatCompletionMessageParam] = [{"role": "user", "content": "charge user bob 1.25"}]


@pytest.fixture
def client(live: httpx.Client, server_url: str) -> Iterator[openai.OpenAI]:
    live.post("/_sandbox/users/ann", json={"balance": "10"})
    key = "sk-paywalls-sandbox-live"
    with openai.OpenAI(base_url=f"{server_url}/v1", api_key=key, max_retries=0) as client:
        yield client


def test_models_list(client: openai.OpenAI) -> None:
    assert "sandbox-echo" in [model.id for model in client.models.list()]


def test_chat_completion(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="sandbox-echo", messages=HELLO, user="ann")
    assert answer.choices[0].message.content == "You said: Hello"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10


def test_stream_with_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="sandbox-echo",
        messages=HELLO,
        user="ann",
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == "You said: Hello"
    assert chunks[-1].usage is not None


def test_tool_call_and_the_turn_after_it(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(
        model="sandbox-chat", messages=CHARGE, tools=[TOOL], user="ann"
    )
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.tool_calls is not None
    [call] = first.choices[0].message.tool_calls
    assert call.type == "function"
    assert call.function.arguments == '{"user": "bob", "amount": "1.25"}'
    second = client.chat.completions.create(
        model="sandbox-chat",
        messages=[
            *CHARGE,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": "charge_user", "arguments": call.function.arguments},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": call.id, "content": "charged"},
        ],
        tools=[TOOL],
        user="ann",
    )
    assert second.choices[0].message.content == "Done. The tool answered: charged"


def test_streamed_tool_call(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="sandbox-chat", messages=CHARGE, tools=[TOOL], user="ann", stream=True
    )
    parts = [
        part
        for chunk in stream
        for choice in chunk.choices
        for part in choice.delta.tool_calls or []
    ]
    assert parts[0].function is not None
    assert parts[0].function.name == "charge_user"
    arguments = [part.function.arguments or "" for part in parts if part.function]
    assert "".join(arguments) == '{"user": "bob", "amount": "1.25"}'


def test_wrong_key_is_an_authentication_error(server_url: str) -> None:
    with (
        openai.OpenAI(base_url=f"{server_url}/v1", api_key="sk-wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.models.list()
