"""The server's secrets change; the keys that were known stay known."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from connector.errors import KeyRefused
from connector.identity import Identity, SecretsMismatch, check_secrets, secret_tag
from connector.store import Store, secret_rows
from tests.conftest import KEY
from tests.identity.conftest import Vendor

OLD = "the-old-server-secret-0123456789abcdef"
NEW = "the-new-server-secret-0123456789abcdef"
DAYS = 90


def tags(store: Store) -> list[str]:
    """The secrets that the database depends on, and the one that each key is filed under."""
    with store.engine.connect() as connection:
        return list(connection.execute(text("SELECT secret_tag FROM paywall_keys")).scalars())


def let_days_pass(store: Store, days: int) -> None:
    """All keys were last used this many days earlier."""
    change = (
        "UPDATE paywall_keys SET verified_at = verified_at - :passed, "
        "created_at = created_at - :passed"
    )
    passed = {"passed": days * 86_400 * 1_000_000}
    store.write(lambda connection: connection.execute(text(change), passed))


def test_a_key_is_recognised_under_an_old_secret(store: Store, vendor: Vendor) -> None:
    before = Identity(store, [OLD]).prove(KEY, vendor.upstream(KEY))
    assert Identity(store, [NEW, OLD]).prove(KEY, vendor.upstream(KEY)) == before
    assert vendor.asked(KEY) == 1


def test_at_its_next_proof_a_key_is_filed_under_the_new_secret(
    store: Store, vendor: Vendor
) -> None:
    before = Identity(store, [OLD]).prove(KEY, vendor.upstream(KEY))
    let_days_pass(store, 1)
    assert Identity(store, [NEW, OLD]).prove(KEY, vendor.upstream(KEY)) == before
    assert tags(store) == [secret_tag(NEW)]
    assert Identity(store, [NEW]).prove(KEY, vendor.upstream(KEY)) == before


def test_without_the_old_secret_the_key_would_start_anew(store: Store, vendor: Vendor) -> None:
    """This is why `check_secrets` refuses to start."""
    before = Identity(store, [OLD]).prove(KEY, vendor.upstream(KEY))
    assert Identity(store, [NEW]).prove(KEY, vendor.upstream(KEY)).id != before.id


def test_the_service_does_not_start_without_a_secret_that_a_key_needs(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    Identity(store, [OLD]).prove(KEY, vendor.upstream(KEY))
    with pytest.raises(SecretsMismatch) as refusal:
        check_secrets(store, [NEW], DAYS)
    assert secret_tag(OLD) in str(refusal.value)
    assert OLD not in str(refusal.value)
    check_secrets(store, [NEW, OLD], DAYS)


def test_the_old_secret_can_go_once_every_key_is_filed_under_the_new_one(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    Identity(store, [OLD]).prove(KEY, vendor.upstream(KEY))
    check_secrets(store, [NEW, OLD], DAYS)
    let_days_pass(store, 1)
    Identity(store, [NEW, OLD]).prove(KEY, vendor.upstream(KEY))
    check_secrets(store, [NEW], DAYS)
    assert store.read(secret_rows.tags) == [secret_tag(NEW)]


def test_a_secret_of_keys_that_nobody_used_for_long_is_forgotten(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    Identity(store, [OLD]).prove(KEY, vendor.upstream(KEY))
    let_days_pass(store, DAYS + 1)
    check_secrets(store, [NEW], DAYS)
    assert store.read(secret_rows.tags) == [secret_tag(NEW)]


def test_a_key_that_upstream_refused_once_still_needs_its_secret(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    identity = Identity(store, [OLD])
    identity.prove(KEY, vendor.upstream(KEY))
    let_days_pass(store, DAYS + 1)
    identity.prove(KEY, vendor.upstream(KEY))
    let_days_pass(store, 1)
    vendor.fail(KEY, "http_401")
    with pytest.raises(KeyRefused):
        identity.prove(KEY, vendor.upstream(KEY))
    with pytest.raises(SecretsMismatch):
        check_secrets(store, [NEW], DAYS)


def test_new_secrets_are_noted_before_anything_depends_on_them(store: Store) -> None:
    check_secrets(store, [NEW, OLD], DAYS)
    check_secrets(store, [NEW, OLD], DAYS)
    assert sorted(store.read(secret_rows.tags)) == sorted([secret_tag(NEW), secret_tag(OLD)])
