"""How many calls of a second one worker holds at a time, and what each of them costs in memory."""

from __future__ import annotations

import resource
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import click

from bench import calls, servers
from bench.figures import Figure
from bench.load import drive
from bench.processes import BenchError, Server
from bench.servers import Bench
from bench.stub import SLOW_SECONDS

STEPS = (64, 256, 512, 768, 1024, 1536, 2048)
"""Numbers of calls at a time, tried one after the other."""
AIM_CALLS = 1_000
AIM_SECONDS = 1.2
AIM_KILOBYTES = 100
_THREADS = 2048
_OPEN_FILES = 8192


@dataclass(frozen=True)
class _Held:
    calls: int
    p99: float
    kilobytes_each: float
    cpu_milliseconds: float

    @property
    def in_time(self) -> bool:
        return self.p99 <= AIM_SECONDS


def measure(bench: Bench) -> list[Figure]:
    """All rows of this group."""
    _allow_open_files()
    click.echo(f"Calls of {SLOW_SECONDS:g} s, as many as possible at p99 ≤ {AIM_SECONDS:g} s")
    with servers.connector(bench, "connector-held", threads=str(_THREADS)) as server:
        ours = _climb("connector", server, bench)
    with servers.fastapi(bench) as server:
        peer = _climb("FastAPI", server, bench)
    most, peers_most = _best(ours), _best(peer)
    return [
        Figure(
            f"calls of {SLOW_SECONDS:g} s held by one worker at p99 ≤ {AIM_SECONDS:g} s",
            _told(most),
            f"FastAPI: {_told(peers_most)}",
            _times(most, peers_most),
            aim=f"≥ {AIM_CALLS}",
            met=most is not None and most.calls >= AIM_CALLS,
        ),
        Figure(
            "memory for each call that is held",
            "–" if most is None else f"{most.kilobytes_each:.0f} KB",
            "–" if peers_most is None else f"FastAPI: {peers_most.kilobytes_each:.0f} KB",
            aim=f"≤ {AIM_KILOBYTES} KB",
            met=most is not None and most.kilobytes_each <= AIM_KILOBYTES,
        ),
    ]


def _climb(name: str, server: Server, bench: Bench) -> list[_Held]:
    """One step after the other, until one is not held in time."""
    drive(server.port, calls.balance(), connections=1, seconds=0.5)
    idle = server.resident_bytes()
    steps: list[_Held] = []
    for number in STEPS[:2] if bench.quick else STEPS:
        step = _hold(name, server, number, idle, max(bench.seconds, 2.0))
        click.echo(
            f"  {name}: {number} at a time, p99 {step.p99:.2f} s, each "
            f"{step.kilobytes_each:.0f} KB and {step.cpu_milliseconds:.2f} ms of CPU"
        )
        steps.append(step)
        if not step.in_time:
            break
    return steps


def _hold(name: str, server: Server, number: int, idle: int, seconds: float) -> _Held:
    """Every connection sends its next call when the last one is answered; they begin spread over
    a second, as callers do. Memory is looked at while all of them wait."""
    slow = calls.balance("slow_user")
    before = server.cpu_seconds()
    with ThreadPoolExecutor(1) as second_thread:
        under_way = second_thread.submit(
            drive, server.port, slow, connections=number, seconds=seconds, spread=SLOW_SECONDS
        )
        most = 0
        for _ in range(600):
            most = max(most, server.resident_bytes())
            try:
                load = under_way.result(timeout=0.2)
                break
            except TimeoutError:
                continue
        else:
            raise BenchError(f"{name} did not answer {number} calls in two minutes.")
    late = float("inf") if load.failed else load.percentile(99)
    used = (server.cpu_seconds() - before) / max(load.answered, 1)
    return _Held(number, late, (most - idle) / 1000 / number, used * 1000)


def _best(steps: list[_Held]) -> _Held | None:
    return next((step for step in reversed(steps) if step.in_time), None)


def _told(step: _Held | None) -> str:
    if step is None:
        return f"fewer than {STEPS[0]}"
    return f"{step.calls}, p99 {step.p99:.2f} s, {step.cpu_milliseconds:.2f} ms CPU each"


def _times(ours: _Held | None, peers: _Held | None) -> str:
    return f"{ours.calls / peers.calls:.1f} ×" if ours and peers else ""


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
