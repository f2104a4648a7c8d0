"""A way to PostgreSQL on which every journey takes longer, as to a database on another machine."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator

from sqlalchemy.engine import make_url

_PORT = 5432
_PIECE = 65_536


@contextlib.contextmanager
def away(database: str, milliseconds: float) -> Iterator[str]:
    """The address at which a database is so far away, there and back, while the block runs."""
    url = make_url(database)
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = (url.host or "127.0.0.1", str(url.port or _PORT))
        words = (str(server.fileno()), *there, str(milliseconds / 2000))
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", "bench.distance", *words], pass_fds=[server.fileno()]
        )
        port = server.getsockname()[1]
    try:
        yield url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
    finally:
        process.kill()
        process.wait()


async def _serve(server: socket.socket, host: str, port: int, seconds: float) -> None:
    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await source.read(_PIECE):
            loop.call_later(seconds, target.write, data)
        loop.call_later(seconds, target.close)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, on = await asyncio.open_connection(host, port)
        with contextlib.suppress(OSError):
            await asyncio.gather(carry(reader, on), carry(behind, writer))

    listening = await asyncio.start_server(meet, sock=server)
    await listening.serve_forever()


if __name__ == "__main__":
    given, there, at, late = sys.argv[1:]
    asyncio.run(_serve(socket.socket(fileno=int(given)), there, int(at), float(late)))
