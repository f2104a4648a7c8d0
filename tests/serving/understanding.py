"""What gunicorn and what our collecting make of the same bytes, told alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http.errors import NoMoreData, ParseException  # type: ignore[import-untyped]
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]

from connector.serving import plain
from connector.serving.addresses import RuleBook
from connector.serving.bodies import Room
from connector.serving.incoming import Incoming
from connector.serving.limits import Limits

PEER = ("192.0.2.1", 4711)
LIMITS = Limits()
Understood = list[tuple[Any, ...]]
NOTHING = ("nothing",)


def config(parser: str) -> Config:
    """gunicorn's settings, as far as they matter for what a request means."""
    cfg = Config()
    for name, value in {
        "http_parser": parser,
        "limit_request_line": 8190,
        "limit_request_fields": 100,
        "limit_request_field_size": 8190,
        "forwarded_allow_ips": "",
    }.items():
        cfg.set(name, value)
    return cfg


def by_gunicorn(raw: bytes, cfg: Config) -> Understood:
    """Every request in `raw` that is carried out; NOTHING at the end where one is not.

    A body that ends before its announced length is given to the app by gunicorn as it is; here it
    is no request, whoever sent it."""
    told: Understood = []
    parser = RequestParser(cfg, iter([raw]), PEER)
    while True:
        try:
            request = next(parser)
            wanted = getattr(request.body.reader, "length", 0)
            body = request.body.read()
        except StopIteration:
            return told
        except NoMoreData:
            return [*told, NOTHING]
        except (ParseException, OSError):
            return [*told, NOTHING]
        if len(body) < wanted:
            return [*told, NOTHING]
        told.append(_of(request, body))


def by_us(pieces: Iterable[bytes], cfg: Config) -> Understood:
    """The same, fed piece by piece."""
    told: Understood = []
    rules = RuleBook(LIMITS.held_bytes, 0, lambda _key: False)
    room = Room(LIMITS.held_bytes)
    reader = plain.reader(cfg)
    incoming = Incoming(cfg, PEER, rules.of, room, LIMITS, reader)
    for piece in pieces:
        data = piece
        while data:
            try:
                incoming.feed(data)
            except ParseException:
                return [*told, NOTHING]
            if not incoming.whole:
                break
            told.append(_of(incoming.request, incoming.environ()["wsgi.input"].read()))
            ended, data = incoming.request.should_close(), incoming.rest
            incoming.close()
            if ended:
                return told
            incoming = Incoming(cfg, PEER, rules.of, room, LIMITS, reader)
    if incoming.begun:
        told.append(NOTHING)
    incoming.close()
    assert room.held == 0
    return told


def _of(request: Any, body: bytes) -> tuple[Any, ...]:
    return (request.method, request.uri, request.version, request.headers, body)
