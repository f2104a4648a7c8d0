"""Both names of the vendor work in every place, and a third one would be one row."""

from __future__ import annotations

import secrets

import pytest
from flask.testing import FlaskClient

from connector.brands import (
    BRANDS,
    OPENSTACK,
    PAYWALLS,
    Brand,
    canonical,
    holds_key,
    signatures,
    spellings,
)
from connector.catalog.events import EVENTS
from connector.sandbox import create_sandbox
from connector.telemetry.redaction import redact, redact_text
from connector.upstream.failures import REFUSED_KEY
from tests.conftest import settings_for

EACH = pytest.mark.parametrize("brand", BRANDS.values(), ids=BRANDS)


@EACH
def test_a_key_is_never_logged_wherever_it_stands(brand: Brand) -> None:
    key = f"{brand.key_prefix}{secrets.token_hex(12)}"
    for text in (
        f"Bearer {key}",
        f"Bearer{key}",
        f"/v1/me?api_key={key}&a=b",
        f"https%3A%2F%2Fa%2F{key}",
        f'{{"key":"{key}"}}',
        f"no{key}",
        key,
    ):
        assert key[-12:] not in redact_text(text), text
    assert key[-12:] not in str(redact({"x": [{key: (key, f"at {key}.")}]}))


@EACH
def test_a_key_in_an_address_is_refused_and_not_told(client: FlaskClient, brand: Brand) -> None:
    key = f"{brand.key_prefix}planted-0123456789"
    for query in (f"user={key}", f"{key}=1", f"token={key}", key):
        answer = client.get(f"/v1/balance?{query}")
        assert answer.status_code == 400
        assert answer.get_json()["field"] == "api_key"
        assert "planted" not in answer.text


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("sk-another-vendor-0123456789", True),
        ("sk-0123456789abcdefABCDEF", True),
        ("x=sk-proj-0123456789abcdef", True),
        ("task-0123456789abcdef-0123", False),
        ("sk-42", False),
        ("user_42", False),
    ],
)
def test_the_keys_of_others_are_keys_too(text: str, holds: bool) -> None:
    assert holds_key(text) is holds


@EACH
def test_who_is_refused_reads_how_the_keys_begin(brand: Brand) -> None:
    assert brand.key_prefix in REFUSED_KEY


@EACH
def test_the_header_of_the_user_is_read_by_default(brand: Brand) -> None:
    assert brand.user_header in settings_for("sqlite:///any.sqlite3").user_headers


@EACH
def test_an_events_type_is_the_catalogs_by_each_name(brand: Brand) -> None:
    for event in (event for event in EVENTS if not event.is_own):
        assert canonical(brand.spelled(event.type)) == event.type
        assert brand.spelled(brand.spelled(event.type)) == brand.spelled(event.type)
    assert OPENSTACK.spelled("paywall.balance.depleted") == "balance.depleted"


@pytest.mark.parametrize(
    ("types", "brands"),
    [
        (["paywall.updated", "paywall.balance.depleted"], (PAYWALLS,)),
        (["updated", "balance.depleted"], (OPENSTACK,)),
        (["updated", "paywall.updated"], (PAYWALLS, OPENSTACK)),
        ([], (PAYWALLS, OPENSTACK)),
    ],
)
def test_the_spelling_follows_from_what_is_seen(types: list[str], brands: tuple[Brand]) -> None:
    assert spellings(types) == brands


def test_any_name_may_sign() -> None:
    headers = [("X-A-Signature", "1"), ("x-b2-signature", "2"), ("X-Signature", "3"), ("X-A", "4")]
    assert signatures(headers) == ("1", "2")


@EACH
def test_the_sandbox_plays_it(brand: Brand) -> None:
    client = create_sandbox(brand=brand).test_client()
    (other,) = (b for b in BRANDS.values() if b is not brand)
    bearer = {"Authorization": f"Bearer {brand.sandbox_key}default"}
    assert client.get("/v1/models", headers=bearer).status_code == 200
    strange = {"Authorization": f"Bearer {other.sandbox_key}default"}
    refused = client.get("/v1/models", headers=strange)
    assert refused.status_code == 401
    assert brand.sandbox_key in refused.text
    asked = client.get("/v1/user/balance", headers=bearer | {brand.user_header: "ann"})
    assert asked.status_code == 200
    unnamed = client.get("/v1/user/balance", headers=bearer | {other.user_header: "ann"})
    assert unnamed.status_code == 400
    assert brand.user_header in unnamed.text
    rotated = client.post("/_sandbox/rotate", headers=bearer).get_json()
    assert rotated["key"].startswith(brand.sandbox_key)


@EACH
def test_the_sandbox_names_events_as_it_does(brand: Brand) -> None:
    client = create_sandbox(brand=brand).test_client()
    bearer = {"Authorization": f"Bearer {brand.sandbox_key}default"}
    for type in ("paywall.balance.depleted", "balance.depleted"):
        made = client.post("/_sandbox/events", headers=bearer, json={"type": type, "user": "ann"})
        event = made.get_json()["event"]
        assert event["type"] == f"{brand.event_prefix}balance.depleted"
        assert event["data"]["walletUserId"]
    for events, status in (
        ([f"{brand.event_prefix}balance.depleted"], 201),
        ([f"{brand.event_prefix}balance.*"], 201),
        (["nonsense.*"], 400),
    ):
        body = {"url": "https://example.com/hook", "events": events}
        answer = client.post("/v1/webhooks/subscriptions", headers=bearer, json=body)
        assert answer.status_code == status
