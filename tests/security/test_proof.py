"""A key proves a paywall: upstream is asked once in ten minutes, and its word counts at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import MetaData, text, update

from connector.errors import KeyRefused, UpstreamBroken
from connector.security.identity import Identity
from connector.store import Store, paywall_rows
from connector.store.paywall_rows import TRUST_SECONDS
from connector.store.tables import paywall_keys
from connector.store.timestamps import now
from tests.conftest import KEY, SECRET, SHARED_KEY
from tests.security.conftest import Vendor

UNKNOWN_KEY = "sk-paywalls-live-nobody-knows-this"


@pytest.fixture
def identity(store: Store) -> Identity:
    return Identity(store, [SECRET])


def let_pass(store: Store, seconds: int) -> None:
    """All proofs are this much older."""
    store.write(
        lambda connection: connection.execute(
            update(paywall_keys).values(verified_at=now(-seconds))
        )
    )


def test_upstream_is_asked_once_and_then_trusted(identity: Identity, vendor: Vendor) -> None:
    first = identity.prove(KEY, vendor.upstream(KEY))
    assert identity.prove(KEY, vendor.upstream(KEY)) == first
    assert vendor.asked(KEY) == 1


def test_trust_is_shared_by_all_workers(store: Store, vendor: Vendor) -> None:
    one, other = Identity(store, [SECRET]), Identity(store, [SECRET])
    assert one.prove(KEY, vendor.upstream(KEY)) == other.prove(KEY, vendor.upstream(KEY))
    assert vendor.asked(KEY) == 1


@pytest.mark.parametrize(("seconds", "asked"), [(TRUST_SECONDS - 60, 1), (TRUST_SECONDS + 1, 2)])
def test_after_ten_minutes_upstream_is_asked_again(
    seconds: int, asked: int, identity: Identity, store: Store, vendor: Vendor
) -> None:
    first = identity.prove(KEY, vendor.upstream(KEY))
    let_pass(store, seconds)
    assert identity.prove(KEY, vendor.upstream(KEY)) == first
    assert vendor.asked(KEY) == asked


def test_a_key_that_upstream_does_not_know_is_refused_and_not_kept(
    identity: Identity, store: Store, vendor: Vendor
) -> None:
    with pytest.raises(KeyRefused):
        identity.prove(UNKNOWN_KEY, vendor.upstream(UNKNOWN_KEY))
    keys = store.read(lambda connection: connection.execute(paywall_keys.select()).all())
    assert keys == []


def test_a_refusal_ends_the_trust_of_all_workers_at_once(store: Store, vendor: Vendor) -> None:
    one, other = Identity(store, [SECRET]), Identity(store, [SECRET])
    one.prove(KEY, vendor.upstream(KEY))
    one.distrust(KEY)
    assert other.prove(KEY, vendor.upstream(KEY)).id
    assert vendor.asked(KEY) == 2


def test_a_refused_proof_ends_the_trust(identity: Identity, store: Store, vendor: Vendor) -> None:
    identity.prove(KEY, vendor.upstream(KEY))
    let_pass(store, TRUST_SECONDS + 1)
    vendor.fail(KEY, "http_401")
    with pytest.raises(KeyRefused):
        identity.prove(KEY, vendor.upstream(KEY))
    assert identity.prove(KEY, vendor.upstream(KEY)).id


def test_while_upstream_fails_an_old_proof_does_not_count(
    identity: Identity, store: Store, vendor: Vendor
) -> None:
    identity.prove(KEY, vendor.upstream(KEY))
    let_pass(store, TRUST_SECONDS + 1)
    vendor.fail(KEY, "garbage")
    upstream = vendor.upstream(KEY).limited_to(0.9)  # too little to ask a second time
    with pytest.raises(UpstreamBroken):
        identity.prove(KEY, upstream)


def test_two_keys_are_two_paywalls_until_upstream_says_otherwise(
    identity: Identity, vendor: Vendor
) -> None:
    one = identity.prove(KEY, vendor.upstream(KEY))
    other = identity.prove(SHARED_KEY, vendor.upstream(SHARED_KEY))
    assert one.id != other.id
    assert (one.upstream_id, other.upstream_id) == ("", "")
    assert (one.ids, other.ids) == ((one.id,), (other.id,))


def test_a_new_key_of_a_known_paywall_finds_it(identity: Identity, vendor: Vendor) -> None:
    vendor.tell_id(KEY)
    before = identity.prove(KEY, vendor.upstream(KEY))
    new = vendor.rotate(KEY)
    after = identity.prove(new, vendor.upstream(new))
    assert (after.id, after.upstream_id) == (before.id, "pw_sandbox_default")
    assert before.id in after.ids


def test_paywalls_that_turn_out_to_be_one_are_merged(
    identity: Identity, store: Store, vendor: Vendor
) -> None:
    first = identity.prove(KEY, vendor.upstream(KEY))
    new = vendor.rotate(KEY)
    second = identity.prove(new, vendor.upstream(new))
    vendor.tell_id(new)
    let_pass(store, TRUST_SECONDS + 1)
    assert identity.prove(new, vendor.upstream(new)).ids == (second.id,)
    vendor.reset(new)
    vendor.tell_id(KEY)
    merged = identity.prove(KEY, vendor.upstream(KEY))
    assert merged.id == second.id
    assert set(merged.ids) == {first.id, second.id}
    assert identity.prove(KEY, vendor.upstream(KEY)) == merged  # now from the database


def test_paywalls_that_have_ids_of_their_own_are_never_merged(store: Store) -> None:
    """Whatever upstream says later: a key must not get at what another paywall stored."""

    def confirm(fingerprint: str, upstream_id: str) -> paywall_rows.Paywall:
        return store.write(
            lambda connection: paywall_rows.confirm(connection, {"tag": fingerprint}, upstream_id)
        )

    ann, bob = confirm("a", "pw_ann"), confirm("b", "pw_bob")
    again = confirm("a", "pw_bob")
    assert bob.id not in again.ids
    assert confirm("b", "pw_bob").ids == (bob.id,)
    assert ann.id != bob.id


def test_eight_first_uses_of_a_key_at_once_make_one_paywall(store: Store, vendor: Vendor) -> None:
    vendor.tell_id(KEY)
    identities = [Identity(store, [SECRET]) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        proven = list(pool.map(lambda one: one.prove(KEY, vendor.upstream(KEY)), identities))
    assert len({paywall.id for paywall in proven}) == 1
    assert {paywall.upstream_id for paywall in proven} == {"pw_sandbox_default"}


def test_first_uses_of_two_keys_of_one_paywall_at_once_are_merged(store: Store) -> None:
    identity = Identity(store, [SECRET])
    keys = [f"sk-paywalls-key-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: identity.learn(key, "pw_ann"), keys))
    proven = [identity.learn(key, "pw_ann") for key in keys]
    assert len({paywall.id for paywall in proven}) == 1


def test_the_database_holds_no_key_and_no_server_secret(
    identity: Identity, store: Store, vendor: Vendor, tmp_path: Path
) -> None:
    identity.prove(KEY, vendor.upstream(KEY))
    with store.engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        rows = [str(connection.execute(t.select()).all()) for t in tables.sorted_tables]
        keys = connection.execute(text("SELECT fingerprint FROM paywall_keys")).scalars().all()
    kept = "".join(rows).encode() + b"".join(
        file.read_bytes() for file in tmp_path.glob("connector.sqlite3*")
    )
    assert str(keys[0]).encode() in kept
    assert KEY.encode() not in kept
    assert SECRET.encode() not in kept
