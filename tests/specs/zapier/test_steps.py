"""Every action and search of the app, by Zapier's core, against a real connector."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.specs.zapier.builder import Builder, failure
from tests.specs.zapier.test_failures import STEPS, run
from tests.specs.zapier.test_triggers import respects
from tests.support.processes import SandboxPaywall, Server
from tests.support.slow_model import LONG_PATIENCE, SLOW_MODEL
from tests.triggers.delivery.receiver import Push, Receiver

pytestmark = pytest.mark.xdist_group("zapier")


@pytest.mark.parametrize("step", STEPS)
def test_every_answer_holds_what_the_sample_promises(
    step: str,
    builder: Builder,
    paywall: SandboxPaywall,
    definition: dict[str, Any],
    zapier_connector: Server,
) -> None:
    paywall.user("ann", balance="10")
    paywall.set_feature(zapier_connector, price="0.25")
    kind, name = step.split(".")
    run(builder, "creates.charge")  # so that there is something to be found
    answer = run(builder, step)
    items = answer if isinstance(answer, list) else [answer]
    assert items
    assert all(respects(item, definition[kind][name]["operation"]) for item in items)


def test_every_step_of_the_app_is_tried(definition: dict[str, Any]) -> None:
    hooks = {
        f"triggers.{k}"
        for k, t in definition["triggers"].items()
        if "display" in t and not t["display"].get("hidden")
    }
    every = {
        f"{kind}.{key}" for kind in ("creates", "searches", "triggers") for key in definition[kind]
    }
    assert set(STEPS) == every - hooks


def test_charge_takes_the_amount_with_its_notes(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    made = builder.create(
        "charge",
        user="ann",
        amount="0.50",
        reference="form-1",
        description="One image",
        metadata={"plan": "pro"},
        on_refusal="stop",
    )
    assert (made["success"], made["outcome"], made["duplicate"]) == (True, "charged", False)
    assert paywall.booked("charge") == [Decimal("0.5")]


def test_charge_needs_only_the_required_fields(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    assert builder.create("charge", user="ann", amount=0.5, reference="f-1")["amount"] == "0.5"


def test_the_same_reference_twice_charges_once(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    first, again = (
        builder.create("charge", user="ann", amount="1", reference="form-1") for _ in range(2)
    )
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert paywall.balance("ann") == Decimal("9")


def test_without_money_the_run_is_halted_with_the_link(
    builder: Builder, paywall: SandboxPaywall
) -> None:
    failed = failure(lambda: builder.create("charge", user="bob", amount="3", reference="form-2"))
    link = builder.create("topup_link", user="bob")["action_url"]
    assert failed.name == "HaltedError"
    assert link in failed.message
    assert "\n" not in failed.message
    assert paywall.booked("charge") == []


def test_with_continue_the_answer_has_the_link(builder: Builder, paywall: SandboxPaywall) -> None:
    made = builder.create(
        "charge", user="bob", amount="3", reference="form-2", on_refusal="continue"
    )
    assert (made["success"], made["outcome"]) == (False, "topup_required")
    assert made["action_url"] == builder.create("topup_link", user="bob")["action_url"]
    paywall.user("bob", balance="5")
    assert builder.create("charge", user="bob", amount="3", reference="form-2")["success"]


def test_who_has_not_allowed_charges_is_sent_the_link(builder: Builder) -> None:
    shared = builder.keyed("sk-paywalls-sandbox-shared")
    failed = failure(lambda: shared.create("charge", user="cy", amount="1", reference="form-3"))
    (match,) = shared.search("connection", user="cy")
    assert failed.name == "HaltedError"
    assert match["outcome"] == "not_connected"
    assert match["action_url"] in failed.message


def test_deposit_adds_once_per_reference(builder: Builder, paywall: SandboxPaywall) -> None:
    filled_in = {"user": "ann", "amount": "5", "reference": "signup-ann", "metadata": {"a": "b"}}
    first, again = (builder.create("deposit", **filled_in) for _ in range(2))
    assert (first["outcome"], first["balance"], again["duplicate"]) == ("deposited", "5", True)
    assert paywall.booked("deposit") == [Decimal("5")]


def test_a_deposit_that_the_paywall_does_not_take_is_an_error(builder: Builder) -> None:
    shared = builder.keyed("sk-paywalls-sandbox-shared")
    failed = failure(lambda: shared.create("deposit", user="cy", amount="1", reference="d-1"))
    assert (failed.name, failed.said["code"]) == ("AppError", "not_supported")
    assert "topped up with a link" in failed.message


def test_topup_link_is_there_at_once(builder: Builder) -> None:
    made = builder.create("topup_link", user="ann")
    assert made["outcome"] == "ready"
    assert made["action_url"].startswith("http")


@pytest.mark.parametrize("user", ["a/b?c=d&e#f", "jörg müller", "%2e%2e/admin", "a+b@example.com"])
def test_a_user_with_odd_signs_stays_the_same_person(
    user: str, builder: Builder, paywall: SandboxPaywall
) -> None:
    assert builder.create("deposit", user=user, amount="2", reference="odd")["user"] == user
    assert builder.search("balance", user=user)[0]["balance"] == "2"


def test_chat_answers_and_charges(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    made = builder.create(
        "chat",
        user="ann",
        model="sandbox-chat",
        prompt="canary prompt",
        system="Be short.",
        temperature=0.5,
        max_tokens=50,
        on_refusal="stop",
    )
    assert made["outcome"] == "answered"
    assert "canary prompt" in made["reply"]
    assert paywall.balance("ann") < 10


def test_a_prompt_keeps_its_double_braces(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    prompt = "canary prompt with {{name}} and {{ other }}"
    made = builder.create("chat", user="ann", model="sandbox-chat", prompt=prompt)
    assert prompt in made["reply"]


def test_no_prompt_is_said_and_nobody_asked(builder: Builder, paywall: SandboxPaywall) -> None:
    failed = failure(lambda: builder.create("chat", user="ann", model="sandbox-chat"))
    assert failed.message == "Fill in “prompt”: the step before gave no value for it."
    assert paywall.asked("chat") == []


CHAT = {
    "user": "ann",
    "model": "sandbox-echo",
    "prompt": "canary prompt",
    "reference": "message-1",
}


def test_a_chat_that_takes_longer_than_a_step_goes_on_when_it_is_answered(
    builder: Builder, paywall: SandboxPaywall, target: Receiver
) -> None:
    """A real callback from the connector; the answer is asked for once."""
    paywall.user("ann", balance="10")
    paywall.arm("chat", "hold", seconds=60)
    begun, status = builder.begin("chat", target.url, **CHAT)
    assert (begun["outcome"], status) == ("pending", "CALLBACK")
    assert target.pushes == []
    paywall.release()
    made = builder.resume("chat", target.wait(1)[0], begun, **CHAT)
    assert (made["outcome"], made["reply"]) == ("answered", "You said: canary prompt")
    assert len(paywall.asked("chat")) == 1


@pytest.mark.proof
def test_a_model_that_thinks_for_90_seconds_is_asked_and_paid_once(
    builder: Builder, paywall: SandboxPaywall, target: Receiver
) -> None:
    paywall.user("ann", balance="10")
    chat = CHAT | {"model": SLOW_MODEL}
    begun, status = builder.begin("chat", target.url, **chat)
    assert (begun["outcome"], status) == ("pending", "CALLBACK")
    made = builder.resume("chat", target.wait(1, LONG_PATIENCE)[0], begun, **chat)
    assert made["outcome"] == "answered"
    assert len(paywall.asked("chat")) == len(paywall.booked("charge")) == 1


def test_a_chat_that_is_answered_in_time_needs_no_callback(
    builder: Builder, paywall: SandboxPaywall, target: Receiver
) -> None:
    paywall.user("ann", balance="10")
    for _ in range(2):  # the second time Zapier replays the step
        made, status = builder.begin("chat", target.url, **CHAT)
        assert (made["outcome"], status) == ("answered", "SUCCESS")
    assert len(paywall.asked("chat")) == 1
    assert target.pushes == []


def test_a_refusal_that_comes_by_callback_halts_or_goes_on(
    builder: Builder, paywall: SandboxPaywall, target: Receiver
) -> None:
    paywall.user("ann", balance="0")
    paywall.arm("chat", "hold", seconds=60)
    begun, status = builder.begin("chat", target.url, **CHAT)
    assert status == "CALLBACK"
    paywall.release()
    push = target.wait(1)[0]
    failed = failure(lambda: builder.resume("chat", push, begun, **CHAT))
    assert failed.name == "HaltedError"
    made = builder.resume("chat", push, begun, **CHAT, on_refusal="continue")
    assert made["outcome"] == "topup_required"
    assert made["action_url"] in failed.message


def test_what_strangers_post_to_a_callback_address_is_not_believed(
    builder: Builder, paywall: SandboxPaywall
) -> None:
    paywall.user("ann", balance="10")
    forged = Push({}, b'{"success": true, "outcome": "answered", "reply": "forged"}', 0.0)
    made = builder.resume("chat", forged, {}, **CHAT)
    assert made["reply"] == "You said: canary prompt"


def test_trying_a_long_chat_in_the_editor_waits_for_no_callback(
    builder: Builder, paywall: SandboxPaywall
) -> None:
    paywall.user("ann", balance="10")
    paywall.arm("chat", "hold", seconds=60)
    assert builder.try_out("chat", **CHAT)["outcome"] == "pending"
    paywall.release()


def test_chat_without_money_halts_or_goes_on(builder: Builder) -> None:
    asked = {"user": "bob", "model": "sandbox-chat", "prompt": "canary prompt"}
    failed = failure(lambda: builder.create("chat", **asked))
    made = builder.create("chat", **asked, on_refusal="continue")
    assert failed.name == "HaltedError"
    assert made["outcome"] == "topup_required"
    assert made["action_url"] in failed.message


def test_disconnect_takes_the_permission_back(builder: Builder) -> None:
    shared = builder.keyed("sk-paywalls-sandbox-shared")
    assert shared.create("disconnect", user="dee")["outcome"] == "disconnected"


def test_balance_with_a_minimum_tells_whether_it_is_enough(
    builder: Builder, paywall: SandboxPaywall
) -> None:
    paywall.user("ann", balance="4.50")
    assert builder.search("balance", user="ann")[0]["balance"] == "4.5"
    assert builder.search("balance", user="ann", minimum="4.5")[0]["outcome"] == "sufficient"
    (low,) = builder.search("balance", user="ann", minimum="4.51")
    assert low["outcome"] == "insufficient"
    assert low["action_url"].startswith("http")


def test_a_feature_is_free_then_charged_then_at_its_cap(
    builder: Builder, paywall: SandboxPaywall, zapier_connector: Server
) -> None:
    paywall.user("ann", balance="5")
    paywall.set_feature(zapier_connector, price="0.25", free_per_day=1, cap_per_user_day="0.25")
    told = [
        builder.create("use", user="ann", feature="pdf-parse", reference=f"form-{number}")
        for number in range(2)
    ]
    assert [one["outcome"] for one in told] == ["free", "charged"]
    stopped = failure(
        lambda: builder.create("use", user="ann", feature="pdf-parse", reference="form-3")
    )
    assert stopped.name == "HaltedError"
    assert stopped.message.startswith("User ann has reached the limit of today")
    (left,) = builder.search("usage", user="ann", feature="pdf-parse")
    assert (left["outcome"], left["spent_today"]) == ("cap_reached", "0.25")


def test_a_transaction_is_found_by_its_reference(builder: Builder, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="5")
    builder.create("charge", user="ann", amount="1", reference="found-1")
    (row,) = builder.search("transactions", reference="found-1")
    assert (row["user"], row["happened"], row["result"]) == ("ann", True, "charged")
    assert builder.search("transactions", reference="found-2") == []


def test_models_are_found_by_part_of_their_name(builder: Builder) -> None:
    assert "sandbox-chat" in [m["id"] for m in builder.search("models", search="chat")]
    assert builder.search("models", search="no such model") == []


def test_the_model_dropdown_has_names_and_ids(builder: Builder) -> None:
    options = builder.options("models")
    assert "sandbox-chat" in [option["id"] for option in options]
    assert all(option["name"] for option in options)


@pytest.mark.parametrize("name", ["user", "reference"])
def test_a_value_with_double_braces_is_refused_not_shortened(
    name: str, builder: Builder, paywall: SandboxPaywall
) -> None:
    filled_in = {"user": "ann", "amount": "1", "reference": "form-1"} | {name: "form-{{id}}"}
    failed = failure(lambda: builder.create("charge", **filled_in))
    assert (failed.said["status"], failed.said["code"]) == (422, "invalid_field")
    assert "placeholder" in failed.message
    assert paywall.asked("charge") == []


class TestTried:
    """What somebody sees who tests a step while building the Zap."""

    @pytest.mark.parametrize("name", ["charge", "use", "deposit", "refund"])
    def test_nothing_is_moved(
        self, name: str, builder: Builder, paywall: SandboxPaywall, zapier_connector: Server
    ) -> None:
        paywall.user("ann", balance="10")
        paywall.set_feature(zapier_connector, price="0.25")
        if name == "refund":
            run(builder, "creates.charge")
        booked = paywall.booked("charge"), paywall.booked("deposit")
        told = builder.try_out(name, **STEPS[f"creates.{name}"])
        assert (told["success"], told["outcome"]) == (False, f"would_{name}")
        assert (paywall.booked("charge"), paywall.booked("deposit")) == booked

    def test_a_user_who_cannot_pay_does_not_stop_the_test(
        self, builder: Builder, paywall: SandboxPaywall
    ) -> None:
        told = builder.try_out("charge", user="poor", amount="5", reference="form-1")
        assert told["outcome"] == "topup_required"
        assert told["action_url"].startswith("http")

    def test_who_wants_it_to_count_says_so(self, builder: Builder, paywall: SandboxPaywall) -> None:
        paywall.user("ann", balance="10")
        values = {"user": "ann", "amount": "1", "reference": "form-1", "when_tested": "count"}
        assert builder.try_out("charge", **values)["outcome"] == "charged"
        assert builder.create("charge", **values)["duplicate"] is True

    def test_a_switched_on_zap_always_counts(
        self, builder: Builder, paywall: SandboxPaywall
    ) -> None:
        paywall.user("ann", balance="10")
        values = {"user": "ann", "amount": "1", "reference": "form-1", "when_tested": "check"}
        assert builder.create("charge", **values)["outcome"] == "charged"

    def test_what_is_wrong_is_told_as_ever(self, builder: Builder) -> None:
        values = {"user": "ann", "amount": "0", "reference": "form-1"}
        failed = failure(lambda: builder.try_out("charge", **values))
        assert "must be above 0" in failed.message
