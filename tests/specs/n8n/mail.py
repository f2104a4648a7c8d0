"""A mail server that keeps what it is given, for steps that send mail.

Source: https://www.rfc-editor.org/rfc/rfc5321
"""

from __future__ import annotations

import email
import socketserver
from email.message import Message


class Mails(socketserver.ThreadingTCPServer):
    """The server; `kept` are the messages that came."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        self.kept: list[Message] = []
        super().__init__(("127.0.0.1", 0), _Conversation)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: Mails

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline():
            match line[:4].upper():
                case b"DATA":
                    self._say("354 go on")
                    self.server.kept.append(email.message_from_bytes(self._message()))
                    self._say("250 kept")
                case b"QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _message(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
