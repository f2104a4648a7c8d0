"""After 23 hours of doubt nothing is sent any more: an operator decides, by the command line."""

from __future__ import annotations

import gc
import warnings
from decimal import Decimal

import pytest
from click.testing import CliRunner, Result

from connector.cli.commands import main
from connector.store.ledger_rows import DONE, FREE, IN_DOUBT, PENDING, UNKNOWN
from tests.conftest import SECRET
from tests.ledger.rows import Rows
from tests.support.charge_client import ChargeClient
from tests.support.processes import SandboxPaywall

ONCE = [Decimal("1.5")]


def connector(database_url: str, *arguments: str) -> Result:
    """`connector ledger …` as the operator runs it."""
    environ = {"CONNECTOR_DATABASE_URL": database_url, "CONNECTOR_SECRET_KEYS": SECRET}
    with warnings.catch_warnings():
        # As a program it would end now, and its connections with it.
        warnings.simplefilter("ignore", ResourceWarning)
        result = CliRunner().invoke(main, ["ledger", *arguments], env=environ)
        gc.collect()
    return result


@pytest.fixture
def unknown(charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows) -> str:
    """The id of a row whose only request was lost 24 hours ago, and that was asked for again."""
    paywall.arm("charge", "drop_before_commit")
    charge_client.charge()
    rows.pass_hours(24)
    charge_client.charge()
    return rows.one().id


def test_within_23_hours_the_doubt_is_resolved_by_a_retry(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge()
    rows.pass_hours(22)
    paywall.advance(22 * 3600)
    assert charge_client.charge().outcome == "charged"
    assert paywall.booked("charge") == ONCE


def test_after_23_hours_nothing_is_sent_and_the_outcome_is_unknown(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge()
    rows.pass_hours(24)
    paywall.advance(24 * 3600)
    answer = charge_client.charge()
    assert (answer.status, answer.outcome, answer.duplicate) == (200, "unknown", False)
    assert answer.body["success"] is False
    assert "order-1" in answer.body["message"]
    assert charge_client.charge().outcome == "unknown"
    assert len(paywall.asked("charge")) == 1
    assert rows.one().state == UNKNOWN


def test_the_23_hours_count_from_the_first_time_it_was_sent(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.arm("charge", "drop_before_commit", times=2)
    charge_client.charge()
    rows.pass_hours(13)
    charge_client.charge()
    rows.pass_hours(13)
    assert charge_client.charge().outcome == "unknown"
    assert len(paywall.asked("charge")) == 2


def test_a_crash_23_hours_ago_is_unknown_too(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    with pytest.raises(KeyboardInterrupt):
        charge_client.attempt(interrupted)
    assert rows.one().state == IN_DOUBT
    rows.become(PENDING)
    rows.pass_hours(24)
    assert charge_client.charge().outcome == "unknown"
    assert paywall.asked("charge") == []


def interrupted(upstream_key: str) -> dict[str, object]:
    raise KeyboardInterrupt


def test_a_free_reference_is_never_too_old(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    charge_client.charge(user="poor")
    rows.pass_hours(1000)
    paywall.user("poor", balance="2")
    assert charge_client.charge(user="poor").outcome == "charged"
    assert rows.one().first_sent_at > rows.one().created_at


@pytest.mark.parametrize("state", ["unknown", "in_doubt"])
def test_the_list_shows_what_waits_for_a_decision(
    state: str, unknown: str, database: str, charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("charge", "http_500")
    charge_client.charge(reference="order-2")
    charge_client.charge(reference="order-3")
    shown = connector(database, "list", "--state", state).output
    assert ("reference order-1" in shown, unknown in shown) == ((state == "unknown",) * 2)
    assert ("reference order-2" in shown) == (state == "in_doubt")
    assert "order-3" not in shown


def test_the_list_shows_a_crashed_call_once_its_lease_has_ended(
    database: str, charge_client: ChargeClient, rows: Rows
) -> None:
    with pytest.raises(KeyboardInterrupt):
        charge_client.attempt(interrupted)
    rows.become(PENDING)
    rows.end_leases()
    assert "reference order-1" in connector(database, "list", "--state", "in_doubt").output


def test_resolved_as_charged_it_is_replayed_and_never_sent(
    unknown: str, database: str, charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    assert connector(database, "resolve", unknown, "--charged").exit_code == 0
    assert rows.one().state == DONE
    answer = charge_client.charge()
    assert (answer.outcome, answer.duplicate, answer.body["success"]) == ("charged", True, True)
    assert len(paywall.asked("charge")) == 1


def test_resolved_as_not_charged_a_retry_charges_under_a_new_upstream_key(
    unknown: str, database: str, charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    assert connector(database, "resolve", unknown, "--not-charged").exit_code == 0
    row = rows.one()
    assert (row.state, row.was_in_doubt) == (FREE, False)
    answer = charge_client.charge()
    assert (answer.outcome, answer.duplicate) == ("charged", False)
    first, second = paywall.keys("charge")
    assert first != second
    assert paywall.booked("charge") == ONCE


def test_a_row_in_doubt_can_be_resolved_before_the_23_hours_are_over(
    database: str, charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.arm("deposit", "http_500")
    charge_client.deposit()
    row = rows.one(action="deposit")
    assert connector(database, "resolve", row.id, "--charged").exit_code == 0
    answer = charge_client.deposit()
    assert (answer.outcome, answer.duplicate) == ("deposited", True)
    assert len(paywall.asked("deposit")) == 1


def test_a_row_of_an_action_that_is_not_there_is_not_decided(
    unknown: str, database: str, rows: Rows
) -> None:
    """Such as one of a newer version: nobody here knows the words for it."""
    rows.rename_action("gift")
    refused = connector(database, "resolve", unknown, "--charged")
    assert refused.exit_code == 2
    assert "no action called gift" in refused.output
    assert rows.one(action="gift").state == UNKNOWN


def test_what_is_decided_or_not_there_cannot_be_resolved(
    database: str, charge_client: ChargeClient, rows: Rows
) -> None:
    charge_client.charge()
    for_nobody = connector(database, "resolve", "led_0", "--charged")
    decided = connector(database, "resolve", rows.one().id, "--not-charged")
    assert (for_nobody.exit_code, decided.exit_code) == (2, 2)
    assert "nothing in doubt" in for_nobody.output
    assert rows.one().state == DONE


def test_what_is_being_worked_on_cannot_be_resolved(
    database: str, charge_client: ChargeClient, rows: Rows
) -> None:
    def perform(upstream_key: str) -> dict[str, object]:
        assert connector(database, "resolve", rows.one().id, "--not-charged").exit_code == 2
        return {"success": True, "outcome": "charged"}

    assert charge_client.attempt(perform)["outcome"] == "charged"


def test_the_operator_must_say_what_happened(unknown: str, database: str, rows: Rows) -> None:
    assert connector(database, "resolve", unknown).exit_code == 2
    assert rows.one().state == UNKNOWN
