"""Open WebUI as it is set up in `docs/openai.md`: each of its people pays for themselves, by the
headers that it sends about them.

With ENABLE_FORWARD_USER_INFO_HEADERS=true it sends a person's id, e-mail address and role as they
are, the name with everything but spaces encoded for an address, and the ids of chat and message;
with FORWARD_USER_INFO_HEADER_JWT_SECRET a signed text instead of the first four.
Source: https://github.com/open-webui/open-webui, backend/open_webui/utils/headers.py, env.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tests.api.builder import Builder, running_facade
from tests.api.test_payer import MODEL, as_sent, chat, check_refused, payers
from tests.support.processes import SandboxPaywall, Server, running_connector
from tests.upstream.faulty_upstream import FaultyUpstream, answering, running_faulty_upstream

ANN, BEA = "0b1f3a52-6c1e-4f5e-9d57-3a1c2f5b8e77", "7d9e8f10-21aa-4c0b-8f1e-55d0c7e1a2b3"
NOBODY = "It is not said who pays"


def headers_of(user: str = ANN, name: str = "Ann Ångström") -> dict[str, str]:
    """What Open WebUI sends about a person, as WSGI hands it on."""
    return {
        "X-OpenWebUI-User-Name": quote(name, safe=" "),
        "X-OpenWebUI-User-Id": as_sent(user),
        "X-OpenWebUI-User-Email": as_sent("ann@example.com"),
        "X-OpenWebUI-User-Role": "user",
        "X-OpenWebUI-Chat-Id": "c0ffee00-1111-4222-8333-444455556666",
        "X-OpenWebUI-Message-Id": "f00dfeed-1111-4222-8333-444455556666",
    }


ABOUT_A_PERSON = [name for name in headers_of() if "-User-" in name]


def test_the_person_who_asks_pays(builder: Builder) -> None:
    for user in (ANN, BEA, ANN):
        assert chat(builder, {}, **headers_of(user)).status_code == 200
    assert payers(builder) == [ANN, BEA, ANN]


@pytest.mark.parametrize("name", ["José", "山田 太郎", "a&b=c?d#e/f%41", "null", "x" * 500, ""])
def test_a_name_never_decides_who_pays(builder: Builder, name: str) -> None:
    assert chat(builder, {}, **headers_of(name=name)).status_code == 200
    assert payers(builder) == [ANN]


def test_the_models_are_listed_for_a_person(builder: Builder) -> None:
    """What its page of connections asks first."""
    answer = builder.client.get("/openai/v1/models", headers=builder.bearer | headers_of())
    assert answer.status_code == 200


def test_without_the_setting_nobody_pays(builder: Builder) -> None:
    check_refused(chat(builder, {}), builder, NOBODY)


def test_the_ids_of_chat_and_message_are_nobody(builder: Builder) -> None:
    rest = {name: value for name, value in headers_of().items() if name not in ABOUT_A_PERSON}
    assert rest
    check_refused(chat(builder, {}, **rest), builder, NOBODY)


def test_a_signed_text_in_place_of_the_headers_is_nobody(builder: Builder) -> None:
    """It is not checked here, so it must not be believed either."""
    told = {"X-OpenWebUI-User-Jwt": f"eyJhbGciOiJub25lIn0.{ANN}."}
    check_refused(chat(builder, {}, **told), builder, NOBODY)


@pytest.mark.parametrize("blank", ["", " "])
def test_an_id_that_is_blank_is_nobody(builder: Builder, blank: str) -> None:
    """What a person leaves who has been removed; the address never stands in for the id."""
    check_refused(chat(builder, {}, **headers_of(blank)), builder, NOBODY)


@pytest.mark.parametrize("foreign", ["X-LibreChat-User-Id", "X-User-Id", "X-WebUI-User-Id"])
def test_a_header_that_is_not_named_in_the_settings_is_nobody(
    builder: Builder, foreign: str
) -> None:
    check_refused(chat(builder, {}, **{foreign: ANN}), builder, NOBODY)


def test_the_headers_of_two_tools_must_name_the_same_person(builder: Builder) -> None:
    agreed = chat(builder, {}, **headers_of(), X_Paywall_User=ANN)
    assert agreed.status_code == 200
    differ = chat(builder, {}, **headers_of(), X_Paywall_User=BEA)
    assert "different users" in differ.get_json()["error"]["message"]
    assert payers(builder) == [ANN]


def test_the_headers_are_worth_nothing_without_the_key(builder: Builder) -> None:
    answer = builder.client.post("/openai/v1/chat/completions", json=MODEL, headers=headers_of())
    assert answer.status_code == 401
    assert payers(builder) == []


def test_a_token_of_one_person_is_not_talked_into_another(builder: Builder) -> None:
    made = builder.form("tokens", label="Ann's tool", user=ANN, actions="openai").get_json()
    own = Builder(builder.facade, made["token"])
    assert chat(own, {}, **headers_of(BEA)).status_code == 403
    assert payers(builder) == []
    assert chat(own, {}, **headers_of(ANN)).status_code == 200
    assert payers(builder) == [ANN]


@pytest.mark.parametrize(
    "user", ["a" * 129, "ann\u200b", "ann\x85", "a\u202enn", "undefined", "{{USER_ID}}"]
)
def test_an_id_that_cannot_be_one_is_refused(builder: Builder, user: str) -> None:
    check_refused(chat(builder, {}, **headers_of(user)), builder)


def test_an_encoded_id_is_not_decoded(builder: Builder) -> None:
    """Open WebUI encodes names only: `%41nn` and `Ann` stay two wallets."""
    assert chat(builder, {}, **headers_of("%41nn")).status_code == 200
    assert payers(builder) == ["%41nn"]


def test_the_e_mail_address_can_be_the_one_who_pays(tmp_path: Path, builder: Builder) -> None:
    """For an operator whose other tools know people by that."""
    with running_facade(tmp_path, user_headers="X-OpenWebUI-User-Email") as facade:
        own = Builder(facade, builder.key)
        assert chat(own, {}, **headers_of()).status_code == 200
        assert payers(own) == ["ann@example.com"]


def ask(connector: Server, key: str, user: bytes) -> tuple[int, str]:
    """Status and body of a chat whose header has these bytes, over a real socket."""
    connection = HTTPConnection(urlsplit(connector.address).netloc, timeout=30)
    body = json.dumps(MODEL).encode()
    connection.putrequest("POST", "/openai/v1/chat/completions")
    for name, value in (
        ("Authorization", f"Bearer {key}".encode()),
        ("Content-Type", b"application/json"),
        ("Content-Length", str(len(body)).encode()),
        ("X-OpenWebUI-User-Id", user),
    ):
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


@pytest.mark.parametrize(
    ("sent", "user"),
    [
        pytest.param("josé".encode(), "josé", id="UTF-8"),
        pytest.param("josé".encode("latin-1"), "josé", id="Latin-1"),
        pytest.param(b"\xe5\xb1\xb1", "山", id="three bytes"),
        pytest.param(b"ann\xff", "annÿ", id="no UTF-8"),
    ],
)
def test_bytes_in_the_header_are_read_as_text(
    connector: Server, paywall: SandboxPaywall, sent: bytes, user: str
) -> None:
    paywall.user(user, balance="5")
    assert ask(connector, paywall.key, sent)[0] == 200
    assert [row["user"] for row in paywall.asked("chat")] == [user]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"ann\x80", 422, id="half a letter"),
        pytest.param(b"\xed\xa0\x80", 422, id="a surrogate"),
        pytest.param(b"ann\x00", 400, id="zero"),
        pytest.param(b"ann\x07", 400, id="a control character"),
        pytest.param(b"a" * 129, 422, id="too long for an id"),
        pytest.param(b"a" * 40_000, 431, id="too long for a header"),
    ],
)
def test_bytes_that_are_no_text_charge_nobody(
    connector: Server, paywall: SandboxPaywall, sent: bytes, status: int
) -> None:
    told = ask(connector, paywall.key, sent)
    assert told[0] == status, told
    assert paywall.asked("chat") == []


@pytest.fixture
def upstream() -> Iterator[FaultyUpstream]:
    with running_faulty_upstream(answering({"id": "x", "choices": []})) as faulty:
        yield faulty


def test_what_it_says_about_a_person_is_not_passed_on(
    upstream: FaultyUpstream, tmp_path: Path
) -> None:
    database, address = f"sqlite:///{tmp_path}/c.sqlite3", upstream.url.removesuffix("/v1")
    with running_connector(database, address, tmp_path) as server:
        connection = HTTPConnection(urlsplit(server.address).netloc, timeout=30)
        sent = headers_of() | {"Authorization": "Bearer sk-paywalls-any"}
        connection.request("POST", "/openai/v1/chat/completions", json.dumps(MODEL), sent)
        assert connection.getresponse().status == 200
        connection.close()
    (asked,) = upstream.asked
    assert f'"user":"{ANN}"'.encode() in asked
    for word in (b"ann@example.com", b"openwebui", b"ngstr", b"c0ffee"):
        assert word not in asked.lower()
