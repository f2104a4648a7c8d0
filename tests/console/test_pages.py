"""The pages as somebody without a key gets them: what they say, and where they lead."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector.console.guide_text import GROUPS
from tests.api.builder import running_facade

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PUBLIC_URL = "https://pay.acme.example"
GUIDES = [name for _, names in GROUPS for name in names]
PAGES = ["/", "/guide", "/specs", "/specs/flowxo", *(f"/guide/{name}" for name in GUIDES)]
SANDBOX, LIVE = "http://127.0.0.1:9/v1", "https://api.paywalls.ai/v1"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A browser at a sandbox connector that knows its public address."""
    folder = tmp_path_factory.mktemp("pages")
    with running_facade(folder, public_url=PUBLIC_URL, upstream_url=SANDBOX) as running:
        yield running.app.test_client()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """The same at one for real money that does not know its public address."""
    with running_facade(tmp_path_factory.mktemp("live"), upstream_url=LIVE) as running:
        yield running.app.test_client()


def text_of(client: FlaskClient, path: str) -> str:
    """A page."""
    answer = client.get(path, headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (200, "text/html"), path
    return answer.text


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_the_connectors_own(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=BROWSER)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert not re.search(r"<style|<script(?! src=)| style=| on[a-z]+=", answer.text)
    assert not re.search(r'(?:src|href)="https?://(?!pay\.acme|docs|github)', _assets(answer.text))
    assert len(re.findall(r"<h1[ >]", answer.text)) == 1
    assert '<html lang="en">' in answer.text


def _assets(text: str) -> str:
    """What a page loads by itself."""
    return "\n".join(re.findall(r"<(?:link|script|img)\b[^>]*>", text))


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(client: FlaskClient, path: str) -> None:
    text = text_of(client, path)
    for link in sorted(set(re.findall(r'(?:href|src|action|data-copy-from)="([^"]+)"', text))):
        link = html.unescape(link)
        if link.startswith("https://"):
            continue
        address, _, anchor = link.partition("#")
        answer = client.get(address or path, headers=BROWSER)
        assert answer.status_code == (401 if address == "/console" else 200), link
        if anchor:
            assert f'id="{anchor}"' in answer.text, link


@pytest.mark.parametrize("path", PAGES)
def test_no_page_believes_the_host_header(client: FlaskClient, path: str) -> None:
    wrong = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", **BROWSER}
    assert "evil.example" not in client.get(path, headers=wrong).text


class TestLanding:
    def test_a_sandbox_says_so_and_shows_its_key(self, client: FlaskClient) -> None:
        text = text_of(client, "/")
        assert "Nothing here costs real money." in text
        assert "sk-paywalls-sandbox-default" in text
        assert "Triggers work" in text
        for start in ("zapier", "n8n", "flowxo", "ai", "http"):
            (card,) = re.findall(rf'<section class="card" id="{start}">.*?</section>', text, re.S)
            assert card.count("<li>") == 3
        assert f"curl {PUBLIC_URL}/v1/charge" in text

    def test_a_live_one_says_so_and_what_is_missing(self, live: FlaskClient) -> None:
        text = text_of(live, "/")
        assert "real money" in text
        assert "Nothing here costs" not in text
        assert "sandbox-default" not in text
        assert "YOUR-PAYWALLS-KEY" in text
        assert "Triggers do not work yet" in text
        assert "CONNECTOR_PUBLIC_URL" in text


class TestNothingHere:
    @pytest.mark.parametrize("path", ["/nope", "/v1/nope", "/guide/nope", "/specs/x", "/assets/x"])
    def test_a_browser_gets_a_page_and_a_tool_what_it_got(
        self, client: FlaskClient, path: str
    ) -> None:
        page = client.get(path, headers=BROWSER)
        assert (page.status_code, page.mimetype) == (404, "text/html")
        assert 'href="/"' in page.text
        assert "Accept" in page.headers["Vary"]
        for accept in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
            tool = client.get(path, headers=accept)
            assert (tool.status_code, tool.mimetype) == (404, "application/problem+json")
            assert tool.get_json()["code"] == "not_found"

    def test_the_sign_is_where_browsers_look_for_it(self, client: FlaskClient) -> None:
        for path in ("/favicon.ico", "/assets/favicon.svg"):
            answer = client.get(path)
            assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")


class TestGuides:
    def test_every_page_of_the_docs_is_a_guide(self) -> None:
        docs = {path.stem for path in Path("docs").glob("*.md")}
        assert set(GUIDES) == docs

    @pytest.mark.parametrize("name", GUIDES)
    def test_examples_have_this_connectors_address(self, client: FlaskClient, name: str) -> None:
        text = text_of(client, f"/guide/{name}")
        for example in re.findall(r"<pre>.*?</pre>", text, re.S):
            assert "http://127.0.0.1:8000" not in example
            assert "connector.example.com" not in example

    def test_the_key_is_filled_in_only_in_the_sandbox(
        self, client: FlaskClient, live: FlaskClient
    ) -> None:
        assert "X-API-Key: sk-paywalls-sandbox-default" in text_of(client, "/guide/features")
        text = text_of(live, "/guide/features")
        assert "X-API-Key: YOUR-PAYWALLS-KEY" in text
        assert "sandbox-default" not in text

    def test_next_and_previous_go_through_all_of_them(self, client: FlaskClient) -> None:
        path, seen = f"/guide/{GUIDES[0]}", []
        while path:
            seen.append(path.rpartition("/")[2])
            behind = re.search(r'<a href="([^"]+)" rel="next">', text_of(client, path))
            path = behind[1] if behind else ""
        assert seen == GUIDES

    @pytest.mark.parametrize(
        ("question", "wanted"),
        [
            ("refund", "/guide/features#refund-a-use-that-failed"),
            ("REFUND shared mode", "/guide/faq#"),
            ("cap_reached", "/guide/features#use-it"),
            ("test live", "/guide/sandbox#from-test-to-live"),
            ("Retry On Fail", "/guide/n8n#"),
        ],
    )
    def test_a_search_finds_the_section(
        self, client: FlaskClient, question: str, wanted: str
    ) -> None:
        answer = client.get("/guide", query_string={"q": question}, headers=BROWSER)
        assert wanted in answer.text

    @pytest.mark.parametrize(
        "question",
        ["zzzyx", "<script>alert(1)</script>", '"onmouseover="x', "{{7*7}}", "x" * 5_000, "%00"],
    )
    def test_a_search_for_nothing_says_what_to_do(self, client: FlaskClient, question: str) -> None:
        answer = client.get("/guide", query_string={"q": question}, headers=BROWSER)
        assert answer.status_code == 200
        assert "Try one word only" in answer.text
        assert "<script>alert" not in answer.text
        assert "49" not in answer.text.partition("places")[0].rpartition("<h2>")[2]

    def test_a_blank_search_is_the_list(self, client: FlaskClient) -> None:
        assert "Try one word only" not in client.get("/guide?q=%20", headers=BROWSER).text


class TestSpecs:
    def test_each_workflow_says_what_it_does_in_both_forms(self, client: FlaskClient) -> None:
        text = text_of(client, "/specs")
        cards = re.findall(r'<section class="card" id=.*?</section>', text, re.S)
        assert len(cards) == 13
        for card in cards:
            assert card.count("Copy workflow") == card.count("Copy URL</button>") * 2
            assert len(re.findall(rf'data-copy="{PUBLIC_URL}/specs/n8n-workflows/', card)) == 2
            assert len(re.sub(r"<[^>]+>", "", card.partition("<p>")[2].partition("</p>")[0])) > 60
            assert "**" not in card

    def test_in_the_sandbox_the_steps_have_its_key(
        self, client: FlaskClient, live: FlaskClient
    ) -> None:
        assert "sk-paywalls-sandbox-default" in text_of(client, "/specs/flowxo")
        assert "YOUR-PAYWALLS-KEY" in text_of(live, "/specs/flowxo")
