"""Pushes over TLS: whose certificate is believed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connector.triggers.push_client import PushClient
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
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.test")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [
                    x509.DNSName("secure.test"),
                    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
                ]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificates")
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "certificate.pem", folder / "key.pem"


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
