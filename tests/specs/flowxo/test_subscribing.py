"""The one-off step brings a sample with every field, and events look like their sample."""

from __future__ import annotations

import pytest

from connector.triggers.definitions import TRIGGERS
from tests.specs.flowxo.conftest import FlowXO
from tests.support.processes import until
from tests.triggers.delivery.receiver import Receiver

pytestmark = pytest.mark.xdist_group("flowxo")


def greet(flowxo: FlowXO, user: str) -> None:
    """Give a new person a little, and wait for the event that tells which wallet is theirs."""
    step = flowxo.step("deposit")
    flowxo.send(step, "as_form", user=user, amount="0.25", reference=f"signup-{user}")
    address = f"{flowxo.found['address']}/v1/triggers/balance_deposit_created"

    def came() -> bool:
        answer = flowxo.http.get(address, params={"user": user}, headers=flowxo.paywall.bearer)
        return bool(answer.raise_for_status().json())

    until(came)


@pytest.mark.parametrize("way", ["as_form", "as_json"])
def test_the_step_as_it_is_written_brings_the_sample(
    flowxo: FlowXO, receiver: Receiver, way: str
) -> None:
    step = flowxo.found["subscribe"]
    assert flowxo.send(step, way, target_url=receiver.url).status_code == 201
    (push,) = receiver.wait(1)
    assert push.item["type"] == "paywall.balance.depleted"
    assert flowxo.send(step, way, target_url=receiver.url).status_code == 200
    assert receiver.wait(2)[1].item == push.item


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_sample_has_every_field_filled(flowxo: FlowXO, receiver: Receiver, trigger: str) -> None:
    step = flowxo.found["subscribe"]
    answer = flowxo.send(step, "as_json", target_url=receiver.url, trigger=trigger)
    assert answer.status_code == 201
    item = receiver.wait(1)[0].item
    assert {type(value) for value in item.values()} <= {str, int}
    assert all(str(value) for value in item.values())
    assert not [name for name in item if "__" in name or "." in name or name.startswith("$")]
    (told,) = (result for result in step["triggers"] if result["key"] == trigger)
    assert told["sample"] == item


def test_a_real_event_has_the_fields_of_the_sample(flowxo: FlowXO, receiver: Receiver) -> None:
    flowxo.send(flowxo.found["subscribe"], "as_form", target_url=receiver.url)
    greet(flowxo, "user_42")
    flowxo.send(flowxo.step("charge"), "as_form")
    sample, event = receiver.wait(2)[:2]
    assert list(event.item) == list(sample.item)
    assert event.item["user"] == "user_42"


def test_events_of_one_person_only(flowxo: FlowXO, receiver: Receiver) -> None:
    step, charge = flowxo.found["subscribe"], flowxo.step("charge")
    flowxo.send(step, "as_json", target_url=receiver.url, user="user_42")
    greet(flowxo, "user_41")
    greet(flowxo, "user_42")
    flowxo.send(charge, "as_json", user="user_41", reference="order-1000")
    flowxo.send(charge, "as_json")
    assert {push.item["user"] for push in receiver.wait(2)} == {"user_42"}


def test_a_webhook_address_that_was_not_filled_in_is_refused(flowxo: FlowXO) -> None:
    answer = flowxo.send(flowxo.found["subscribe"], "as_json", target_url="YOUR-HOOK")
    assert (answer.status_code, answer.json()["field"]) == (422, "target_url")
