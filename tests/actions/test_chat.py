"""Send Chat Message: an answer, or what the user must do first."""

from typing import Any

import pytest

from tests.actions.scripted import Scripted
from tests.api.builder import Builder, check_problem
from tests.conftest import BEARER

SHAPE = [
    "success",
    "outcome",
    "message",
    "action_url",
    "reply",
    "model",
    "finish_reason",
    "completion_id",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "user",
    "reference",
    "duplicate",
]
ASKED = {"user": "ann", "model": "sandbox-echo", "prompt": "a canary prompt"}


def chatted(builder: Builder, **values: Any) -> dict[str, Any]:
    answer = builder.post("chat", **values)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.get_json()
    assert list(result) == SHAPE
    assert None not in result.values()
    return result


def test_the_model_answers_and_the_tokens_are_told(builder: Builder) -> None:
    builder.user("ann", balance="9")
    result = chatted(builder, **ASKED)
    assert (result["success"], result["outcome"], result["action_url"]) == (True, "answered", "")
    assert result["reply"] == result["message"] == "You said: a canary prompt"
    assert (result["model"], result["finish_reason"]) == ("sandbox-echo", "stop")
    assert result["completion_id"].startswith("chatcmpl-")
    assert result["total_tokens"] == result["prompt_tokens"] + result["completion_tokens"] > 0


@pytest.mark.parametrize(
    "words",
    [
        {"prompt": "a canary prompt", "system": "Be brief."},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "a canary prompt"},
            ]
        },
        {"messages": '[{"role": "user", "content": "a canary prompt"}]', "system": "Be brief."},
        {
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "a canary prompt"}]},
            ]
        },
    ],
)
def test_prompt_and_system_are_the_same_as_messages(
    builder: Builder, words: dict[str, Any]
) -> None:
    builder.user("ann", balance="9")
    result = chatted(builder, user="ann", model="sandbox-echo", **words)
    assert result["reply"] == "You said: a canary prompt\nMy instructions: Be brief."


@pytest.mark.parametrize("limit", [2, "2", 2.0])
def test_max_tokens_shortens_the_answer(builder: Builder, limit: object) -> None:
    builder.user("ann", balance="9")
    result = chatted(builder, **ASKED, max_tokens=limit, temperature="0.7")
    assert (result["finish_reason"], result["completion_tokens"]) == ("length", 2)


@pytest.mark.parametrize("words", [{}, {"prompt": "canary prompt", "messages": [{"role": "user"}]}])
def test_exactly_one_of_prompt_and_messages_is_filled_in(
    builder: Builder, words: dict[str, Any]
) -> None:
    answer = builder.post("chat", user="ann", model="sandbox-echo", **words)
    problem = check_problem(answer, 422, "invalid_field", "prompt")
    assert "“Prompt” or “Messages”" in problem["message"]
    assert builder.operations() == []


def test_a_user_without_balance_gets_a_topup_link(builder: Builder) -> None:
    result = chatted(builder, **(ASKED | {"model": "sandbox-flat"}))
    assert (result["success"], result["outcome"]) == (False, "topup_required")
    assert "/checkout/" in result["action_url"]
    assert result["reply"] == result["message"]
    assert result["total_tokens"] == 0


def test_a_user_of_a_shared_paywall_must_authorize_first(shared_builder: Builder) -> None:
    result = chatted(shared_builder, **ASKED)
    assert (result["success"], result["outcome"]) == (False, "authorization_required")
    assert "/authorize/" in result["action_url"]


def test_placeholders_may_stand_in_what_people_write(builder: Builder) -> None:
    builder.user("ann", balance="9")
    result = chatted(builder, **(ASKED | {"prompt": "canary prompt {{name}}"}))
    assert result["reply"] == "You said: canary prompt {{name}}"


def test_a_metered_answer_causes_no_questions(builder: Builder) -> None:
    builder.user("ann", balance="9")
    chatted(builder, **ASKED)
    assert builder.operations() == ["chat"]


CONNECTED = {"connected": True, "message": "", "connectedUser": {}}


def test_an_unmetered_answer_to_somebody_who_can_pay_is_an_answer(scripted: Scripted) -> None:
    scripted.says = {
        "chat/completions": {"choices": [{"message": {"role": "assistant", "content": "Hello"}}]},
        "user/connect": CONNECTED,
        "user/balance": {"balance": "1", "balanceFormatted": "$1.00"},
    }
    answer = scripted.ask("chat", **ASKED)
    assert (answer["success"], answer["outcome"], answer["reply"]) == (True, "answered", "Hello")
    assert (answer["model"], answer["finish_reason"], answer["total_tokens"]) == (
        "sandbox-echo",
        "",
        0,
    )


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ({"content": None, "tool_calls": []}, ""),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab"),
        ({"content": {"odd": 1}}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_an_answer_of_any_shape_becomes_text(
    scripted: Scripted, message: object, reply: str
) -> None:
    scripted.says["chat/completions"] = {
        "id": 7,
        "model": None,
        "choices": [{"message": message, "finish_reason": None}],
        "usage": {"prompt_tokens": 1, "completion_tokens": "many"},
    }
    answer = scripted.ask("chat", **ASKED)
    assert (answer["reply"], answer["completion_id"], answer["finish_reason"]) == (reply, "7", "")
    assert (answer["prompt_tokens"], answer["completion_tokens"]) == (1, 0)


DECLINED = "I’m sorry, I cannot help with that."
TOOL_CALLS = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("message", "finish_reason", "reply", "says"),
    [
        # structured outputs of gpt-4o and later; the Responses shape that some proxies pass on
        ({"content": None, "refusal": DECLINED}, "stop", DECLINED, DECLINED),
        ({"content": "", "refusal": DECLINED}, "content_filter", DECLINED, DECLINED),
        (
            {"content": [{"type": "refusal", "refusal": DECLINED}], "refusal": None},
            "stop",
            DECLINED,
            DECLINED,
        ),
        ({"content": "Rain.", "refusal": None}, "stop", "Rain.", "Rain."),
        ({"content": "Rain.", "refusal": DECLINED}, "stop", "Rain.", "Rain."),
        # a conversation that spoke of tools; models of 2023
        ({"content": None, "tool_calls": TOOL_CALLS}, "tool_calls", "", "asked for a tool"),
        ({"content": None, "function_call": {"name": "f"}}, "stop", "", "asked for a tool"),
        ({"content": "Wait.", "tool_calls": TOOL_CALLS}, "tool_calls", "Wait.", "Wait."),
        # a reasoning model that spent all of Max Tokens on thinking; a filter; nothing at all
        ({"content": ""}, "length", "", "cut off before its first word"),
        ({"content": None}, "content_filter", "", "content filter"),
        ({"content": " \n"}, "stop", "", "empty answer"),
        ({"content": None, "refusal": ""}, ["odd"], "", "empty answer"),
    ],
)
def test_a_reply_without_words_is_explained(
    scripted: Scripted, message: object, finish_reason: object, reply: str, says: str
) -> None:
    scripted.says["chat/completions"] = {
        "id": "chatcmpl-1",
        "choices": [{"message": message, "finish_reason": finish_reason}],
        "usage": {},
    }
    answer = scripted.ask("chat", **ASKED)
    assert (answer["success"], answer["outcome"]) == (True, "answered")
    assert answer["reply"] == reply
    assert says in answer["message"]


@pytest.mark.parametrize("answer", [{}, {"choices": []}, {"choices": [1]}, [], "Hello", None, 5])
def test_something_that_is_no_completion_is_told_and_not_to_be_repeated(
    scripted: Scripted, answer: object
) -> None:
    scripted.says["chat/completions"] = answer if answer is not None else [None]
    refused = scripted.client.post("/v1/chat", json=ASKED, headers=BEARER)
    problem = check_problem(refused, 502, "upstream_failed")
    assert problem["retryable"] is False
    assert scripted.asked == ["chat/completions"]
