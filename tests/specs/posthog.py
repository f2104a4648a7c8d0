"""A stand-in for PostHog's capture address, which keeps what it is sent and fails as it is told.

Source: https://posthog.com/docs/api/capture
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

Json = dict[str, Any]
PATH = "/i/v0/e/"


def uuid_of(event_id: str) -> str:
    """The UUID of an event by its id, the same from every recipe: the id where it is one, else one
    of version 8 made of the id's hash."""
    with contextlib.suppress(ValueError):
        UUID(event_id)
        return event_id
    digits = hashlib.sha256(event_id.encode()).hexdigest()
    return str(UUID(f"{digits[:12]}8{digits[12:15]}8{digits[15:30]}"))


class PostHog(ThreadingHTTPServer):
    """The server; `sent` are all captures that came, `failing` how many next ones get a 503."""

    daemon_threads = True
    request_queue_size = 128  # n8n sends the items of one run side by side

    def __init__(self) -> None:
        self.sent: list[Json] = []
        self.failing = 0
        super().__init__(("127.0.0.1", 0), _Capture)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def counted(self) -> list[Json]:
        """The captures that it keeps: those without a valid UUID are dropped, and of several with
        one UUID, name, user and day the last one stays."""
        kept: dict[tuple[str, ...], Json] = {}
        for capture in self.sent:
            with contextlib.suppress(ValueError):
                id = str(UUID(capture["uuid"]))
                day = capture["timestamp"][:10]
                kept[id, capture["event"], capture["distinct_id"], day] = capture
        return list(kept.values())


class _Capture(BaseHTTPRequestHandler):
    server: PostHog

    def do_POST(self) -> None:
        capture = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append(capture)
        status = 200
        if self.path != PATH:
            status = 404
        elif self.server.failing:
            self.server.failing -= 1
            status = 503
        answer = b'{"status":"Ok"}' if status == 200 else b"{}"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written."""
