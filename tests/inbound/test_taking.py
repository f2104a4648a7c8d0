"""What upstream is answered, and what is kept."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from structlog.testing import capture_logs

from connector.api.services import services
from connector.telemetry.metrics import render_metrics
from tests.inbound.conftest import both_brands
from tests.support.connected_app import ConnectedApp, Owner
from tests.support.processes import until

CANARY = "canary prompt in a body"
brand = both_brands


def counted(result: str) -> float:
    """How many deliveries ended like this, in this test run."""
    start = f'connector_inbound_total{{result="{result}"}} '
    lines = render_metrics()[0].decode().splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


@pytest.mark.parametrize("bare", [False, True])
def test_an_event_comes_in_wrapped_or_bare(owner: Owner, bare: bool) -> None:
    owner.control("POST", "settings", {"bare_events": bare})
    (event_id,) = owner.send(user="ann")
    body = json.loads(owner.posted()[-1].body)
    assert ("event" in body) is not bare
    (item,) = owner.poll("balance_depleted")
    assert item["id"] == event_id
    assert item["paywall_id"] == owner.upstream_id


@pytest.mark.parametrize("signature", ["", "0" * 64, "nonsense", "ü"])
def test_a_wrong_signature_is_refused_counted_and_logged_without_the_body(
    owner: Owner, signature: str
) -> None:
    before = counted("bad_signature")
    app = owner.connected_app.connector.app
    with app.app_context():
        services().inbound._said.clear()
    with capture_logs() as logged:
        for _ in range(3):
            answer = owner.take(owner.event(data={"prompt": CANARY}), signature=signature)
            assert answer.status_code == 401
    assert counted("bad_signature") == before + 3
    # Anybody can cause this line, so it is written once a minute.
    assert [line["event"] for line in logged].count("inbound_bad_signature") == 1
    assert CANARY not in str(logged)
    assert owner.stored() == []


def test_the_signature_is_over_the_raw_body(owner: Owner) -> None:
    owner.send()
    sent = owner.posted()[-1]
    changed = sent.body.replace(b'"version":', b'"version": ')
    assert owner.connected_app.connector.post(sent.path, sent.headers, changed).status_code == 401


def test_upper_case_hexadecimal_is_a_signature_too(owner: Owner) -> None:
    owner.send()
    sent = owner.posted()[-1]
    (name,) = (name for name in sent.headers if name.endswith("-Signature"))
    headers = sent.headers | {name: sent.headers[name].upper()}
    assert owner.connected_app.connector.post(sent.path, headers, sent.body).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["X-Paywalls-Signature", "X-Openstack-Signature", "X-Restacked-Signature", "x-a-b-signature"],
)
def test_the_header_of_the_signature_has_any_brands_name(owner: Owner, name: str) -> None:
    path, headers, body = owner.signed(owner.event(id=f"evt_{name}"))
    (right,) = headers.values()
    sent = {"X-Another-Signature": "0" * 64, name: right, "X-Proxy-Signature": "v1=abc"}
    assert owner.connected_app.connector.post(path, sent, body).status_code == 200
    assert owner.ids() == [f"evt_{name}"]


@pytest.mark.parametrize(
    "name", ["X-Signature", "Signature", "X-Paywalls-Signatures", "X-Paywalls"]
)
def test_a_signature_elsewhere_is_none(owner: Owner, name: str) -> None:
    path, headers, body = owner.signed(owner.event())
    (right,) = headers.values()
    assert owner.connected_app.connector.post(path, {name: right}, body).status_code == 401


@pytest.mark.parametrize("type", ["paywall.balance.depleted", "balance.depleted"])
def test_an_event_is_the_same_with_and_without_the_prefix(owner: Owner, type: str) -> None:
    assert owner.take(owner.event() | {"id": f"evt_{type}", "type": type}).status_code == 200
    (item,) = owner.poll("balance_depleted")
    assert (item["id"], item["type"]) == (f"evt_{type}", "paywall.balance.depleted")


@pytest.mark.parametrize("endpoint", ["nonsense", "a-b-c", "ü-ü-ü", "-", "--", "0" * 50])
def test_an_address_that_was_never_made_is_gone(owner: Owner, endpoint: str) -> None:
    assert owner.take(owner.event(), endpoint=endpoint).status_code == 410


def test_an_address_with_a_wrong_check_was_never_made(owner: Owner) -> None:
    tag, rest, check = owner.endpoints()[0].split("-")
    forged = f"{tag}-{rest}-{check[::-1]}"
    assert owner.take(owner.event(), endpoint=forged).status_code == 410


def test_an_address_of_a_secret_that_is_not_loaded_may_be_our_own_fault(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner().ready()
    connected_app.open(secret_keys="another-server-secret-0123456789abcdef")
    answer = owner.take(owner.event())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_an_address_that_this_database_does_not_know_yet_may_be_our_own_fault(
    owner: Owner,
) -> None:
    connected_app = owner.connected_app
    unknown = connected_app.connector.parts.inbound._endpoints.new()
    secret = connected_app.connector.parts.inbound._endpoints.signing_secret(unknown)
    stranger = connected_app.owner(f"{owner.name}-stranger")
    url = f"https://connector.example/v1/inbound/{unknown}"
    stranger.upstream(
        "POST", "webhooks/subscriptions", {"url": url, "events": ["*"], "secret": secret}
    )
    assert stranger.take(stranger.event()).status_code == 503
    assert owner.take(owner.event()).status_code == 200, "others are not turned away for it"


def test_more_than_a_mebibyte_is_too_large(owner: Owner) -> None:
    large = owner.event(data={"text": "x" * (1024 * 1024)})
    assert owner.take(large).status_code == 413
    fits = owner.event(data={"text": "x" * (1024 * 1024 - 1000)})
    assert owner.take(fits).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"12",
        b"{}",
        b'{"event": {}}',
        b'{"delivery": {}, "event": []}',
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"id":"e","type":"t","paywallId":"p","createdAt":"yesterday"}',
        b'{"id":"e","type":"t","paywallId":"p","createdAt":"9999-12-31T23:59:59-14:00"}',
        b'{"id":"e","type":"t","paywallId":"p","createdAt":"0001-01-01T00:00:00+14:00"}',
        b'{"id":7,"type":"t","paywallId":"p","createdAt":"2026-01-01T00:00:00Z"}',
        b'{"id":"\\u0000","type":"t","paywallId":"p","createdAt":"2026-01-01T00:00:00Z"}',
        b'{"id":"e","type":"t","paywallId":"p","createdAt":"2026-01-01T00:00:00Z","x":"\\ud800"}',
    ],
)
def test_a_signed_body_that_cannot_be_read_is_kept_as_it_came(owner: Owner, body: bytes) -> None:
    answer = owner.take(body)
    assert (answer.status_code, answer.get_json()["result"]) == (200, "unreadable")
    assert owner.raw_bodies() == [body]
    assert owner.poll() == []


def test_an_event_of_another_paywall_is_refused(owner: Owner) -> None:
    assert owner.take(owner.event(paywallId="pw_sandbox_other")).status_code == 422
    assert owner.stored() == []


def test_the_same_event_again_is_acknowledged_and_stored_once(owner: Owner) -> None:
    event = owner.event()
    results = [owner.take(event).get_json()["result"] for _ in range(3)]
    assert results == ["stored", "duplicate", "duplicate"]
    assert owner.ids() == ["evt_made_up"]


def test_the_same_event_twenty_times_at_once_is_stored_once(owner: Owner) -> None:
    event = owner.event()
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: owner.take(event), range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    results = sorted(answer.get_json()["result"] for answer in answers)
    assert results == ["duplicate"] * 19 + ["stored"]
    assert [item["seq"] for item in owner.poll()] == [1]


def test_duplicates_use_up_no_numbers(owner: Owner) -> None:
    taken = ["a", "a", "b", "a", "b", "c"]
    for event_id in taken:
        owner.take(owner.event(id=event_id))
    assert [(item["id"], item["seq"]) for item in owner.poll(after=0)] == [
        ("a", 1),
        ("b", 2),
        ("c", 3),
    ]


def test_two_paywalls_may_have_an_event_of_the_same_id(owner: Owner) -> None:
    other = owner.connected_app.owner(f"{owner.name}-other").ready()
    assert owner.take(owner.event()).get_json()["result"] == "stored"
    assert other.take(other.event()).get_json()["result"] == "stored"


def test_an_old_timestamp_header_is_no_reason_to_refuse(owner: Owner) -> None:
    """It is not signed and may be the first attempt's: FACTS, deliveries 1."""
    owner.send()
    sent = owner.posted()[-1]
    (name,) = (name for name in sent.headers if name.endswith("-Timestamp"))
    headers = sent.headers | {name: "2001-01-01T00:00:00Z"}
    answer = owner.connected_app.connector.post(sent.path, headers, sent.body)
    assert answer.get_json()["result"] == "duplicate"


def test_an_event_older_than_the_retention_is_acknowledged_and_dropped(owner: Owner) -> None:
    (old,) = owner.send(created_at="2020-01-01T00:00:00Z")
    assert owner.posted()[-1].status == 200
    assert old not in owner.ids()
    assert owner.stored() == []


def test_a_purged_event_never_returns(owner: Owner) -> None:
    event = owner.event()
    assert owner.take(event).get_json()["result"] == "stored"
    owner.pass_days(31)
    owner.connected_app.purge()
    assert owner.ids() == []
    passed = event | {"createdAt": owner.ago(31)}  # a month later
    assert owner.take(passed).get_json()["result"] == "too_old"
    assert owner.ids() == []


def test_a_replaced_key_is_distrusted_as_soon_as_upstream_tells(owner: Owner) -> None:
    assert owner.get("triggers/any_event").status_code == 200
    rotated = owner.rotate()
    until(lambda: [p for p in owner.posted() if b"secret.rotated" in p.body])
    until(lambda: not rotated.log("pending"))
    assert owner.get("triggers/any_event").status_code == 401
    assert rotated.ids() == [rotated.log("success")[0]["event"]["id"]]


def test_events_of_several_shapes_keep_their_order_of_arrival(owner: Owner) -> None:
    shapes: list[dict[str, Any]] = [
        owner.event(id="1"),
        {"delivery": {"id": "d"}, "event": owner.event(id="2")},
        {"event": owner.event(id="3")},
    ]
    for shape in shapes:
        assert owner.take(shape).status_code == 200
    assert owner.ids(after=0) == ["1", "2", "3"]


class Ahead(datetime):
    """This machine's clock, two days ahead of the database's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(days=2)


@pytest.mark.parametrize(("days", "result"), [(0, "stored"), (29, "stored"), (31, "too_old")])
def test_what_is_too_old_is_told_by_the_databases_clock(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, days: int, result: str
) -> None:
    monkeypatch.setattr("connector.inbound.recording.datetime", Ahead)
    event = owner.event() | {"createdAt": owner.ago(days)}
    assert owner.take(event).get_json()["result"] == result
