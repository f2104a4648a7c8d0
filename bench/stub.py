"""A stand-in for the billing API that answers from canned bytes: at once, or after a while.

`python -m bench.stub PORT`. A user whose id begins with `slow` waits for a second, a charge of one
whose id begins with `stuck` for fifteen; a chat with `"stream": true` comes as server-sent events.
It costs a fraction of any server under test.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

SLOW_SECONDS = 1.0
STUCK_SECONDS = 15.0
TOKENS = 10
TOKEN_SECONDS = 0.003

_MESSAGE = "The quick brown fox jumps over the lazy dog. " * 4
_COMPLETION = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": _MESSAGE},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52},
}
_CHUNK = {
    "id": "chatcmpl-bench",
    "object": "chat.completion.chunk",
    "created": 1700000000,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}],
}


def _answer(status: str, body: object) -> bytes:
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}"
    return head.encode() + b"\r\n\r\n" + raw


def _chunked(raw: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(raw), raw)


_ANSWERS = {
    path.encode(): _answer("200 OK", body)
    for path, body in {
        "/v1/user/balance": {"balance": "12500000000000000000", "balanceFormatted": "$12.50"},
        "/v1/user/balance/topup": {"url": "https://paywalls.example/top-up/cs_1"},
        "/v1/user/balance/deposit": {"balanceFormatted": "$13.00"},
        "/v1/user/connect": {"connected": True, "message": "Connected."},
        "/v1/user/disconnect": {"success": True, "message": "Disconnected."},
        "/v1/user/charge": {"success": True, "message": "Charged."},
        "/v1/chat/completions": _COMPLETION,
        "/v1/models": {"data": [{"id": "gpt-4o-mini", "object": "model", "name": "GPT-4o mini"}]},
        "/v1/webhooks/subscriptions": {"subscriptions": []},
    }.items()
}
_NOT_FOUND = _answer("404 Not Found", {"error": {"message": "not here"}})
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_TOKEN = _chunked(b"data: " + json.dumps(_CHUNK).encode() + b"\n\n")
_STREAM_END = _chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class _Conversation(asyncio.Protocol):
    """One keep-alive connection; clients send one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, result, rest = self._buffer.partition(b"\r\n\r\n")
        if not result:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._respond(head, rest[:length])

    def _respond(self, head: bytes, body: bytes) -> None:
        path, _, query = head.split(b" ", 2)[1].partition(b"?")
        if path == b"/v1/chat/completions" and _wants_stream(body):
            self._transport.write(_STREAM_HEAD + _TOKEN)
            self._loop.call_later(TOKEN_SECONDS, self._more, TOKENS - 1)
            return
        answer = _ANSWERS.get(path, _NOT_FOUND)
        if b"user=slow" in query:
            self._loop.call_later(SLOW_SECONDS, self._transport.write, answer)
        elif b'"stuck' in body:
            self._loop.call_later(STUCK_SECONDS, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _more(self, left: int) -> None:
        if left == 0:
            self._transport.write(_STREAM_END)
            return
        self._transport.write(_TOKEN)
        self._loop.call_later(TOKEN_SECONDS, self._more, left - 1)


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"content-length:")
    return 0 if at < 0 else int(lower[at + 15 :].split(b"\r\n", 1)[0])


def _wants_stream(body: bytes) -> bool:
    return b'"stream":true' in body or b'"stream": true' in body


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Conversation(loop), "127.0.0.1", port, backlog=2048, reuse_address=True
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
