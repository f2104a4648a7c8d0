"""The console: who gets in, that only a page of one's own changes something, and what is shown."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from connector.actions.call import Account
from connector.api.services import services
from connector.console.sessions import COOKIE
from connector.errors import KeyRefused
from connector.store.hook_rows import Hook
from connector.upstream import Upstream
from tests.api.builder import Builder, Facade, running_facade
from tests.api.test_features import put, use

PUBLIC_URL = "https://pay.acme.example"
MARKUP = "\"'><svg/onload=alert(1)>&lt;=1+1"


@dataclass
class Visitor:
    """Somebody with a browser of their own, at a builder's connector."""

    builder: Builder
    client: FlaskClient

    def get(self, path: str = "", **query: str) -> TestResponse:
        """A page of the console."""
        return self.client.get(f"/console{path}", query_string=query, base_url=PUBLIC_URL)

    def sign_in(self, key: str = "", **more: str) -> TestResponse:
        """Sign in, with the builder's own key unless it is another one."""
        values = {"key": key or self.builder.key, **more}
        return self.post("/sign-in", **values)

    def post(self, path: str, *, word: str | None = None, **values: str) -> TestResponse:
        """Send a form as the browser does: with the session's word, and where it comes from."""
        if word is None:
            found = re.search(r'name="form_word" value="(\w+)"', self.get().text)
            word = found[1] if found else ""
        return self.client.post(
            f"/console{path}",
            data={"form_word": word, **values},
            headers={"Origin": PUBLIC_URL},
            base_url=PUBLIC_URL,
        )

    def row(self, reference: str) -> str:
        """The id of the one transaction with this reference."""
        (row,) = self.builder.get("transactions", reference=reference).get_json()
        return str(row["id"])


@pytest.fixture(scope="module", params=["true", "false"], ids=["keeping keys", "keeping none"])
def facade(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Facade]:
    """A connector with a public address, with and without kept keys."""
    folder = tmp_path_factory.mktemp("console")
    with running_facade(folder, public_url=PUBLIC_URL, keep_keys=request.param) as running:
        yield running


@pytest.fixture
def visitor(facade: Facade) -> Visitor:
    """Somebody who is not signed in, at a paywall whose user has paid 5 for order-1."""
    builder = Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
    builder.user("ann", balance="50")
    values = {"user": "ann", "amount": "5", "reference": "order-1", "description": "One image"}
    assert builder.post("charge", **values).get_json()["outcome"] == "charged"
    return Visitor(builder, facade.app.test_client())


@pytest.fixture
def owner(visitor: Visitor) -> Visitor:
    """The same, signed in."""
    assert visitor.sign_in().status_code == 303
    return visitor


def database(visitor: Visitor, statement: str) -> list[Any]:
    """What the database has."""
    with visitor.builder.facade.app.app_context():
        store = services().store
        return store.read(lambda connection: list(connection.execute(text(statement))))


class TestSigningIn:
    @pytest.mark.parametrize("path", ["", "/transactions", "/transactions.csv", "/transactions/x"])
    def test_nobody_sees_a_page_without(self, visitor: Visitor, path: str) -> None:
        answer = visitor.get(path)
        assert "Sign in to the console" in answer.text
        assert "order-1" not in answer.text
        assert f'value="/console{path}"' in answer.text

    def test_the_cookie_is_out_of_reach_and_the_key_is_sealed(self, visitor: Visitor) -> None:
        answer = visitor.sign_in(to="/console/transactions")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/console/transactions")
        (cookie,) = answer.headers.getlist("Set-Cookie")
        for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/console", "Max-Age=28800"):
            assert part in cookie
        word = cookie.partition("=")[2].partition(";")[0]
        (row,) = database(
            visitor, "SELECT * FROM console_sessions ORDER BY created_at DESC LIMIT 1"
        )
        assert visitor.builder.key not in str(row)
        assert word not in str(row)
        assert visitor.builder.key not in visitor.get().text

    @pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/console.evil", "/"])
    def test_it_leads_nowhere_else(self, visitor: Visitor, to: str) -> None:
        assert visitor.sign_in(to=to).headers["Location"] == "/console"

    @pytest.mark.parametrize("key", ["", "nonsense", "sk-paywalls-sandbox-x~r9", "pwc_abc", "ä"])
    def test_a_key_that_is_none_gets_a_sentence(self, visitor: Visitor, key: str) -> None:
        answer = visitor.post("/sign-in", key=key)
        assert answer.status_code in (400, 401)
        assert 'role="alert"' in answer.text
        assert "Set-Cookie" not in answer.headers

    def test_guessing_is_limited_by_address(self, tmp_path: Path) -> None:
        with running_facade(tmp_path, public_url=PUBLIC_URL, rate_limit="10/minute") as facade:
            builder = Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
            guesser = Visitor(builder, facade.app.test_client())
            said = [
                guesser.post("/sign-in", key=f"sk-paywalls-sandbox-{number}~r9").text
                for number in range(30)
            ]
            assert "too many" in said[-1].casefold()
            builder.user("ann", balance="5")
            assert builder.get("balance", user="ann").status_code == 200  # so it is a good one
            assert guesser.sign_in().status_code == 303

    def test_a_new_word_for_each_sign_in(self, owner: Visitor) -> None:
        before = owner.client.get_cookie(COOKIE, path="/console", domain="pay.acme.example")
        assert before is not None
        owner.sign_in()
        planted = owner.builder.facade.app.test_client()
        planted.set_cookie(COOKIE, before.value, path="/console", domain="pay.acme.example")
        assert "Your session is over" in Visitor(owner.builder, planted).get().text

    def test_signing_out_forgets_the_key(self, owner: Visitor) -> None:
        cookie = owner.client.get_cookie(COOKIE, path="/console", domain="pay.acme.example")
        before = len(database(owner, "SELECT id FROM console_sessions"))
        assert owner.post("/sign-out").status_code == 303
        assert len(database(owner, "SELECT id FROM console_sessions")) == before - 1
        assert cookie is not None
        owner.client.set_cookie(COOKIE, cookie.value, path="/console", domain="pay.acme.example")
        assert "Your session is over" in owner.get().text

    def test_a_session_ends_after_eight_hours(self, owner: Visitor) -> None:
        with owner.builder.facade.app.app_context():
            services().store.write(
                lambda c: c.execute(
                    text("UPDATE console_sessions SET ends_at = ends_at - 28801000000")
                )
            )
        assert "Your session is over" in owner.get("/transactions").text

    def test_a_key_that_was_replaced_ends_it_with_a_sentence(
        self, owner: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with owner.builder.facade.app.app_context():
            admission = services().admission

        def refuse(*_: object) -> None:
            raise KeyRefused("Paywalls does not know this key.")

        with monkeypatch.context() as refused:
            refused.setattr(admission, "admit", refuse)
            answer = owner.get("/transactions")
        assert answer.status_code == 401
        assert "sign in with it again" in answer.text
        assert "order-1" not in owner.get("/transactions").text  # the key is forgotten

    def test_several_keys_with_a_switcher(self, owner: Visitor) -> None:
        other = f"sk-paywalls-sandbox-{secrets.token_hex(6)}"
        owner.sign_in(other, label="Second shop")
        page = owner.get("/transactions").text
        assert "order-1" not in page
        assert "Second shop" in page
        owner.post("/choose", number="1")
        assert "order-1" in owner.get("/transactions").text
        for wrong in ("7", "-1", "x", ""):
            assert owner.post("/choose", number=wrong).status_code == 303


CHANGES = [
    "/sign-out",
    "/choose",
    "/transactions/{row}/decide",
    "/transactions/{row}/refund",
    "/webhooks",
    "/connect",
    "/webhooks/hook_1/test",
    "/webhooks/hook_1/delete",
    "/deliveries/dlv_1/replay",
]


class TestOnlyOnesOwnPages:
    @pytest.mark.parametrize("path", CHANGES)
    @pytest.mark.parametrize(
        "wrong",
        [
            {"word": ""},
            {"word": "0" * 64},
            {"word": "ä"},
            {"headers": {"Origin": "https://evil.example"}},
            {"headers": {"Origin": "null"}},
            {"headers": {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC_URL}},
            {"headers": {"Origin": "https://pay.acme.example.evil.example"}},
        ],
    )
    def test_a_form_of_somebody_else_changes_nothing(
        self, owner: Visitor, path: str, wrong: dict[str, Any]
    ) -> None:
        row = owner.row("order-1")
        found = re.search(r'name="form_word" value="(\w+)"', owner.get().text)
        assert found is not None
        answer = owner.client.post(
            f"/console{path.format(row=row)}",
            data={"form_word": wrong.get("word", found[1]), "happened": "no", "sure": "yes"},
            headers=wrong.get("headers", {"Origin": PUBLIC_URL}),
            base_url=PUBLIC_URL,
        )
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
        assert "order-1" in owner.get("/transactions").text
        assert owner.builder.get("balance", user="ann").get_json()["balance"] == "45"

    @pytest.mark.parametrize("path", CHANGES)
    def test_nothing_changes_by_get(self, owner: Visitor, path: str) -> None:
        if path not in ("/webhooks", "/connect"):  # which are pages as well
            assert owner.get(path.format(row=owner.row("order-1"))).status_code in (404, 405)
        assert "order-1" in owner.get("/transactions").text

    def test_the_routes_say_themselves_what_changes(self, facade: Facade) -> None:
        posts = {
            rule.rule: facade.app.view_functions[rule.endpoint]
            for rule in facade.app.url_map.iter_rules()
            if rule.rule.startswith("/console") and "POST" in (rule.methods or set())
        }
        unmarked = [path for path, view in posts.items() if not getattr(view, "changes", False)]
        assert unmarked == ["/console/sign-in"]

    def test_signing_in_from_another_site_is_refused(self, visitor: Visitor) -> None:
        answer = visitor.client.post(
            "/console/sign-in",
            data={"key": visitor.builder.key},
            headers={"Origin": "https://evil.example"},
            base_url=PUBLIC_URL,
        )
        assert answer.status_code == 403
        assert "Set-Cookie" not in answer.headers


class TestTokens:
    @pytest.fixture
    def maker(self, facade: Facade, visitor: Visitor) -> Visitor:
        with facade.app.app_context():
            if not services().settings.keep_keys:
                pytest.skip("no tokens where no keys are kept")
        return visitor

    def holder(self, maker: Visitor, **values: str) -> Visitor:
        made = maker.builder.post("tokens", label="x", **values).get_json()["token"]
        visitor = Visitor(maker.builder, maker.builder.facade.app.test_client())
        visitor.sign_in(made)
        return visitor

    def test_a_view_token_sees_all_and_moves_nothing(self, maker: Visitor) -> None:
        viewer = self.holder(maker, actions="view")
        row = maker.row("order-1")
        assert "order-1" in viewer.get("/transactions").text
        assert "order-1" in viewer.get("/transactions.csv").text
        assert viewer.get("/webhooks").status_code == 200
        for path in (
            f"/transactions/{row}/refund",
            f"/transactions/{row}/decide",
            "/webhooks",
            "/webhooks/hook_1/delete",
            "/connect",
        ):
            answer = viewer.post(path, happened="no", sure="yes")
            assert answer.status_code == 403
        assert maker.builder.get("balance", user="ann").get_json()["balance"] == "45"

    def test_failing_webhooks_are_shown_to_who_may_see_webhooks(self, maker: Visitor) -> None:
        hook = Hook(
            *("hook_1", "lpw_1", "https://receiver.example/x", "any_event", "", "sealed", "off"),
            problem="It answered 500.",
            failing_since=None,
            created_at=datetime.now(UTC),
        )
        with maker.builder.facade.app.app_context():
            hooks = services().hooks
        with pytest.MonkeyPatch.context() as failing:
            failing.setattr(hooks, "listing", lambda *_: [hook])
            assert "receiver.example" in self.holder(maker, actions="view").get().text
            finder = self.holder(maker, actions="transactions")
            assert "receiver.example" not in finder.get().text

    def test_a_token_of_a_user_sees_that_user(self, maker: Visitor) -> None:
        maker.builder.user("bob", balance="9")
        maker.builder.post("charge", user="bob", amount="1", reference="order-bob")
        viewer = self.holder(maker, actions="transactions", user="ann")
        page = viewer.get("/transactions").text
        assert "order-1" in page
        assert "order-bob" not in page
        assert viewer.get("/transactions", user="bob").text.count("order-bob") == 0
        assert viewer.get("/webhooks").status_code == 403
        assert viewer.get(f"/transactions/{maker.row('order-bob')}").status_code == 404


class TestTransactions:
    def test_a_reference_is_found_and_tells_its_story(self, owner: Visitor) -> None:
        page = owner.get("/transactions", reference="order-1").text
        assert f'href="/console/transactions/{owner.row("order-1")}"' in page
        story = owner.get(f"/transactions/{owner.row('order-1')}").text
        for word in ("ann", "One image", "charged", "Refund"):
            assert word in story
        assert "no such transaction" in owner.get("/transactions", reference="order-2").text

    @pytest.mark.parametrize(
        "asked", [{"since": "yesterday"}, {"state": "lost"}, {"user": "x" * 200}, {"until": "9"}]
    )
    def test_what_cannot_be_looked_for_gets_a_sentence(
        self, owner: Visitor, asked: dict[str, str]
    ) -> None:
        answer = owner.get("/transactions", **asked)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text

    def test_days_and_pages(self, owner: Visitor) -> None:
        for number in range(51):
            owner.builder.post("charge", user="ann", amount="0.1", reference=f"many-{number:02}")
        page = owner.get("/transactions").text
        assert "many-50" in page
        assert "order-1<" not in page
        older = re.search(r'href="(\?before=[^"]+)"', page)
        assert older is not None
        assert (
            "order-1<"
            in owner.client.get(f"/console/transactions{older[1]}", base_url=PUBLIC_URL).text
        )
        assert "no such" in owner.get("/transactions", since="2036-01-01").text

    def test_another_paywalls_row_is_as_if_it_were_not_there(
        self, owner: Visitor, facade: Facade
    ) -> None:
        stranger = Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
        stranger.user("eve", balance="5")
        stranger.post("charge", user="eve", amount="1", reference="order-eve")
        row = Visitor(stranger, owner.client).row("order-eve")
        for answer in (
            owner.get(f"/transactions/{row}"),
            owner.post(f"/transactions/{row}/refund", sure="yes"),
            owner.post(f"/transactions/{row}/decide", happened="no", sure="yes"),
        ):
            assert answer.status_code == 404
            assert "no such transaction" in answer.text
            assert "order-eve" not in answer.text

    def test_a_refund_of_a_part_and_of_the_rest(self, owner: Visitor) -> None:
        path = f"/transactions/{owner.row('order-1')}"
        part = {"amount": "2", "nonce": "abc", "reason": "broken", "sure": "yes"}
        for _ in range(2):  # the form is sent twice
            answer = owner.post(f"{path}/refund", **part)
            assert (answer.status_code, "said=refunded" in answer.headers["Location"]) == (
                303,
                True,
            )
        assert owner.builder.get("balance", user="ann").get_json()["balance"] == "47"
        too_much = owner.post(f"{path}/refund", amount="4", nonce="def", sure="yes")
        assert "At most 3 can be given back" in too_much.text
        assert "must be" in owner.post(f"{path}/refund", amount="0", nonce="x", sure="yes").text
        assert "Tick that it is to be given back" in owner.post(f"{path}/refund").text
        owner.post(f"{path}/refund", sure="yes")
        assert owner.builder.get("balance", user="ann").get_json()["balance"] == "50"
        assert "This payment was refunded." in owner.get(path).text

    def test_a_use_is_refunded_beside_a_charge_of_the_same_reference(self, owner: Visitor) -> None:
        put(owner.builder, price="2")
        use(owner.builder, reference="order-1")
        rows = owner.builder.get("transactions", reference="order-1").get_json()
        (row,) = [row["id"] for row in rows if row["action"] == "use"]
        assert owner.post(f"/transactions/{row}/refund", sure="yes").status_code == 303

    def test_what_is_in_doubt_needs_attention_and_is_decided_once(self, owner: Visitor) -> None:
        assert "Nothing: every transaction is decided" in owner.get().text
        owner.builder.fault("charge", "drop_before_commit")
        values = {"user": "ann", "amount": "2", "reference": "order-lost"}
        assert owner.builder.post("charge", **values).status_code >= 500
        assert "order-lost" in owner.get().text
        path = f"/transactions/{owner.row('order-lost')}"
        assert "How was it?" in owner.get(path).text
        for half in ({"happened": "no"}, {"sure": "yes"}, {"happened": "perhaps", "sure": "yes"}):
            assert owner.post(f"{path}/decide", **half).status_code == 400
        decided = owner.post(f"{path}/decide", happened="no", sure="yes")
        assert "said=did_not" in decided.headers["Location"]
        again = owner.post(f"{path}/decide", happened="yes", sure="yes")
        assert again.status_code == 409
        assert "decided" in again.text
        assert owner.builder.post("charge", **values).get_json()["outcome"] == "charged"

    def test_events_that_may_be_missing_need_attention(
        self, owner: Visitor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with owner.builder.facade.app.app_context():
            readiness = services().readiness
        account = readiness.account

        def with_gap(key: str, upstream: Upstream) -> Account:
            told = account(key, upstream)
            return replace(told, possible_gap=True, triggers_message="Noticed at noon: <b>.")

        monkeypatch.setattr(readiness, "account", with_gap)
        page = owner.get().text
        assert "Events may be missing" in page
        assert "Noticed at noon: &lt;b&gt;." in page
        assert "Nothing: every transaction is decided" not in page

    def test_markup_is_text_everywhere(self, owner: Visitor) -> None:
        owner.builder.user(MARKUP, balance="9")
        values = {
            "user": MARKUP,
            "amount": "1",
            "reference": MARKUP,
            "description": f"{MARKUP}{{{{7*7}}}}",
        }
        assert owner.builder.post("charge", **values).status_code == 200
        row = owner.row(MARKUP)
        for page in (
            owner.get("/transactions"),
            owner.get("/transactions", reference=MARKUP),
            owner.get(f"/transactions/{row}"),
        ):
            assert "&gt;&lt;svg/onload=alert(1)&gt;&amp;lt;" in page.text
            assert "<svg" not in page.text
            assert ">49" not in page.text
            assert page.headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        owner.sign_in(label=MARKUP)
        assert "<svg" not in owner.get().text


def test_no_page_shows_what_is_another_paywalls(visitor: Visitor, facade: Facade) -> None:
    """Every page that there is, with the ids of somebody else in its address."""
    word = f"w{secrets.token_hex(8)}"
    builder = visitor.builder
    builder.user(word, balance="9")
    values = {"user": word, "amount": "1", "reference": word, "description": word}
    assert builder.post("charge", **values).get_json()["outcome"] == "charged"
    builder.post("hooks", target_url=f"https://{word}.example", trigger="any_event")
    token = builder.post("tokens", label=word).get_json()
    ids = {
        "<entry_id>": visitor.row(word),
        "<token_id>": token.get("id", "tok_1"),
        "<day>": str(builder.get("sums").get_json()[0]["day"]),
    }
    pages = {
        rule.rule
        for rule in facade.app.url_map.iter_rules()
        if rule.rule.startswith("/console") and "GET" in (rule.methods or set())
    }
    for name, value in ids.items():
        pages = {path.replace(name, value) for path in pages}
    assert len(pages) > 9
    assert not any("<" in path for path in pages)
    stranger = Visitor(
        Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}"), facade.app.test_client()
    )
    for who, sees in ((visitor, True), (stranger, False)):
        assert who.sign_in().status_code == 303
        told = [who.get(path.removeprefix("/console")).text for path in pages]
        assert any(word in text for text in told) is sees


class TestDays:
    def test_a_day_opens_its_users_and_they_open_their_days(self, owner: Visitor) -> None:
        owner.builder.user("bob", balance="9")
        owner.builder.post("charge", user="bob", amount="7", reference="order-bob")
        owner.builder.post("refund", reference="order-1")
        page = owner.get("/days").text
        (day,) = re.findall(r'href="/console/days/([\d-]+)"', page)
        assert 'data-label="taken">12<' in page
        assert 'data-label="given back">5<' in page
        one = owner.get(f"/days/{day}").text
        assert re.findall(r"days\?user=(\w+)", one) == ["bob", "ann"]  # who spent more
        assert f"since={day}&amp;until=" in one
        assert 'data-label="taken">7<' in owner.get("/days", user="bob").text
        assert "Nothing yet." in owner.get("/days", user="eve").text

    @pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "9999-12-31", "%3Cb%3E"])
    def test_what_is_no_day_is_not_there(self, owner: Visitor, day: str) -> None:
        answer = owner.get(f"/days/{day}")
        assert answer.status_code == 404
        assert "There is no such day" in answer.text

    def test_times_and_days_are_the_paywalls(self, owner: Visitor) -> None:
        def midnight(zone: str) -> str:
            values = {"timezone": zone, "currency_label": "<i>"}
            told = owner.builder.client.put(
                "/v1/settings", json=values, headers=owner.builder.bearer
            )
            return str(told.get_json()["day"])

        west, east = midnight("Pacific/Pago_Pago"), midnight("Pacific/Kiritimati")
        page = owner.get("/transactions").text
        assert "When (Pacific/Kiritimati)" in page
        assert f'data-label="when">{east} ' in page
        assert "5 &lt;i&gt;" in page
        assert "order-1" in owner.get("/transactions", since=east).text
        assert "order-1" not in owner.get("/transactions", since="2036-01-01").text
        assert midnight("Pacific/Pago_Pago") == west
        assert "order-1" not in owner.get("/transactions", since=east).text
        assert f'data-label="when">{west} ' in owner.get("/transactions").text

    def test_the_days_of_another_paywall_are_its_own(self, owner: Visitor, facade: Facade) -> None:
        key = f"sk-paywalls-sandbox-{secrets.token_hex(6)}"
        stranger = Visitor(Builder(facade, key), facade.app.test_client())
        stranger.sign_in()
        assert "Nothing yet." in stranger.get("/days").text
        assert "Nothing yet." in stranger.get("/days", user="ann").text


class TestAttention:
    def test_what_happened_lately_says_what_to_do(self, owner: Visitor) -> None:
        put(owner.builder, price="1", cap_per_user_day="0.5")
        use(owner.builder, reference="run-1")
        page = owner.get().text
        assert "A limit stopped somebody" in page
        assert "raise the limit" in page

    def test_who_decided_is_told(self, owner: Visitor) -> None:
        owner.builder.fault("charge", "drop_before_commit")
        owner.builder.post("charge", user="ann", amount="2", reference="order-lost")
        path = f"/transactions/{owner.row('order-lost')}"
        owner.post(f"{path}/decide", happened="no", sure="yes")
        assert "Somebody with the paywall&#39;s key wrote down" in owner.get(path).text


def test_a_database_that_is_away_is_a_page(tmp_path: Path) -> None:
    with running_facade(tmp_path, public_url=PUBLIC_URL) as facade:
        builder = Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
        visitor = Visitor(builder, facade.app.test_client())
        visitor.sign_in()
        for file in tmp_path.glob("connector.sqlite3*"):
            file.unlink()
        answer = visitor.get("/transactions")
        assert answer.status_code == 503
        assert answer.mimetype == "text/html"
        assert "put the file back" in answer.text
