"""A proxy that adds a key, for clients that cannot send one; all else passes as it came."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.support.listening import listening

_OWN = ("connection", "transfer-encoding", "content-length", "date", "server")


@contextlib.contextmanager
def keyed_proxy(address: str, key: str) -> Iterator[str]:
    """The address of a proxy before `address`."""
    there = urlsplit(address).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            sent = [*self.headers.items(), ("Authorization", f"Bearer {key}")]
            upstream = HTTPConnection(there, timeout=30)
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent:
                if name.casefold() != "connection":
                    upstream.putheader(name, value)
            upstream.endheaders(body)
            answer = upstream.getresponse()
            told = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.casefold() not in _OWN:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
            upstream.close()

        do_GET = do_POST = do_DELETE = do_OPTIONS = _pass  # noqa: N815 -- http.server's names

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is written."""

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"
