"""Which addresses hooks may have, checked when somebody subscribes."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from connector.triggers.push_client import PushClient
from connector.triggers.ssrf_guard import TargetRefused
from tests.triggers.delivery.resolver import PUBLIC, Resolver


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A resolver under the test's control."""
    return Resolver(monkeypatch)


def refused(url: str, *allowed: str) -> str:
    """The sentence with which `url` is refused."""
    with pytest.raises(TargetRefused) as refusal:
        PushClient([ip_network(network) for network in allowed]).check(url)
    assert refusal.value.field == "target_url"
    return refusal.value.message


@pytest.mark.parametrize(
    "url",
    [
        "https://8.8.8.8/",
        "https://8.8.8.8:8443/path?query=1",
        "https://[2606:4700::1111]/",
        "https://public.test/hook",
        "https://PUBLIC.test/hook",
    ],
)
def test_public_addresses_are_taken(url: str, resolver: Resolver) -> None:
    resolver.says("public.test", [PUBLIC])
    assert PushClient().check(url).startswith("https://")


def test_two_spellings_of_one_address_are_the_same(resolver: Resolver) -> None:
    resolver.says("public.test", [PUBLIC])
    assert PushClient().check("https://PUBLIC.test/a#part") == PushClient().check(
        "https://public.test/a"
    )


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "127.0.0.1:8443",
        "localhost.test.",
        "10.0.0.1",
        "167772161",
        "0xa.1",
        "172.16.5.4",
        "192.168.1.1",
        "0300.0250.1.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fc00::1]",
        "[fec0::1]",
        "100.64.0.1",
        "224.0.0.1",
        "[ff02::1]",
        "255.255.255.255",
        "240.0.0.1",
        "198.18.0.1",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::1]",
        "[2002:a9fe:a9fe::]",
        "[2001:0:7f00:1::]",
        "[::127.0.0.1]",
    ],
)
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_inner_addresses_are_refused_in_every_spelling(
    scheme: str, host: str, resolver: Resolver
) -> None:
    resolver.says("localhost.test.", ["127.0.0.1"])
    sentence = refused(f"{scheme}://{host}/")
    assert "CONNECTOR_ALLOWED_TARGETS" in sentence


@pytest.mark.parametrize("host", ["１２７.０.０.１", "①②⑦.0.0.1", "127。0。0。1", "ⓛocalhost"])
def test_unicode_spellings_of_inner_addresses_are_refused(host: str) -> None:
    assert refused(f"https://{host}/")


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["64:ff9b::a00:1"],
        [PUBLIC, "10.0.0.1"],
        ["2606:4700::1111", "::1"],
    ],
)
def test_a_name_that_leads_inside_is_refused(answers: list[str], resolver: Resolver) -> None:
    resolver.says("sneaky.test", answers)
    assert "CONNECTOR_ALLOWED_TARGETS" in refused("https://sneaky.test/")


def test_a_refusal_does_not_tell_what_a_name_leads_to(resolver: Resolver) -> None:
    resolver.says("inner.test", ["10.20.30.40"])
    assert "10.20.30.40" not in refused("https://inner.test/")


def test_http_is_refused_even_for_public_addresses() -> None:
    sentence = refused("http://8.8.8.8/")
    assert "https://" in sentence
    assert "CONNECTOR_ALLOWED_TARGETS" in sentence


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://user:secret@8.8.8.8/", "password"),
        ("https://user@8.8.8.8/", "password"),
        ("https://@8.8.8.8/", "password"),
        ("ftp://8.8.8.8/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("javascript:alert(1)", "https://"),
        ("8.8.8.8/hook", "https://"),
        ("https://", "https://"),
        ("https:///hook", "https://"),
        ("https://8.8.8.8:99999/", "https://"),
        ("https://8.8.8.8:port/", "https://"),
        ("https://[::1/", "https://"),
        ("https://nowhere.invalid/", "not found"),
        ("https://8.8.8.8\\@127.0.0.1/", "password"),
        ("https://8.8.8.8\\127.0.0.1/", "not written"),
        ("https://[fe80::1%25eth0]/", "not written"),
    ],
)
def test_what_is_no_address_is_refused_in_words(url: str, word: str) -> None:
    assert word in refused(url)


def test_an_operator_can_open_a_network_also_for_http(resolver: Resolver) -> None:
    resolver.says("n8n.test", ["10.1.2.3"])
    opened = PushClient([ip_network("10.0.0.0/8")])
    assert opened.check("http://n8n.test:5678/webhook/1") == "http://n8n.test:5678/webhook/1"
    assert opened.check("https://10.1.2.3/") == "https://10.1.2.3/"


@pytest.mark.parametrize("url", ["http://192.168.1.1/", "http://127.0.0.1/", "http://8.8.8.8/"])
def test_an_opened_network_opens_nothing_else(url: str) -> None:
    assert "CONNECTOR_ALLOWED_TARGETS" in refused(url, "10.0.0.0/8")


def test_one_answer_outside_of_an_opened_network_is_enough_to_refuse(resolver: Resolver) -> None:
    resolver.says("half.test", ["10.1.2.3", "192.168.1.1"])
    assert refused("https://half.test/", "10.0.0.0/8")
