"""Sending requests to the billing API, a few times where nothing can happen twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import stamina

from connector import jsontext
from connector.deadline import Deadline
from connector.errors import (
    UpstreamBroken,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from connector.telemetry.metrics import upstream_answered
from connector.upstream.failures import Again, failure, parsed, refused_key, told_as_ours
from connector.upstream.wire import IDLE_SECONDS, Wire

ATTEMPTS = 3
ANSWER_MAX = 8 * 1024 * 1024
_WITH_A_BODY = ("POST", "PUT", "PATCH")
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "server", "date")
)


class UpstreamAnswer:
    """An answer of upstream whose body is still coming in."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = {
            name: value for name, value in response.headers.items() if name not in _HOP_BY_HOP
        }
        self._coming = self._arriving()

    def chunks(self) -> Iterator[bytes]:
        """The body's bytes as they arrive. Raises an UpstreamError when the connection dies."""
        yield from self._coming

    def _arriving(self) -> Iterator[bytes]:
        with told_as_ours(None, Again.NEVER):
            yield from self._response.iter_raw()

    def whole(self, most: int = ANSWER_MAX) -> bytes:
        """What is there of the body once `most` bytes are exceeded or it has ended: then `chunks`
        gives nothing more. Raises an UpstreamError when the connection dies before."""
        read = bytearray()
        for chunk in self._coming:
            read += chunk
            if len(read) > most:
                break
        return bytes(read)

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class Client:
    """All callers' way to one upstream address (`base_url`, without a slash at its end).

    `idle`: seconds that a passed-through answer may be silent; `sandbox`: whether it is one.
    """

    def __init__(
        self,
        base_url: str,
        transport: httpx.BaseTransport | None = None,
        idle: float = IDLE_SECONDS,
        *,
        sandbox: bool = False,
    ) -> None:
        self._base = base_url
        self._sandbox = sandbox
        self._headers = [
            (b"host", httpx.URL(base_url).netloc),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"paywalls-connector"),
        ]
        self._wire = Wire(transport, idle)

    def ask(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        key: str,
        deadline: Deadline,
        params: Mapping[str, str] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        again: Again = Again.FREELY,
    ) -> Any:
        """Ask once, or a few times where nothing can happen twice; out comes the JSON answer.

        `again`: what happens after a failure that leaves doubt. A request that was not sent, or was
        answered with "slow down", is tried again in any case.
        Raises KeyRefused or an UpstreamError.
        """
        content = None if body is None else jsontext.dumps(body)

        def once() -> Any:
            return self._once(
                operation, method, path, key, deadline, params, content, headers, again
            )

        try:
            return once()
        except UpstreamError as error:
            if not _retry(error, again, deadline).again:
                raise
            failed = error

        for attempt in stamina.retry_context(
            on=lambda error: _retry(error, again, deadline).for_stamina(),
            attempts=ATTEMPTS,
            timeout=deadline.left(),
            wait_initial=0.1,
            wait_max=1.0,
            wait_jitter=0.1,
        ):
            with attempt:
                if attempt.num == 1:
                    raise failed
                return once()
        raise failed

    def _once(
        self,
        operation: str,
        method: str,
        path: str,
        key: str,
        deadline: Deadline,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        again: Again,
    ) -> Any:
        started = perf_counter()
        result = "error"
        try:
            with told_as_ours(deadline, again):
                response = self._send(method, path, key, deadline, params, content, headers)
                try:
                    raw = _read(response)
                finally:
                    response.close()
            result = str(response.status_code)
            if response.status_code in (200, 201):
                return parsed(raw, again)
            if response.status_code == 401:
                raise refused_key(key, sandbox=self._sandbox)
            raise failure(response, raw, again)
        finally:
            upstream_answered(operation, result, perf_counter() - started)

    def stream(
        self, method: str, path: str, *, key: str, content: bytes | None, headers: Mapping[str, str]
    ) -> UpstreamAnswer:
        """Pass a request through and give the open answer, whatever its status; the caller closes
        it. No total deadline; `idle` seconds without a byte end it. Raises an UpstreamError."""
        started = perf_counter()
        with told_as_ours(None, Again.NEVER):
            response = self._send(method, path, key, None, None, content, headers)
        upstream_answered("stream", str(response.status_code), perf_counter() - started)
        return UpstreamAnswer(response)

    def _send(
        self,
        method: str,
        path: str,
        key: str,
        deadline: Deadline | None,
        params: Mapping[str, str] | None,
        content: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        transport, clock = self._wire.here()
        clock.deadline = deadline
        sent = [(b"authorization", f"Bearer {key}".encode()), *self._headers]
        if content is not None and "content-type" not in (headers or {}):
            sent.append((b"content-type", b"application/json"))
        sent.extend(
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        )
        if content or method in _WITH_A_BODY:
            sent.append((b"content-length", b"%d" % len(content or b"")))
        return transport.handle_request(
            httpx.Request(
                method,
                self._url(path, params),
                headers=sent,
                stream=httpx.ByteStream(content or b""),  # as it is: nothing is to be made of it
            )
        )

    def _url(self, path: str, params: Mapping[str, str] | None) -> httpx.URL:
        query = f"?{urlencode(params, quote_via=quote)}" if params else ""
        return _parsed(f"{self._base}{path}{query}")


def _read(response: httpx.Response) -> bytes:
    chunks, size = [], 0
    for chunk in response.iter_raw():
        size += len(chunk)
        if size > ANSWER_MAX:
            raise httpx.ReadError("the answer is larger than anything this API sends")
        chunks.append(chunk)
    return b"".join(chunks)


@dataclass(frozen=True)
class _Retry:
    """Whether to ask again, and after how many seconds; None for the usual backoff."""

    again: bool
    seconds: float | None = None

    def for_stamina(self) -> bool | float:
        """What a stamina hook answers: False, True (its own backoff), or seconds to wait."""
        return self.seconds if self.again and self.seconds is not None else self.again


def _retry(error: Exception, again: Again, deadline: Deadline) -> _Retry:
    if isinstance(error, UpstreamBusy):
        seconds = float(error.retry_after or 0)
        return _Retry(seconds + 1 < min(deadline.left(), 10), seconds)
    if isinstance(error, UpstreamUnreachable):
        return _Retry(deadline.left() > 1)
    if isinstance(error, UpstreamBroken | UpstreamTimeout):
        return _Retry(again is Again.FREELY and error.retryable and deadline.left() > 1)
    return _Retry(again=False)


@lru_cache(1024)
def _parsed(url: str) -> httpx.URL:
    """The same few users are asked about again and again, and parsing costs as much as sending."""
    return httpx.URL(url)
