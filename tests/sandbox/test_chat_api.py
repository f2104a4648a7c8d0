"""Chat completions and models: metering, streams, and answers that hold a link."""

import json
from typing import Any

import httpx
import pytest


@pytest.fixture
def funded(client: httpx.Client) -> httpx.Client:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    return client


def body(prompt: str = "Hello", model: str = "sandbox-echo", **more: object) -> dict[str, object]:
    messages = [{"role": "user", "content": prompt}]
    return {"user": "ann", "model": model, "messages": messages, **more}


def chat(client: httpx.Client, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/v1/chat/completions", json=body(**more)).json()
    return answer


def words(answer: dict[str, Any]) -> str:
    content: str = answer["choices"][0]["message"]["content"]
    return content


def chunks(client: httpx.Client, **more: Any) -> list[dict[str, Any]]:
    with client.stream("POST", "/v1/chat/completions", json=body(stream=True, **more)) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in answer.iter_lines() if line]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def streamed_words(parts: list[dict[str, Any]]) -> str:
    deltas = [choice["delta"] for part in parts for choice in part["choices"]]
    return "".join(delta.get("content", "") for delta in deltas)


def test_models_are_listed_with_prices(client: httpx.Client) -> None:
    models = {model["id"]: model for model in client.get("/v1/models").json()["data"]}
    assert {"sandbox-echo", "sandbox-chat", "sandbox-slow-2"} <= set(models)
    assert models["sandbox-echo"]["pricing"] == {"prompt": "1", "completion": "2", "request": "0"}


def test_echo_repeats_the_prompt_and_counts_tokens(funded: httpx.Client) -> None:
    answer = chat(funded, prompt="Hello there")
    assert words(answer) == "You said: Hello there"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}


def test_chat_is_charged_by_tokens_and_request(funded: httpx.Client) -> None:
    usage = chat(funded, model="sandbox-chat")["usage"]
    cost = 0.001 + (usage["prompt_tokens"] * 5 + usage["completion_tokens"] * 15) / 1e6
    [row] = funded.get("/_sandbox/ledger").json()
    assert (row["type"], row["source"]) == ("charge", "chat")
    assert float(row["amount"]) == pytest.approx(cost)


def test_chat_without_funds_answers_with_the_topup_link(client: httpx.Client) -> None:
    answer = chat(client)
    link = client.get("/v1/user/balance/topup?user=ann").json()["url"]
    assert words(answer).endswith(link)
    assert "usage" not in answer


def test_chat_without_permission_answers_with_the_connect_link(shared: httpx.Client) -> None:
    answer = chat(shared)
    assert words(answer).endswith(shared.get("/v1/user/connect?user=ann").json()["url"])
    assert "usage" not in answer


def test_streamed_refusal_holds_the_link_too(client: httpx.Client) -> None:
    parts = chunks(client, stream_options={"include_usage": True})
    assert "/checkout/" in streamed_words(parts)
    assert not any("usage" in part for part in parts)


def test_stream_brings_the_same_words_in_pieces(funded: httpx.Client) -> None:
    parts = chunks(funded, prompt="one two three")
    assert streamed_words(parts) == "You said: one two three"
    assert parts[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in part for part in parts)


def test_stream_ends_with_usage_where_asked(funded: httpx.Client) -> None:
    last = chunks(funded, stream_options={"include_usage": True})[-1]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0


def test_stream_is_charged_at_its_end(funded: httpx.Client) -> None:
    chunks(funded)
    assert len(funded.get("/_sandbox/ledger").json()) == 1


def test_stream_that_the_client_leaves_is_charged_for_its_part(funded: httpx.Client) -> None:
    sent = body("word " * 50, stream=True)
    with funded.stream("POST", "/v1/chat/completions", json=sent) as answer:
        next(answer.iter_lines())
    whole = chat(funded, prompt="word " * 50)["usage"]["completion_tokens"]
    part, full = (float(row["amount"]) for row in funded.get("/_sandbox/ledger").json())
    assert 0 < part < full
    assert whole > 10


def test_slow_model_waits_as_long_as_its_name_says(funded: httpx.Client) -> None:
    answer = funded.post("/v1/chat/completions", json=body(model="sandbox-slow-0.05"))
    assert answer.elapsed.total_seconds() >= 0.05
    assert answer.json()["model"] == "sandbox-slow-0.05"


def test_failing_model_is_a_502_and_costs_nothing(funded: httpx.Client) -> None:
    answer = funded.post("/v1/chat/completions", json=body(model="sandbox-failing"))
    assert answer.status_code == 502
    assert funded.get("/_sandbox/ledger").json() == []


def test_max_tokens_cuts_the_answer(funded: httpx.Client) -> None:
    answer = chat(funded, prompt="Tell me a very long story", max_tokens=3)
    assert words(answer) == "You said: Te"
    assert answer["choices"][0]["finish_reason"] == "length"


def test_system_message_shows_in_the_answer(funded: httpx.Client) -> None:
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]
    assert "Be brief" in words(chat(funded, messages=messages))


def test_content_may_be_a_list_of_parts(funded: httpx.Client) -> None:
    parts = [{"type": "text", "text": "Hi"}, {"type": "text", "text": "you"}]
    answer = chat(funded, messages=[{"role": "user", "content": parts}])
    assert words(answer) == "You said: Hi you"


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": []},
        {"messages": "Hi"},
        {"messages": [{"role": "boss", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": 7}]},
        {"model": ""},
        {"stream": "yes"},
        {"max_tokens": 0},
        {"stream_options": []},
        {"user": ""},
        {"tools": [{"type": "function"}]},
        {"tools": "all"},
    ],
)
def test_bad_chat_is_a_400(funded: httpx.Client, wrong: dict[str, object]) -> None:
    refusal = funded.post("/v1/chat/completions", json={**body(), **wrong})
    assert refusal.status_code == 400
    assert refusal.json()["error"]["message"]


def test_unknown_model_is_a_404(funded: httpx.Client) -> None:
    assert funded.post("/v1/chat/completions", json=body(model="gpt-9")).status_code == 404
