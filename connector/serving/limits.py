"""How long anybody may take, and how much the server holds for them.

Nobody gets a thread without having sent a whole request, and nobody keeps one by reading slowly.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Times in seconds, sizes in bytes; every one can be set, so that tests need not wait."""

    idle_seconds: float = 75
    """A connection on which nothing has come; longer than common load balancers keep one."""
    head_seconds: float = 10
    """From the first byte of a request to the end of its headers."""
    body_seconds: float = 20
    """From the end of the headers to the end of the body."""
    body_rate: int = 100_000
    """A body gets one more second for every so many bytes that have come."""
    turn_seconds: float = 10
    """How long a whole request waits for a thread before it is told to come again."""
    stall_seconds: float = 10
    """A stream that cannot be written for so long ends."""
    send_seconds: float = 30
    """How long a whole answer may take to be read, and one more second for every `body_rate`."""
    drain_seconds: float = 5
    """How long what a refused client is still sending is read and thrown away, so that it sees
    the answer instead of a broken connection."""
    head_bytes: int = 32_768
    """The headers of one request, all in all."""
    memory_bytes: int = 65_536
    """What of one body or answer is kept in memory; a longer body goes to a file."""
    held_bytes: int = 256_000_000
    """All bodies that are held, in memory and in files; a quarter of it for one sender."""
    connections: int = 16_384
    """Connections of one worker, as far as the machine allows so many open files."""
