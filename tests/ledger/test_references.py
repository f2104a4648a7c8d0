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
from connector.ledger.claims import Lease, Wish, claim
from connector.store import make_engine
from connector.store.ledger_rows import DONE, Entry
from tests.ledger.rows import Rows
from tests.support.charge_client import Desk
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
    desk: Desk, paywall: SandboxPaywall
) -> None:
    first, second = desk.charge(), desk.charge()
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.body["message"] == second.body["message"]
    assert len(paywall.asked("charge")) == 1


@pytest.mark.parametrize("changed", [{"amount": "2"}, {"user": "bob"}])
def test_the_same_reference_with_another_amount_or_user_is_refused(
    changed: dict[str, str], desk: Desk, paywall: SandboxPaywall
) -> None:
    desk.charge()
    refused = desk.charge(**changed)
    assert (refused.status, refused.outcome) == (422, "reference_reused")
    assert (refused.body["field"], refused.body["reference"]) == ("reference", "order-1")
    assert not refused.retryable
    assert len(paywall.asked("charge")) == 1


@pytest.mark.parametrize("spelling", ["1.50", "1.500000", "01.5"])
def test_the_same_amount_spelt_differently_is_the_same(
    spelling: str, desk: Desk, paywall: SandboxPaywall
) -> None:
    desk.charge()
    assert desk.charge(amount=spelling).duplicate
    assert len(paywall.asked("charge")) == 1


def test_a_refused_reference_is_not_free_for_other_values(desk: Desk) -> None:
    assert desk.charge(user="poor").outcome == "topup_required"
    assert desk.charge(user="ann").status == 422


def test_charges_and_deposits_have_references_of_their_own(
    desk: Desk, paywall: SandboxPaywall
) -> None:
    assert desk.charge().duplicate is False
    assert desk.deposit().duplicate is False
    assert (paywall.booked("charge"), paywall.booked("deposit")) == (ONCE, ONCE)
    assert set(paywall.keys("charge")).isdisjoint(paywall.keys("deposit"))


def test_another_paywall_does_not_see_the_reference(
    desk: Desk, paywall: SandboxPaywall, other: SandboxPaywall
) -> None:
    desk.charge()
    assert desk.charge(key=other.key, amount="2").duplicate is False
    assert (paywall.booked("charge"), other.booked("charge")) == (ONCE, [Decimal(2)])
    assert desk.charge().duplicate


def test_a_new_key_knows_the_old_references_where_upstream_tells_the_paywall(
    desk: Desk, paywall: SandboxPaywall
) -> None:
    paywall.tell_its_id()
    desk.charge()
    paywall.rotate()
    assert desk.charge().duplicate
    assert len(paywall.asked("charge")) == 1


def test_a_new_key_of_an_unnamed_paywall_is_still_protected_by_the_upstream_key(
    desk: Desk, paywall: SandboxPaywall, rows: Rows
) -> None:
    desk.charge()
    paywall.rotate()
    assert desk.charge().duplicate is False
    assert paywall.booked("charge") == ONCE
    assert [row.state for row in rows.all()] == [DONE, DONE]


def test_the_old_key_is_refused_after_a_rotation_and_the_reference_stays_free(
    desk: Desk, paywall: SandboxPaywall
) -> None:
    paywall.tell_its_id()
    old = paywall.key
    desk.charge(reference="order-0")
    paywall.rotate()
    refused = desk.charge(key=old)
    assert (refused.status, refused.retryable) == (401, False)
    assert desk.charge().duplicate is False
    assert desk.charge(key=old).status == 401
    assert len(paywall.booked("charge")) == 2


@pytest.fixture
def merged(desk: Desk, paywall: SandboxPaywall, rows: Rows) -> SandboxPaywall:
    """A paywall that was two here, with a charge under each, before upstream told its id; it has
    forgotten all it ever charged."""
    desk.charge(reference="under the first key")
    paywall.rotate()
    desk.charge(reference="under the second key")
    assert len({row.paywall_id for row in rows.all()}) == 2
    paywall.tell_its_id()
    rows.pass_trust()
    desk.prove()
    paywall.reset()
    paywall.tell_its_id()
    paywall.user("ann", balance="10")
    assert len(desk.prove().ids) == 2
    return paywall


@pytest.mark.parametrize("reference", ["under the first key", "under the second key"])
def test_two_local_paywalls_that_turn_out_to_be_one_share_their_references(
    reference: str, desk: Desk, merged: SandboxPaywall
) -> None:
    assert desk.charge(reference=reference).duplicate
    assert desk.charge(reference=reference, amount="2").status == 422
    assert merged.asked("charge") == []


def test_two_calls_of_a_merged_paywall_that_begin_together_are_one_charge(
    desk: Desk, merged: SandboxPaywall, database: str
) -> None:
    """Neither finds the reference; the second one comes upon the first one's row as it writes."""
    action, deadline, paywall = by_key("charge"), Deadline(24), desk.prove()
    assert action is not None
    wish = Wish(paywall, action, "ann", "1.5", "order-1", "hash")
    store, engine = desk.parts.store, make_engine(database, pool_size=1)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            assert isinstance(claim(connection, wish, deadline), Lease)
            second = pool.submit(store.write, lambda own: claim(own, wish, deadline))
            if engine.dialect.name == "postgresql":
                waiting = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                until(lambda: connection.execute(waiting).scalar())
        entry = second.result()
    engine.dispose()
    assert isinstance(entry, Entry)
    assert entry.leased
