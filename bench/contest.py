"""Letting servers take turns under the same load, and comparing them round by round."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import click

from bench.calls import Call
from bench.load import Load, drive
from bench.processes import BenchError, Server

CONNECTIONS = 16
_WARM_UP_SHARE = 0.3  # of a turn


@dataclass(frozen=True)
class Contestant:
    """A server and what it is asked."""

    name: str
    server: Server
    call: Call


@dataclass(frozen=True)
class Round:
    """One turn of one server. CPU is that of the server's processes, per right answer."""

    rate: float
    cpu_milliseconds: float
    p50_milliseconds: float
    p99_milliseconds: float


Rounds = dict[str, list[Round]]


def compete(
    contestants: list[Contestant],
    *,
    rounds: int,
    seconds: float,
    connections: int = CONNECTIONS,
) -> Rounds:
    """The rounds of each contestant by its name; they take turns: A B A B …

    Raises BenchError when an answer is not the right one.
    """
    for contestant in contestants:
        _turn(contestant, seconds * _WARM_UP_SHARE, connections)
    results: Rounds = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        for contestant in contestants:
            results[contestant.name].append(_turn(contestant, seconds, connections))
        click.echo(
            f"  round {number + 1}/{rounds}: "
            + ", ".join(f"{name} {turns[-1].rate:,.0f}/s" for name, turns in results.items())
        )
    return results


def middle(turns: list[Round], value: str) -> float:
    """The median of one value over the rounds."""
    return float(median(getattr(turn, value) for turn in turns))


def ratio(ours: list[Round], peers: list[Round], value: str) -> float:
    """The median of the rounds' own ratios, so that a noisy minute hits both sides."""
    pairs = zip(ours, peers, strict=True)
    return float(median(getattr(our, value) / getattr(peer, value) for our, peer in pairs))


def _turn(contestant: Contestant, seconds: float, connections: int) -> Round:
    server = contestant.server
    before = server.cpu_seconds()
    load = drive(server.port, contestant.call, connections=connections, seconds=seconds)
    used = server.cpu_seconds() - before
    check(contestant.name, load)
    return Round(
        load.rate,
        used * 1000 / load.answered,
        load.percentile(50) * 1000,
        load.percentile(99) * 1000,
    )


def check(name: str, load: Load) -> None:
    """Raises BenchError if any answer was wrong, or none came."""
    if load.failed or not load.answered:
        raise BenchError(f"{name}: {load.failed} requests failed. The first: {load.failure}")
