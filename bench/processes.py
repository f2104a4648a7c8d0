"""Starting servers on a core of their own, what they use, and stopping them however we end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_START_SECONDS = 90
_STOP_SECONDS = 10
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """The measurement cannot go on; the text says why."""


@dataclass(frozen=True)
class Server:
    """A running server: everything in the session that its first process leads."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu_seconds(self) -> float:
        """CPU time used so far by all of its processes, user and system."""
        return _cpu_seconds(self._stats())

    def resident_bytes(self) -> int:
        """Resident memory of all of its processes."""
        return sum(int(f[21]) for f in self._stats()) * _PAGE

    def _stats(self) -> Iterator[list[str]]:
        return (fields for _, fields in _living() if int(fields[3]) == self.process.pid)


def cpu_seconds(name: str) -> float:
    """CPU time of all processes of this machine that have this name and live, user and system."""
    return _cpu_seconds(fields for known, fields in _living() if known == name)


def _living() -> Iterator[tuple[str, list[str]]]:
    """Each process: its name, and the fields of /proc/<pid>/stat from the state on (proc(5))."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                begin, _, rest = (folder / "stat").read_text().rpartition(") ")
                yield begin.partition(" (")[2], rest.split()


def _cpu_seconds(stats: Iterable[list[str]]) -> float:
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / _TICKS


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run on one core meanwhile; what is started inside stays there."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def serving(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    core: int,
    log: Path,
    settings: Mapping[str, str] | None = None,
    ready: str = "/",
    folder: Path | None = None,
) -> Iterator[Server]:
    """A server while the block runs, started in `folder`; it writes to the file `log`.

    Raises BenchError unless `ready` gives an answer below 500 within 90 s.
    """
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("CONNECTOR_")}
    with log.open("ab") as output, pinned(core):
        process = subprocess.Popen(  # noqa: S603 -- our own command
            command,
            cwd=folder,
            env=inherited | dict(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await(name, process, f"http://127.0.0.1:{port}{ready}", log)
        yield Server(name, port, process)
    finally:
        _stop(process)


def free_port() -> int:
    """A port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(name: str, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 -- loopback
                return
        except urllib.error.HTTPError as answer:
            if answer.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2000:]
    raise BenchError(f"{name} did not start. It said:\n{said}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # whoever outlived the first process
