"""Both transports over TLS: who is believed, and how long a handshake may take."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from connector.deadline import Deadline
from connector.upstream.connecting import Clock
from connector.upstream.fallback import FallbackTransport
from connector.upstream.transport import Transport
from tests.support.certificates import self_signed

Network = type[Transport] | type[FallbackTransport]
SHORT = 0.5
LONG = b"x" * 100_000
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + LONG


class Host:
    """A host that speaks TLS, and how many connections it was asked for."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate, self.connections = certificate, 0
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Answer every request with the same, until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), self._tls.wrap_socket(connection, server_side=True) as s:
            while s.recv(65_536):
                s.sendall(ANSWER)

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A host whose certificate vouches for itself."""
    host = Host(*self_signed(tmp_path_factory.mktemp("certificates")))
    thread = threading.Thread(target=host.serve, daemon=True)
    thread.start()
    yield host
    host.close()
    thread.join(5)


@pytest.fixture(params=[Transport, FallbackTransport])
def network(request: pytest.FixtureRequest) -> Network:
    """Each of the transports."""
    kind: Network = request.param
    return kind


def client(network: Network, tls: ssl.SSLContext, seconds: float = 5) -> httpx.Client:
    """Sends over this transport, with so much time for each thing."""
    clock = Clock(seconds)
    clock.deadline = Deadline(seconds)
    return httpx.Client(transport=network(clock, tls))


def test_answers_come_over_one_connection(host: Host, network: Network) -> None:
    before = host.connections
    with client(network, ssl.create_default_context(cafile=host.certificate)) as sender:
        for _ in range(3):
            assert sender.get(f"https://127.0.0.1:{host.port}/").content == LONG
    assert host.connections == before + 1


@pytest.mark.parametrize(("believed", "name"), [(False, "127.0.0.1"), (True, "localhost")])
def test_a_certificate_of_somebody_unknown_or_of_another_name_is_refused(
    host: Host, network: Network, believed: bool, name: str
) -> None:
    tls = ssl.create_default_context(cafile=host.certificate if believed else None)
    with client(network, tls) as sender, pytest.raises(httpx.ConnectError):
        sender.get(f"https://{name}:{host.port}/")


def test_a_handshake_that_hangs_is_over_in_time(host: Host, network: Network) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        client(
            network, ssl.create_default_context(cafile=host.certificate), seconds=SHORT
        ) as sender,
        pytest.raises(httpx.ConnectTimeout),
    ):
        sender.get(f"https://127.0.0.1:{silent.getsockname()[1]}/")
