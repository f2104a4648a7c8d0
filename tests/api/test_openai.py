"""Tools that speak OpenAI: the official client against a real connector and a real sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from tests.support.processes import SandboxPaywall, Server

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "a canary prompt"}]
CHARGE: list[ChatCompletionMessageParam] = [{"role": "user", "content": "charge user bob 1.25"}]
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


def client_at(address: str, key: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{address}/openai/v1", api_key=key, max_retries=0, timeout=30, **options
    )


@pytest.fixture
def client(connector: Server, paywall: SandboxPaywall) -> Iterator[openai.OpenAI]:
    paywall.user("ann", balance="10")
    with client_at(connector.address, paywall.key) as client:
        yield client


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert "sandbox-echo" in [model.id for model in client.models.list()]


def test_a_completion(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="sandbox-echo", messages=HELLO, user="ann")
    assert answer.choices[0].message.content == "You said: a canary prompt"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0


def test_a_stream_with_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="sandbox-echo",
        messages=HELLO,
        user="ann",
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == "You said: a canary prompt"
    assert chunks[-1].usage is not None


def test_a_tool_call_and_the_turn_after_it(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(
        model="sandbox-chat", messages=CHARGE, tools=[TOOL], user="ann"
    )
    assert first.choices[0].finish_reason == "tool_calls"
    assert first.choices[0].message.tool_calls is not None
    [call] = first.choices[0].message.tool_calls
    assert call.type == "function"
    assert call.function.name == "charge_user"
    function: Any = {"name": call.function.name, "arguments": call.function.arguments}
    second = client.chat.completions.create(
        model="sandbox-chat",
        messages=[
            *CHARGE,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": call.id, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": call.id, "content": "charged"},
        ],
        tools=[TOOL],
        user="ann",
    )
    assert second.choices[0].message.content == "Done. The tool answered: charged"


def test_a_streamed_tool_call(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="sandbox-chat", messages=CHARGE, tools=[TOOL], user="ann", stream=True
    )
    parts = [
        part.function
        for chunk in stream
        for choice in chunk.choices
        for part in choice.delta.tool_calls or []
        if part.function
    ]
    assert parts[0].name == "charge_user"
    assert json.loads("".join(part.arguments or "" for part in parts))["user"] == "bob"


def test_the_user_may_stand_in_a_header(connector: Server, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    with client_at(
        connector.address, paywall.key, default_headers={"X-Paywall-User": "ann"}
    ) as client:
        answer = client.chat.completions.create(model="sandbox-echo", messages=HELLO)
    assert answer.usage is not None
    assert [row["user"] for row in paywall.asked("chat")] == ["ann"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_arrives_as_the_assistants_words(client: openai.OpenAI, stream: bool) -> None:
    answer: Any = client.chat.completions.create(
        model="sandbox-flat", messages=HELLO, user="poor", stream=stream
    )
    if stream:
        words = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    else:
        words = answer.choices[0].message.content
    assert "/checkout/" in words


def test_a_wrong_key_is_an_authentication_error(connector: Server) -> None:
    with (
        client_at(connector.address, "sk-paywalls-wrong") as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model="sandbox-echo", messages=HELLO, user="ann")


def test_upstreams_own_errors_are_passed_on(client: openai.OpenAI, paywall: SandboxPaywall) -> None:
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.chat.completions.create(model="nope", messages=HELLO, user="ann")
    paywall.arm("chat", "http_429", seconds=7)
    with pytest.raises(openai.RateLimitError) as busy:
        client.chat.completions.create(model="sandbox-echo", messages=HELLO, user="ann")
    assert busy.value.response.headers["retry-after"] == "7"
    assert len(paywall.asked("chat")) == 2


@pytest.mark.parametrize("kind", ["drop_before_commit", "drop_after_commit", "http_500"])
def test_a_failure_is_told_and_never_sent_again(
    client: openai.OpenAI, paywall: SandboxPaywall, kind: str
) -> None:
    paywall.arm("chat", kind)
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="sandbox-echo", messages=HELLO, user="ann")
    assert len(paywall.asked("chat")) == 1


def test_a_body_with_images_may_have_20_mb(client: openai.OpenAI) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "x" * 1_100_000}]
    answer = client.chat.completions.create(model="sandbox-echo", messages=long, user="ann")
    assert answer.choices[0].finish_reason == "stop"


def test_a_body_over_20_mb_is_refused_in_openais_shape(client: openai.OpenAI) -> None:
    long: list[ChatCompletionMessageParam] = [{"role": "user", "content": "x" * 20_100_000}]
    with pytest.raises(openai.APIStatusError, match="smaller images") as refused:
        client.chat.completions.create(model="sandbox-echo", messages=long, user="ann")
    assert refused.value.status_code == 413


def test_the_base_address_of_the_actions_works_too(
    connector: Server, paywall: SandboxPaywall
) -> None:
    """n8n's test of a credential asks it for /models and finds it right."""
    paywall.user("ann", balance="10")
    base = f"{connector.address}/v1"
    assert httpx.get(f"{base}/models", headers=paywall.bearer, trust_env=False).status_code == 200
    with openai.OpenAI(base_url=base, api_key=paywall.key, max_retries=0) as client:
        asked: Any = {"model": "sandbox-echo", "messages": HELLO, "user": "ann"}
        assert client.chat.completions.create(**asked).choices[0].finish_reason == "stop"
        chunks = list(client.chat.completions.create(**asked, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        with pytest.raises(openai.UnprocessableEntityError, match="not said who pays"):
            client.chat.completions.create(**(asked | {"user": ""}))


def test_a_missing_key_is_refused_in_openais_shape(connector: Server) -> None:
    answer = httpx.get(f"{connector.address}/openai/v1/models", trust_env=False)
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
