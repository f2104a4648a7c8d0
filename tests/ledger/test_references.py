"""What a reference stands for: one paywall, one action, one user and one amount."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from sqlalchemy import text

from connector.catalog.actions import by_key
from connector.deadline import Deadline
from connector.ledger.claims import claim
from connector.ledger.intents import Intent, Lease
from connector.store import make_engine
from connector.store.ledger_rows import DONE, Entry
from tests.ledger.rows import Rows
from tests.support.charge_client import ChargeClient
from tests.support.processes import SandboxPaywall, Server, until

ONCE = [Decimal("1.5")]


@pytest.fixture
def other(upstream: Server) -> Iterator[SandboxPaywall]:
    """Another owner's paywall."""
    paywall = SandboxPaywall(upstream.address, f"other-{secrets.token_hex(8)}")
    paywall.user("ann", balance="10")
    yield paywall
    paywall.close()


def test_a_charged_reference_is_replayed_as_a_duplicate(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    first, second = charge_client.charge(), charge_client.charge()
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.body["message"] == second.body["message"]
    assert len(paywall.asked("charge")) == 1


@pytest.mark.parametrize("changed", [{"amount": "2"}, {"user": "bob"}])
def test_the_same_reference_with_another_amount_or_user_is_refused(
    changed: dict[str, str], charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    charge_client.charge()
    refused = charge_client.charge(**changed)
    assert (refused.status, refused.outcome) == (422, "reference_reused")
    assert (refused.body["field"], refused.body["reference"]) == ("reference", "order-1")
    assert not refused.retryable
    assert len(paywall.asked("charge")) == 1


@pytest.mark.parametrize("spelling", ["1.50", "1.500000", "01.5"])
def test_the_same_amount_spelt_differently_is_the_same(
    spelling: str, charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    charge_client.charge()
    assert charge_client.charge(amount=spelling).duplicate
    assert len(paywall.asked("charge")) == 1


def test_a_refused_reference_is_not_free_for_other_values(charge_client: ChargeClient) -> None:
    assert charge_client.charge(user="poor").outcome == "topup_required"
    assert charge_client.charge(user="ann").status == 422


def test_charges_and_deposits_have_references_of_their_own(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    assert charge_client.charge().duplicate is False
    assert charge_client.deposit().duplicate is False
    assert (paywall.booked("charge"), paywall.booked("deposit")) == (ONCE, ONCE)
    assert set(paywall.keys("charge")).isdisjoint(paywall.keys("deposit"))


def test_another_paywall_does_not_see_the_reference(
    charge_client: ChargeClient, paywall: SandboxPaywall, other: SandboxPaywall
) -> None:
    charge_client.charge()
    assert charge_client.charge(key=other.key, amount="2").duplicate is False
    assert (paywall.booked("charge"), other.booked("charge")) == (ONCE, [Decimal(2)])
    assert charge_client.charge().duplicate


def test_a_new_key_knows_the_old_references_where_upstream_tells_the_paywall(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.tell_its_id()
    charge_client.charge()
    paywall.rotate()
    assert charge_client.charge().duplicate
    assert len(paywall.asked("charge")) == 1


def test_a_new_key_of_an_unnamed_paywall_is_still_protected_by_the_upstream_key(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    charge_client.charge()
    paywall.rotate()
    assert charge_client.charge().duplicate is False
    assert paywall.booked("charge") == ONCE
    assert [row.state for row in rows.all()] == [DONE, DONE]


def test_the_old_key_is_refused_after_a_rotation_and_the_reference_stays_free(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.tell_its_id()
    old = paywall.key
    charge_client.charge(reference="order-0")
    paywall.rotate()
    refused = charge_client.charge(key=old)
    assert (refused.status, refused.retryable) == (401, False)
    assert charge_client.charge().duplicate is False
    assert charge_client.charge(key=old).status == 401
    assert len(paywall.booked("charge")) == 2


@pytest.fixture
def merged(charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows) -> SandboxPaywall:
    """A paywall that was two here, with a charge under each, before upstream told its id; it has
    forgotten all it ever charged."""
    charge_client.charge(reference="under the first key")
    paywall.rotate()
    charge_client.charge(reference="under the second key")
    assert len({row.paywall_id for row in rows.all()}) == 2
    paywall.tell_its_id()
    rows.pass_trust()
    charge_client.prove()
    paywall.reset()
    paywall.tell_its_id()
    paywall.user("ann", balance="10")
    assert len(charge_client.prove().ids) == 2
    return paywall


@pytest.mark.parametrize("reference", ["under the first key", "under the second key"])
def test_two_local_paywalls_that_turn_out_to_be_one_share_their_references(
    reference: str, charge_client: ChargeClient, merged: SandboxPaywall
) -> None:
    assert charge_client.charge(reference=reference).duplicate
    assert charge_client.charge(reference=reference, amount="2").status == 422
    assert merged.asked("charge") == []


def test_two_calls_of_a_merged_paywall_that_begin_together_are_one_charge(
    charge_client: ChargeClient, merged: SandboxPaywall, database: str
) -> None:
    """Neither finds the reference; the second one comes upon the first one's row as it writes."""
    action, deadline, paywall = by_key("charge"), Deadline(24), charge_client.prove()
    assert action is not None
    values = {"user": "ann", "amount": Decimal("1.5"), "reference": "order-1"}
    intent = Intent.of(paywall, action, charge_client.sender(), values)
    store, engine = charge_client.parts.store, make_engine(database, pool_size=1)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            assert isinstance(claim(connection, intent, deadline), Lease)
            second = pool.submit(store.write, lambda own: claim(own, intent, deadline))
            if engine.dialect.name == "postgresql":
                waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                until(lambda: connection.execute(waiting).scalar())
        entry = second.result()
    engine.dispose()
    assert isinstance(entry, Entry)
    assert entry.leased
