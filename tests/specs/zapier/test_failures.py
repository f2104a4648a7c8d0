"""When something fails, Zapier shows one sentence that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.specs.zapier.builder import Builder, failure
from tests.specs.zapier.platform import Core, Failed
from tests.support.ports import free_port
from tests.support.processes import SandboxPaywall, Server, running_connector
from tests.triggers.delivery.receiver import running_receiver, says

pytestmark = pytest.mark.xdist_group("zapier")
ALWAYS = 1_000
STEPS = {
    "creates.charge": {"user": "ann", "amount": "1", "reference": "form-1"},
    "creates.use": {"user": "ann", "feature": "pdf-parse", "reference": "form-1"},
    "searches.usage": {"user": "ann", "feature": "pdf-parse"},
    "creates.refund": {"reference": "form-1"},
    "creates.deposit": {"user": "ann", "amount": "1", "reference": "form-1"},
    "creates.topup_link": {"user": "ann"},
    "creates.chat": {"user": "ann", "model": "sandbox-chat", "prompt": "canary prompt"},
    "creates.disconnect": {"user": "ann"},
    "searches.balance": {"user": "ann"},
    "searches.connection": {"user": "ann"},
    "searches.transactions": {"reference": "form-1"},
    "searches.models": {"search": "chat"},
    "triggers.models": {},
}


def run(builder: Builder, step: str) -> Any:
    """Run a step with everything it needs."""
    kind, name = step.split(".")
    if kind == "triggers":
        return builder.options(name)
    call = builder.create if kind == "creates" else builder.search
    return call(name, **STEPS[step])


def is_one_sentence_or_two(failed: Failed) -> bool:
    """Whether a person can read it, and Zapier shows all of it."""
    words = failed.message
    return words[0].isupper() and words.endswith(".") and "{" not in words and len(words) <= 250


@pytest.fixture(scope="module")
def cut_off(core: Core, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    """A builder whose connector does not reach Paywalls."""
    folder = tmp_path_factory.mktemp("cut-off")
    nobody = f"http://127.0.0.1:{free_port()}"
    database = f"sqlite:///{folder}/connector.sqlite3"
    with running_connector(database, nobody, folder) as server:
        yield Builder(core, server.address, "sk-paywalls-sandbox-cut-off")


@pytest.mark.parametrize("step", STEPS)
def test_with_paywalls_away_every_step_says_so(step: str, cut_off: Builder) -> None:
    failed = failure(lambda: run(cut_off, step))
    assert (failed.name, failed.said["status"]) == ("AppError", 503)
    assert failed.said["code"] == "upstream_unreachable"
    assert is_one_sentence_or_two(failed)


def test_a_failure_of_paywalls_is_told(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.arm("balance", "http_500", ALWAYS)
    failed = failure(lambda: builder.search("balance", user="ann"))
    assert (failed.name, failed.said["status"]) == ("AppError", 502)
    assert is_one_sentence_or_two(failed)


@pytest.mark.parametrize(
    ("operation", "step"),
    [("charge", "creates.charge"), ("chat", "creates.chat"), ("models", "searches.models")],
)
def test_too_many_calls_are_tried_again_later(
    operation: str, step: str, builder: Builder, paywall: SandboxPaywall
) -> None:
    paywall.user("ann", balance="10")
    paywall.arm(operation, "http_429", ALWAYS, seconds=60)
    failed = failure(lambda: run(builder, step))
    assert failed.name == "ThrottledError"
    assert failed.said["delay"] == 60
    assert is_one_sentence_or_two(failed)


def test_the_connectors_own_limit_is_tried_again_later(
    core: Core, zapier_sandbox: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("limited")
    database = f"sqlite:///{folder}/connector.sqlite3"
    limit = {"rate_limit": "1/hour"}
    with running_connector(database, zapier_sandbox.address, folder, **limit) as server:
        builder = Builder(core, server.address, "sk-paywalls-sandbox-limited")
        builder.connect()  # counted for the peer, because the key is not known yet
        builder.connect()
        failed = failure(builder.connect)
    assert failed.name == "ThrottledError"
    assert failed.said["delay"] > 0
    assert "too many calls" in failed.message


def told(builder: Builder, status: int, body: dict[str, object], headers: str = "") -> Failed:
    """What a charge throws when the connector gives this answer."""
    answer = says(status, f"Content-Type: application/json\r\n{headers}", json.dumps(body).encode())
    with running_receiver(answer) as receiver:
        away = builder.at(f"http://127.0.0.1:{receiver.port}")
        return failure(lambda: run(away, "creates.charge"))


def test_what_is_still_in_flight_is_asked_again_later(builder: Builder) -> None:
    failed = told(builder, 409, {"message": "It is being worked on."}, "Retry-After: 3\r\n")
    assert (failed.name, failed.said["delay"]) == ("ThrottledError", 3)


def test_a_demand_for_payment_halts(builder: Builder) -> None:
    failed = told(builder, 402, {"message": "Pay first.", "action_url": "https://pay.example/1"})
    assert failed.name == "HaltedError"
    assert failed.message == "Pay first. https://pay.example/1"


@pytest.mark.parametrize("link_in_words", [True, False])
def test_a_refusal_tells_the_builder_who_has_too_little_for_what(
    link_in_words: bool, builder: Builder
) -> None:
    link = "https://pay.example/1"
    words = f"Your balance is too low. {link}" if link_in_words else "Your balance is too low."
    answer = {
        "success": False,
        "outcome": "topup_required",
        "message": words,
        "action_url": link,
        "amount": "0.5",
    }
    failed = told(builder, 200, answer)
    assert failed.name == "HaltedError"
    assert failed.message == (
        f"User ann has too little balance for 0.5. Send them this link: {link}"
    )


@pytest.mark.parametrize(
    ("outcome", "wanted"),
    [
        ("authorization_required", "User ann has not allowed charges yet."),
        ("declined", "Paywalls declined to charge user ann for 1, and said: You cannot."),
    ],
)
def test_every_refusal_is_told_to_the_builder(outcome: str, wanted: str, builder: Builder) -> None:
    answer = {"success": False, "outcome": outcome, "message": "You cannot.", "action_url": ""}
    assert told(builder, 200, answer).message == wanted


def test_a_long_refusal_is_shortened_and_its_link_is_not(builder: Builder) -> None:
    link = "https://pay.example/" + "x" * 200
    answer = {"success": False, "outcome": "topup_required", "message": "No.", "action_url": link}
    failed = told(builder, 200, answer)
    assert failed.name == "HaltedError"
    assert failed.message.startswith("User ann has")
    assert failed.message.endswith(f"… {link}")
    assert len(failed.message) <= 250


def test_a_charge_that_nobody_knows_of_is_an_error_to_look_at(builder: Builder) -> None:
    words = "Nobody can tell whether the user was charged."
    answer = {"success": False, "outcome": "unknown", "message": words, "action_url": ""}
    failed = told(builder, 200, answer)
    assert (failed.name, failed.said["code"], failed.message) == ("AppError", "unknown", words)


def test_an_answer_that_says_nothing_gets_words(builder: Builder) -> None:
    failed = told(builder, 500, {"weird": {"message": 1}})
    assert failed.said["status"] == 500
    assert is_one_sentence_or_two(failed)
