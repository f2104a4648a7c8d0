"""Another paywall's key sees nothing: over every route that the app has.

A new route fails the first test until somebody says here how it could show stored data, or that
it cannot.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from connector.store import attention_rows, ledger_rows, subscription_rows
from tests.api.test_route_access import CONSOLE, CONSOLE_ACCEPTED, CONSOLE_FRESH, CONSOLE_READY
from tests.inbound.conftest import MakeConnectedApp
from tests.support.connected_app import PUBLIC_URL, ConnectedApp, Owner
from tests.support.processes import until

TARGET = "http://127.0.0.1:9/hook"
CHAT = {"user": "ann", "model": "sandbox-echo", "prompt": "hello", "reference": "message-1"}
CHARGE = {"user": "ann", "amount": "1", "reference": "order-1"}


@dataclass
class Tenants:
    """What an owner has stored, with a word in it that nobody else knows."""

    owner: Owner
    stranger: Owner
    word: str
    hook_id: str
    delivery_id: str
    token_id: str


@pytest.fixture(scope="session")
def shared_connected_app(database: str) -> Iterator[ConnectedApp]:
    """A connected app whose hooks may go to this machine; nothing is pushed."""
    connected_app = ConnectedApp(
        database, settings={"public_url": PUBLIC_URL, "allowed_targets": "127.0.0.0/8"}
    )
    yield connected_app
    connected_app.close()


@pytest.fixture
def tenants(shared_connected_app: ConnectedApp) -> Iterator[Tenants]:
    """An owner with everything that can be stored, and a stranger with nothing."""
    word = f"w{secrets.token_hex(8)}"
    owner, stranger = (
        shared_connected_app.owner(f"owner-{word}"),
        shared_connected_app.owner(f"other-{word[::-1]}"),
    )
    for one in (owner.ready(), stranger.ready()):
        one.control("POST", "users/ann", {"balance": "100"})
    for action in ("charge", "deposit"):
        assert owner.post(action, **CHARGE).get_json()["success"] is True
    assert owner.post("chat", **CHAT).get_json()["outcome"] == "answered"
    hook = owner.post("hooks", target_url=f"{TARGET}/{word}", trigger="request_blocked")
    event = owner.event(
        id=f"evt_{word}",
        type="paywall.request.blocked",
        data={"reason": word, "walletUserId": word, "externalUserId": word},
    )
    assert owner.take(event).status_code == 200
    (delivery,) = owner.get("deliveries").get_json()
    until(lambda: not owner.log("pending"))  # the events of the charge and the deposit
    paywall_id = owner.local_id()
    shared_connected_app.connector.parts.store.write(
        lambda connection: subscription_rows.note_gap(connection, paywall_id, f"A gap: {word}.")
    )
    token = owner.post("tokens", label=word).get_json()
    client = shared_connected_app.connector.app.test_client()
    rule = client.put(f"/v1/features/{word}", json={"free_per_day": 9}, headers=owner.bearer)
    assert rule.status_code == 200, rule.text
    client.put("/v1/settings", json={"currency_label": word[:16]}, headers=owner.bearer)
    owner.post("use", user=word, feature=word, reference="use-1")
    yield Tenants(owner, stranger, word, hook.get_json()["id"], delivery["id"], token["id"])
    shared_connected_app.idle()


def quotes(answer: Any, tenants: Tenants) -> bool:
    """Whether an answer holds something of the owner's."""
    text = str(answer.get_json()) + str(answer.headers)
    return any(
        part in text
        for part in (tenants.word, tenants.hook_id, tenants.delivery_id, tenants.token_id)
    )


def charges_again(caller: Owner, tenants: Tenants) -> bool:
    return bool(caller.post("charge", **CHARGE).get_json()["duplicate"])


def deposits_again(caller: Owner, tenants: Tenants) -> bool:
    return bool(caller.post("deposit", **CHARGE).get_json()["duplicate"])


def getting(path: str, **query: str) -> Callable[[Owner, Tenants], bool]:
    def look(caller: Owner, tenants: Tenants) -> bool:
        filled = {name: value.format(**vars(tenants)) for name, value in query.items()}
        return quotes(caller.get(path.format(**vars(tenants)), **filled), tenants)

    return look


def posting(path: str, **body: str) -> Callable[[Owner, Tenants], bool]:
    def look(caller: Owner, tenants: Tenants) -> bool:
        filled = {name: value.format(**vars(tenants)) for name, value in body.items()}
        answer = caller.post(path.format(**vars(tenants)), **filled)
        return answer.status_code in (200, 201, 202) and quotes(answer, tenants)

    return look


def subscribes_again(caller: Owner, tenants: Tenants) -> bool:
    """The same values give the same hook, but only to its owner."""
    body = {"target_url": f"{TARGET}/{tenants.word}", "trigger": "request_blocked"}
    return bool(caller.post("hooks", **body).get_json()["id"] == tenants.hook_id)


def deletes(caller: Owner, tenants: Tenants) -> bool:
    client = tenants.owner.connected_app.connector.app.test_client()
    client.delete(f"/v1/hooks/{tenants.hook_id}", headers=caller.bearer)
    return bool(tenants.owner.get(f"hooks/{tenants.hook_id}").status_code == 404)


def finds(caller: Owner, tenants: Tenants) -> bool:
    return CHARGE["reference"] in caller.get("transactions").text


def own_row(tenants: Tenants) -> str:
    """The id of the owner's charge."""
    rows = tenants.owner.get("transactions", reference=CHARGE["reference"]).get_json()
    return str(next(row["id"] for row in rows if row["action"] == "charge"))


def reads_the_story(caller: Owner, tenants: Tenants) -> bool:
    return CHARGE["reference"] in caller.get(f"transactions/{own_row(tenants)}").text


def decides(caller: Owner, tenants: Tenants) -> bool:
    """The owner is told that it is decided, a stranger that there is none."""
    answer = caller.post(f"transactions/{own_row(tenants)}/decide", happened="false")
    return bool(answer.status_code == 409)


def finds_in_the_table(caller: Owner, tenants: Tenants) -> bool:
    return CHARGE["reference"] in caller.get("transactions.csv").text


def sums_up(caller: Owner, tenants: Tenants) -> bool:
    """The owner was charged, a stranger was not."""
    rows = caller.get("sums", user=CHARGE["user"]).get_json()
    return any(row["taken"] != "0" for row in rows)


def needs_attention(caller: Owner, tenants: Tenants) -> bool:
    """Something that was written down about the owner's paywall."""
    store = tenants.owner.connected_app.connector.parts.store
    row = store.read(lambda c: ledger_rows.get(c, own_row(tenants)))
    assert row is not None
    store.write(lambda c: attention_rows.note(c, row.paywall_id, "cap_reached", "pdf", "ann"))
    return "cap_reached" in caller.get("attention").text


def an_agent_finds(caller: Owner, tenants: Tenants) -> bool:
    """The same, and the owner's charge again, as tools."""
    client = tenants.owner.connected_app.connector.app.test_client()

    def tool(name: str, **arguments: str) -> Any:
        params = {"name": name, "arguments": arguments}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = client.post("/mcp", json=body, headers=caller.bearer).get_json()
        return answer["result"]["structuredContent"]

    found = bool(tool("transactions", reference=CHARGE["reference"])["items"])
    assert bool(tool("charge", **CHARGE)["duplicate"]) is found
    return found


def finds_by_post(caller: Owner, tenants: Tenants) -> bool:
    return CHARGE["reference"] in caller.post("transactions").text


def revokes(caller: Owner, tenants: Tenants) -> bool:
    client = tenants.owner.connected_app.connector.app.test_client()
    client.delete(f"/v1/tokens/{tenants.token_id}", headers=caller.bearer)
    return tenants.token_id not in str(tenants.owner.get("tokens").get_json())


def sets_features(caller: Owner, tenants: Tenants) -> bool:
    """Whether somebody else's rule of the same name becomes the owner's."""
    client = tenants.owner.connected_app.connector.app.test_client()
    client.put("/v1/features/pdf-parse", json={"price": "666"}, headers=caller.bearer)
    return "666" in str(tenants.owner.get("features").get_json())


def sees_feature(caller: Owner, tenants: Tenants) -> bool:
    return bool(caller.get(f"features/{tenants.word}").status_code == 200)


def chats_again(caller: Owner, tenants: Tenants) -> bool:
    """The answer under a reference is its owner's; somebody else's question is a new one."""
    return bool(caller.post("chat", **CHAT).get_json()["duplicate"])


def sees_callback_secret(caller: Owner, tenants: Tenants) -> bool:
    secret = tenants.owner.get("callback-secret").get_json()["secret"]
    return bool(caller.get("callback-secret").get_json()["secret"] == secret)


def sees_settings(caller: Owner, tenants: Tenants) -> bool:
    return bool(caller.get("settings").get_json()["currency_label"] == tenants.word[:16])


def sets_settings(caller: Owner, tenants: Tenants) -> bool:
    client = tenants.owner.connected_app.connector.app.test_client()
    client.put("/v1/settings", json={"currency_label": "THEIRS"}, headers=caller.bearer)
    return "THEIRS" in str(tenants.owner.get("settings").get_json())


def deletes_features(caller: Owner, tenants: Tenants) -> bool:
    client = tenants.owner.connected_app.connector.app.test_client()
    client.delete(f"/v1/features/{tenants.word}", headers=caller.bearer)
    return tenants.word not in str(tenants.owner.get("features").get_json())


def uses_again(caller: Owner, tenants: Tenants) -> bool:
    """The reference of a use, and what is left of a feature, are the owner's alone."""
    values = {"user": tenants.word, "feature": tenants.word, "reference": "use-1"}
    return bool(caller.post("use", **values).get_json().get("duplicate"))


def refunds(caller: Owner, tenants: Tenants) -> bool:
    """Only the owner's charge can be given back."""
    return bool(caller.post("refund", reference=CHARGE["reference"]).get_json().get("success"))


def delivers(caller: Owner, tenants: Tenants) -> bool:
    """An event that the caller's upstream has signed, at the owner's address."""
    event = tenants.owner.event(id=f"evt_by_{caller.name}")
    caller.take(event, endpoint=tenants.owner.endpoints()[-1])
    return event["id"] in tenants.owner.stored()


STORED: dict[tuple[str, str], Callable[[Owner, Tenants], bool]] = {
    ("POST", "/v1/charge"): charges_again,
    ("POST", "/v1/deposit"): deposits_again,
    ("POST", "/v1/refund"): refunds,
    ("GET", "/v1/me"): getting("me"),
    ("POST", "/v1/me"): posting("me"),
    ("GET", "/v1/triggers/<key>"): getting("triggers/any_event", user="{word}"),
    ("POST", "/v1/triggers/<key>"): posting("triggers/any_event", user="{word}"),
    ("POST", "/v1/hooks"): subscribes_again,
    ("GET", "/v1/hooks"): getting("hooks"),
    ("GET", "/v1/hooks/<hook_id>"): lambda caller, tenants: bool(
        caller.get(f"hooks/{tenants.hook_id}").status_code == 200
    ),
    ("DELETE", "/v1/hooks/<hook_id>"): deletes,
    ("POST", "/v1/hooks/<hook_id>/test"): posting("hooks/{hook_id}/test"),
    ("POST", "/v1/hooks/<hook_id>/replay"): posting(
        "hooks/{hook_id}/replay", since="2020-01-01T00:00:00Z"
    ),
    ("GET", "/v1/deliveries"): getting("deliveries"),
    ("POST", "/v1/deliveries"): posting("deliveries"),
    ("POST", "/v1/deliveries/<delivery_id>/replay"): posting("deliveries/{delivery_id}/replay"),
    ("GET", "/v1/attention"): needs_attention,
    ("GET", "/v1/sums"): sums_up,
    ("GET", "/v1/transactions"): finds,
    ("POST", "/mcp"): an_agent_finds,
    ("POST", "/v1/transactions"): finds_by_post,
    ("GET", "/v1/transactions.csv"): finds_in_the_table,
    ("GET", "/v1/transactions/<transaction_id>"): reads_the_story,
    ("POST", "/v1/transactions/<transaction_id>/decide"): decides,
    ("GET", "/v1/tokens"): getting("tokens"),
    ("DELETE", "/v1/tokens/<token_id>"): revokes,
    ("POST", "/v1/use"): uses_again,
    ("GET", "/v1/usage"): getting("usage", user="{word}", feature="{word}"),
    ("POST", "/v1/usage"): posting("usage", user="{word}", feature="{word}"),
    ("GET", "/v1/features"): getting("features"),
    ("GET", "/v1/features/<feature>"): sees_feature,
    ("PUT", "/v1/features/<feature>"): sets_features,
    ("DELETE", "/v1/features/<feature>"): deletes_features,
    ("GET", "/v1/callback-secret"): sees_callback_secret,
    ("POST", "/v1/chat"): chats_again,
    ("GET", "/v1/settings"): sees_settings,
    ("PUT", "/v1/settings"): sets_settings,
    ("POST", "/v1/inbound/<endpoint>"): delivers,
}
"""How each route could show or change what is stored; the look tells whether it did."""

NOTHING_STORED = {
    ("GET", "/console/sign-in"),
    ("POST", "/console/sign-in"),
    *(
        (method, f"/v1/{action}")
        for action in ("balance", "topup-link", "connection", "models")
        for method in ("GET", "POST")
    ),
    ("POST", "/v1/disconnect"),
    ("POST", "/v1/tokens"),
    ("GET", "/v1/triggers"),
    ("POST", "/v1/triggers"),
    ("POST", "/openai/v1/chat/completions"),
    ("POST", "/openai/v1/<path:prefix>/chat/completions"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/openai/v1/models"),
    ("GET", "/openai/v1/<path:prefix>/models"),
    ("GET", "/openai/<path:unknown>"),
    ("POST", "/openai/<path:unknown>"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/"),
    ("GET", "/favicon.ico"),
    ("GET", "/assets/<name>"),
    ("GET", "/guide"),
    ("GET", "/guide/<name>"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/docs/start.js"),
    ("GET", "/docs/<name>"),
    ("GET", "/specs"),
    ("GET", "/specs/flowxo"),
    ("GET", "/specs/<path:name>"),
}
"""Routes that pass on what upstream says about the caller's key, or show what is the same for
everybody."""

SIGNED_IN = {
    tuple(route.split(" ")) for route in CONSOLE | CONSOLE_READY | CONSOLE_FRESH | CONSOLE_ACCEPTED
}
"""Pages for who is signed in: tests/console/test_console.py looks at those."""

LOOKS = [pytest.param(look, id=" ".join(route)) for route, look in STORED.items()]


def test_every_route_is_known_here(shared_connected_app: ConnectedApp) -> None:
    routes = {
        (method, rule.rule)
        for rule in shared_connected_app.connector.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == STORED.keys() | NOTHING_STORED | SIGNED_IN
    assert not STORED.keys() & NOTHING_STORED


@pytest.mark.parametrize("look", LOOKS)
def test_the_owner_sees_it(look: Callable[[Owner, Tenants], bool], tenants: Tenants) -> None:
    """Otherwise the next test would prove nothing."""
    assert look(tenants.owner, tenants)


@pytest.mark.parametrize("look", LOOKS)
def test_a_stranger_does_not(look: Callable[[Owner, Tenants], bool], tenants: Tenants) -> None:
    before = tenants.owner.stored()
    assert not look(tenants.stranger, tenants)
    assert tenants.owner.stored() == before
    assert tenants.owner.get(f"hooks/{tenants.hook_id}").status_code == 200


def test_a_closed_connector_serves_only_the_paywalls_that_it_is_for(
    make_connected_app: MakeConnectedApp,
) -> None:
    connected_app = make_connected_app(
        public_url=PUBLIC_URL, allowed_paywalls="pw_sandbox_elsewhere"
    )
    owner = connected_app.owner()
    answers = [owner.get(path) for path in ("me", "triggers/any_event", "hooks", "deliveries")]
    client = connected_app.connector.app.test_client()
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answers.append(client.post("/mcp", json=body, headers=owner.bearer))
    assert [answer.status_code for answer in answers] == [403] * 5
