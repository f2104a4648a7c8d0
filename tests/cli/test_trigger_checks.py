"""The doctor tells whether triggers work for all paywalls, and what to do where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from connector.cli.commands import main
from connector.cli.doctor import diagnose
from connector.cli.probe import Finding
from connector.security.encryption import Encryption
from connector.security.secret_rotation import check_secrets
from connector.store import (
    Store,
    delivery_rows,
    hook_rows,
    make_engine,
    migrate,
    paywall_rows,
    subscription_rows,
)
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, hooks, subscriptions
from tests.conftest import SECRET, settings_for

PUBLIC_URL = "https://connector.example.com"
OTHER = "another-server-secret-0123456789abcdef"
GONE = "The address answered 410: it does not want any more events."


@dataclass
class TriggerSetup:
    """A database with one paywall that has a hook, and the doctor who looks at it."""

    url: str
    store: Store
    paywall_id: str
    hook: hook_rows.Hook

    def found(self, name: str, **changed: str) -> Finding:
        """The doctor's finding of a name, a faulty one before a good one."""
        given = {"public_url": PUBLIC_URL, "upstream_url": "http://127.0.0.1:9/v1"} | changed
        findings = diagnose(settings_for(self.url, **given), 0.3)
        return min((one for one in findings if one.name == name), key=lambda one: one.ok)

    def subscription(self, **values: object) -> None:
        """Change the paywall's subscription."""
        self.store.write(lambda c: c.execute(update(subscriptions).values(**values)))

    def waiting(self, seconds: int) -> None:
        """A push to the hook that is due for so long."""
        self.store.write(lambda c: delivery_rows.add_sample(c, self.hook, "evt_1"))
        self.store.write(lambda c: c.execute(update(deliveries).values(next_at=now(-seconds))))


@pytest.fixture
def trigger_setup(database_url: str) -> Iterator[TriggerSetup]:
    store = Store(make_engine(database_url, pool_size=2))
    migrate.upgrade(store.engine)
    check_secrets(store, [SECRET], 90)
    encryption = Encryption([SECRET])
    paywall = store.write(lambda c: paywall_rows.confirm(c, {"tag": "fingerprint"}, "pw_1"))
    match = store.write(
        lambda c: hook_rows.insert(
            c,
            paywall.id,
            target_url="https://receiver.example/hook",
            trigger="any_event",
            user_id="",
            sealed_secret=encryption.seal("whsec_secret"),
            most=10,
        )
    )
    assert match is not None
    store.write(lambda c: subscription_rows.ensure(c, paywall.id))
    trigger_setup = TriggerSetup(database_url, store, paywall.id, match[0])
    trigger_setup.subscription(state=subscription_rows.READY, kept_key=encryption.seal("a key"))
    yield trigger_setup
    store.close()


@pytest.mark.parametrize("name", ["secrets", "webhooks", "hooks", "outbox", "gaps"])
def test_where_all_is_well_nothing_is_to_be_done(trigger_setup: TriggerSetup, name: str) -> None:
    finding = trigger_setup.found(name)
    assert finding.ok
    assert not finding.fix


def test_a_failed_subscription_is_told_with_its_sentence(trigger_setup: TriggerSetup) -> None:
    trigger_setup.subscription(state=subscription_rows.FAILED, problem="Paywalls refuses this key.")
    finding = trigger_setup.found("webhooks")
    assert not finding.ok
    assert f"{trigger_setup.paywall_id}: Paywalls refuses this key." in finding.sentence
    assert "tries again every minute" in finding.fix


def test_hooks_without_a_public_address_are_a_fault(trigger_setup: TriggerSetup) -> None:
    finding = trigger_setup.found("webhooks", public_url="")
    assert not finding.ok
    assert "CONNECTOR_PUBLIC_URL" in finding.fix


def test_a_paywall_whose_key_was_lost_is_told(trigger_setup: TriggerSetup) -> None:
    trigger_setup.subscription(kept_key=None)
    finding = trigger_setup.found("webhooks")
    assert finding.ok
    assert trigger_setup.paywall_id in finding.sentence
    assert "newest key" in finding.fix
    assert not trigger_setup.found("webhooks", keep_keys="false").fix, "where none shall be kept"


def test_a_hook_that_was_switched_off_is_told_with_its_reason(trigger_setup: TriggerSetup) -> None:
    off = update(hooks).values(state=hook_rows.OFF, problem=GONE)
    trigger_setup.store.write(lambda c: c.execute(off))
    finding = trigger_setup.found("hooks")
    assert finding.ok, "which is its owner's business"
    assert f"{trigger_setup.hook.id} (any_event): {GONE}" in finding.sentence
    assert "replay" in finding.fix


@pytest.mark.parametrize(
    ("run_worker", "told"), [("true", "connector serve"), ("false", "connector worker")]
)
def test_an_outbox_that_nobody_empties_is_a_fault(
    trigger_setup: TriggerSetup, run_worker: str, told: str
) -> None:
    trigger_setup.waiting(600)
    finding = trigger_setup.found("outbox", run_worker=run_worker)
    assert not finding.ok
    assert "1 push waits to be sent, the oldest for 10 minutes" in finding.sentence
    assert finding.fix.startswith(f"Start {told}")


def test_what_became_due_just_now_is_no_fault(trigger_setup: TriggerSetup) -> None:
    trigger_setup.waiting(30)
    finding = trigger_setup.found("outbox")
    assert finding.ok
    assert finding.sentence.startswith("1 push waits to be sent; the oldest is due for 3")


def test_what_waits_for_a_target_that_fails_is_not_the_workers_fault(
    trigger_setup: TriggerSetup,
) -> None:
    trigger_setup.waiting(600)
    trigger_setup.store.write(lambda c: c.execute(update(hooks).values(failing_since=now(-900))))
    assert trigger_setup.found("outbox").ok


def test_a_recent_gap_is_a_fault(trigger_setup: TriggerSetup) -> None:
    note = "More events than Paywalls shows may be missing. Their kinds: Balance Depleted (error)."
    trigger_setup.subscription(gap_since=now(-3600), gap_note=note)
    finding = trigger_setup.found("gaps")
    assert not finding.ok
    assert trigger_setup.paywall_id in finding.sentence
    assert "Balance Depleted (error)" in finding.sentence
    assert "Paywalls dashboard" in finding.fix


def test_an_old_gap_is_only_remembered(trigger_setup: TriggerSetup) -> None:
    trigger_setup.subscription(gap_since=now(-8 * 86_400), gap_note="Something.")
    finding = trigger_setup.found("gaps")
    assert finding.ok
    assert "before that: " in finding.sentence


def test_a_secret_that_hooks_need_is_told_before_a_start_is_refused(
    trigger_setup: TriggerSetup,
) -> None:
    finding = trigger_setup.found("secrets", secret_keys=OTHER)
    assert not finding.ok
    assert "On it depend: 1 hook(s), 1 key(s) kept for the worker." in finding.sentence
    assert "behind the new one" in finding.fix
    assert trigger_setup.found("secrets", secret_keys=f"{OTHER},{SECRET}").ok


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_nothing_starts_that_could_not_read_the_secrets_of_hooks(
    trigger_setup: TriggerSetup, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", trigger_setup.url)
    monkeypatch.setenv("CONNECTOR_SECRET_KEYS", OTHER)
    ended = CliRunner().invoke(main, [command])
    assert ended.exit_code == 2
    assert "The database needs a server secret that is not in CONNECTOR_SECRET_KEYS" in ended.output
    assert "hooks would get nothing" in ended.output
