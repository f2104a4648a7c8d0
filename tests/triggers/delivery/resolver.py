"""A resolver that answers as a test says, for names that end in `.test`."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

PUBLIC = "93.184.215.14"
_real = socket.getaddrinfo


class Resolver:
    """Names and what they lead to: a list of answers, each a list of addresses, the last of which
    stays. `asked` counts the questions."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: dict[str, int] = {}
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def says(self, name: str, *answers: list[str]) -> str:
        """From now on `name` leads there; the name."""
        self.answers[name] = list(answers)
        return name

    def _look_up(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        waiting = self.answers.get(host)
        if waiting is None:
            return _real(host, port, *args, **kwargs)
        self.asked[host] = self.asked.get(host, 0) + 1
        addresses = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [_entry(address, int(port or 0)) for address in addresses]


def _entry(address: str, port: int) -> Any:
    if ipaddress.ip_address(address).version == 6:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)
