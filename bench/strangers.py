"""What strangers and crowds cost others: how long a health check and another key's charge take
while hundreds trickle, say nothing, do not read, or want everything at once."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click

from bench import servers
from bench.calls import charge
from bench.figures import Figure
from bench.processes import Server
from bench.servers import Bench

AIM_HEALTH, AIM_CHARGE = 0.5, 1.0
_TRIES = 10
_CROWD_KEY = b"sk-paywalls-crowd-0123456789abcdef"
_HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
_FILES = 24_000


@dataclass(frozen=True)
class Crowd:
    """`count` connections that each send `sent`, and then read nothing."""

    name: str
    count: int
    sent: bytes


def _with_key(line: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    return (
        (
            f"{line} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        ).encode()
        + b"Authorization: Bearer "
        + _CROWD_KEY
        + b"\r\n\r\n"
        + body
    )


_HALF_BODY = b"POST /v1/charge HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{"
_CHAT = b'{"model":"m","stream":true,"user":"ann","messages":[{"role":"user","content":"x"}]}'
_STUCK = b'{"user":"stuck","amount":"1","reference":"order-1"}'
_FORM_KIND = "application/x-www-form-urlencoded"
_FORM = b"&".join(b"f%d=a" % number for number in range(120_000))[:1_000_000]
CROWDS = (
    Crowd("half-sent headers", 300, b"GET / HTTP/1.1\r\nHost: x\r\nX-A"),
    Crowd("half-sent headers", 1_000, b"GET / HTTP/1.1\r\nHost: x\r\nX-A"),
    Crowd("half-sent bodies", 300, _HALF_BODY),
    Crowd("idle connections", 1_300, b""),
    Crowd("idle connections", 10_000, b""),
    Crowd("long answers that nobody reads", 300, _with_key("GET /openapi.json")),
    Crowd("calls of 1 s with one key", 300, _with_key("GET /v1/balance?user=slow")),
    Crowd("charges that wait for one reference", 300, _with_key("POST /v1/charge", _STUCK)),
    Crowd("streams with one key", 300, _with_key("POST /openai/v1/chat/completions", _CHAT)),
    Crowd(
        "forms of 1 MB",
        12,
        _with_key("POST /v1/charge", _FORM, _FORM_KIND),
    ),
)


def measure(bench: Bench) -> list[Figure]:
    """A row for each crowd: the longest of ten health checks and of ten charges of another key."""
    _allow_open_files()
    click.echo("Strangers and crowds, and what others notice of them")
    crowds = CROWDS[::4] if bench.quick else CROWDS
    return [_row(bench, crowd) for crowd in crowds]


def _row(bench: Bench, crowd: Crowd) -> Figure:
    with servers.connector(bench, "connector-crowd") as server:
        _took(server, charge().request, b"charged")
        with _gathered(server, crowd):
            health = max(_took(server, lambda: _HEALTH, b"ok") for _ in range(_TRIES))
            charged = max(_took(server, charge().request, b"charged") for _ in range(_TRIES))
    told = f"health {health * 1000:.0f} ms, charge {charged * 1000:.0f} ms"
    click.echo(f"  {crowd.count:,} × {crowd.name}: {told}")
    return Figure(
        f"{crowd.count:,} × {crowd.name}: the longest of {_TRIES} health checks and charges",
        told,
        aim=f"≤ {AIM_HEALTH * 1000:.0f} and {AIM_CHARGE * 1000:.0f} ms",
        met=health <= AIM_HEALTH and charged <= AIM_CHARGE,
    )


@contextlib.contextmanager
def _gathered(server: Server, crowd: Crowd) -> Iterator[None]:
    with contextlib.ExitStack() as stack:

        def one(_: int) -> None:
            client = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            stack.callback(client.close)
            client.sendall(crowd.sent)

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(one, range(crowd.count)))
        yield


def _took(server: Server, request: Callable[[], bytes], expect: bytes) -> float:
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(request())
        answer = b""
        while expect not in answer:
            more = client.recv(65_536)
            if not more:
                return float("inf")
            answer += more
    return time.perf_counter() - began


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
