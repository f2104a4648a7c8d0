"""Pushes over TLS: whose certificate is believed."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.triggers.push_client import PushClient
from tests.support.certificates import self_signed
from tests.triggers.delivery.receiver import read_push, says
from tests.triggers.delivery.resolver import Resolver
from tests.triggers.delivery.test_pushing import LOOPBACK, SHORT, push


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A resolver under the test's control."""
    return Resolver(monkeypatch)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for `secure.test` and 127.0.0.1 that vouches for itself, and its key."""
    return self_signed(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def secure_port(authority: tuple[Path, Path]) -> Iterator[int]:
    """The port of a server that speaks TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        read_push(secure)
                        secure.sendall(says(200, body=b"secure"))
                except OSError:
                    continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure_port: int, resolver: Resolver
) -> None:
    resolver.says("secure.test", ["127.0.0.1"])
    got = push(PushClient(LOOPBACK), f"https://secure.test:{secure_port}/")
    assert (got.status, got.problem) == (
        None,
        "The certificate of this address was not accepted.",
    )


def test_a_certificate_is_checked_against_the_name_and_not_the_pinned_address(
    secure_port: int,
    authority: tuple[Path, Path],
    resolver: Resolver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    resolver.says("secure.test", ["127.0.0.1"])
    resolver.says("other.test", ["127.0.0.1"])
    push_client = PushClient(LOOPBACK)
    assert push(push_client, f"https://secure.test:{secure_port}/").text == "secure"
    wrong = push(push_client, f"https://other.test:{secure_port}/")
    assert wrong.problem == "The certificate of this address was not accepted."


def test_a_handshake_that_hangs_ends_in_time(resolver: Resolver) -> None:
    resolver.says("secure.test", ["127.0.0.1"])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        got = push(PushClient(LOOPBACK), f"https://secure.test:{port}/", SHORT)
        assert time.monotonic() - began < SHORT + 5
    assert got.status is None
    assert got.problem
