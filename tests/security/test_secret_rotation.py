"""The server's secrets change; the keys that were known stay known."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, text, update

from connector.errors import KeyRefused
from connector.inbound.endpoints import Endpoints
from connector.security.encryption import Encryption
from connector.security.identity import Identity, secret_tag
from connector.security.secret_rotation import SecretsMismatch, check_secrets, lacking
from connector.store import (
    Store,
    chat_rows,
    hook_rows,
    kept_key_rows,
    sealed_rows,
    secret_rows,
    subscription_rows,
)
from connector.store.timestamps import now
from connector.store.trigger_tables import endpoints, subscriptions
from tests.conftest import KEY
from tests.security.conftest import Vendor

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


def add_hook(store: Store, secret: str, vendor: Vendor, *, keep_key: bool = True) -> str:
    """A hook whose secret is sealed under a server secret, and a kept key; the paywall's id."""
    paywall = Identity(store, [secret]).prove(KEY, vendor.upstream(KEY))
    encryption = Encryption([secret])

    def put(connection: Connection) -> None:
        hook_rows.insert(
            connection,
            paywall.id,
            target_url="https://receiver.example/hook",
            trigger="any_event",
            user_id="",
            sealed_secret=encryption.seal("whsec_of_the_hook"),
            most=10,
        )
        subscription_rows.ensure(connection, paywall.id)
        if keep_key:
            prints = tuple(Identity(store, [secret]).fingerprints(KEY).values())
            kept_key_rows.keep(connection, paywall.id, prints, encryption.seal(KEY))

    store.write(put)
    return paywall.id


def test_a_hook_needs_the_secret_that_it_is_sealed_under_however_old_the_keys_are(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    add_hook(store, OLD, vendor, keep_key=False)
    let_days_pass(store, DAYS + 1)
    with pytest.raises(SecretsMismatch) as refusal:
        check_secrets(store, [NEW], DAYS)
    assert "1 hook(s)" in str(refusal.value)
    assert secret_tag(OLD) in str(refusal.value)
    assert "Add the old secret again behind the new one" in str(refusal.value)
    assert store.read(secret_rows.tags) == [secret_tag(OLD)], "and a refusal changes nothing"


def test_a_kept_key_needs_its_secret_too(store: Store, vendor: Vendor) -> None:
    check_secrets(store, [OLD], DAYS)
    add_hook(store, OLD, vendor)
    let_days_pass(store, DAYS + 1)
    store.write(lambda connection: connection.execute(text("UPDATE hooks SET state = 'off'")))
    with pytest.raises(SecretsMismatch, match=r"1 key\(s\) kept for the worker"):
        check_secrets(store, [NEW], DAYS)
    store.write(kept_key_rows.forget_all)
    check_secrets(store, [NEW], DAYS)


def test_a_chat_of_the_last_day_needs_the_secret_that_it_was_asked_under(
    store: Store, vendor: Vendor
) -> None:
    """Its answer could not be opened, nor whether it is the same question be told."""
    check_secrets(store, [OLD], DAYS)
    identity = Identity(store, [OLD])
    paywall = identity.prove(KEY, vendor.upstream(KEY))
    tag, values_hash = next(iter(identity.keyed_hashes("chat", b"hello").items()))
    store.write(
        lambda connection: chat_rows.insert(
            connection,
            paywall_id=paywall.id,
            reference="message-1",
            user_id="ann",
            values_hash=values_hash,
            secret_tag=tag,
            callback_url="",
            token_id="",
        )
    )
    let_days_pass(store, DAYS + 1)
    with pytest.raises(SecretsMismatch, match=r"1 chat\(s\) with a reference"):
        check_secrets(store, [NEW], DAYS)
    store.write(lambda c: c.execute(text("UPDATE chats SET updated_at = updated_at - 90000000000")))
    check_secrets(store, [NEW], DAYS)


def test_a_start_with_both_secrets_seals_everything_under_the_new_one(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    add_hook(store, OLD, vendor)
    check_secrets(store, [NEW, OLD], DAYS)
    ((_, hook_secret),) = store.read(sealed_rows.hook_secrets)
    ((_, kept_key),) = store.read(sealed_rows.kept_keys)
    new = Encryption([NEW])
    assert (new.open(hook_secret), new.open(kept_key)) == ("whsec_of_the_hook", KEY)
    let_days_pass(store, DAYS + 1)
    check_secrets(store, [NEW], DAYS)
    assert store.read(secret_rows.tags) == [secret_tag(NEW)]


def test_the_address_at_which_hooks_get_their_events_needs_its_secret(
    store: Store, vendor: Vendor
) -> None:
    check_secrets(store, [OLD], DAYS)
    paywall_id = add_hook(store, OLD, vendor)
    made_under_old = Endpoints([OLD], "https://connector.example.com").new()
    made_under_new = Endpoints([NEW], "https://connector.example.com").new()
    point_at(store, paywall_id, made_under_old)
    check_secrets(store, [NEW, OLD], DAYS)
    let_days_pass(store, DAYS + 1)
    with pytest.raises(SecretsMismatch, match=r"the address for events of 1 paywall"):
        check_secrets(store, [NEW], DAYS)
    point_at(store, paywall_id, made_under_new)
    check_secrets(store, [NEW], DAYS)


def test_looking_for_lacking_secrets_changes_nothing(store: Store, vendor: Vendor) -> None:
    check_secrets(store, [OLD], DAYS)
    add_hook(store, OLD, vendor)
    result = lacking(store, [NEW], DAYS)
    assert (result.keys, result.hooks, result.kept_keys, result.addresses) == (1, 1, 1, 0)
    assert not lacking(store, [NEW, OLD], DAYS)
    assert store.read(secret_rows.tags) == [secret_tag(OLD)]


def point_at(store: Store, paywall_id: str, endpoint_id: str) -> None:
    """Upstream posts this paywall's events to this endpoint from now on."""

    def change(connection: Connection) -> None:
        row = {"id": endpoint_id, "paywall_id": paywall_id, "created_at": now()}
        connection.execute(endpoints.insert().values(**row))
        connection.execute(
            update(subscriptions)
            .where(subscriptions.c.paywall_id == paywall_id)
            .values(endpoint_id=endpoint_id)
        )

    store.write(change)
