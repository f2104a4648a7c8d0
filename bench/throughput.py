"""Requests per second of one worker on one core: balance, charge, chat."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median

import click

from bench import calls, servers
from bench.calls import Call
from bench.contest import Contestant, Round, Rounds, compete, middle, ratio
from bench.figures import Figure
from bench.servers import Bench, Running

_AIOHTTP = "FastAPI + aiohttp"
_CROWD = 256
_MOST_SPREAD = 3.0
_LOGGING = ("connector, logging", "FastAPI, logging")


def measure(bench: Bench, running: Running) -> list[Figure]:
    """All rows of this group."""
    return [
        *_balance(bench, running),
        *_crowd(bench, running),
        *_charge(bench, running),
        *_chat(bench, running),
    ]


def _balance(bench: Bench, running: Running) -> list[Figure]:
    click.echo("GET /v1/balance, 16 connections")
    with_aiohttp = Contestant(_AIOHTTP, running.peer_aiohttp, calls.balance())
    results = _rounds(bench, *_pairs(running, calls.balance()), with_aiohttp)
    name = "`GET /v1/balance`, 16 connections"
    return [
        row(name, results, "connector", "FastAPI", 5.0),
        row(name, results, "connector", _AIOHTTP, 0.8),
        row(f"{name}, both with a log line per request", results, *_LOGGING),
    ]


def _crowd(bench: Bench, running: Running) -> list[Figure]:
    click.echo(f"GET /v1/balance, {_CROWD} connections")
    call = calls.balance()
    contestants = [
        Contestant("connector", running.ours, call),
        Contestant("FastAPI", running.peer, call),
        Contestant(_AIOHTTP, running.peer_aiohttp, call),
    ]
    results = compete(contestants, rounds=bench.rounds, seconds=bench.seconds, connections=_CROWD)
    ours, *others = (_spread(results[one.name]) for one in contestants)
    told = ", ".join(
        f"{one.name}: {spread:.1f}" for one, spread in zip(contestants[1:], others, strict=True)
    )
    name = f"p99 / p50 at {_CROWD} connections"
    return [Figure(name, f"{ours:.1f}", told, aim=f"≤ {_MOST_SPREAD:g}", met=ours <= _MOST_SPREAD)]


def _spread(turns: list[Round]) -> float:
    """How much longer than usual the slowest in a hundred takes."""
    return median(turn.p99_milliseconds / turn.p50_milliseconds for turn in turns)


def _charge(bench: Bench, running: Running) -> list[Figure]:
    click.echo("POST /v1/charge, 16 connections, every reference new")
    call = calls.charge()
    contestants = _pairs(running, call)
    if running.ours_postgres:
        contestants.append(Contestant("connector, PostgreSQL", running.ours_postgres, call))
    results = _rounds(bench, *contestants)
    name = "`POST /v1/charge`, two durable commits,"
    rows = [
        row(f"{name} SQLite", results, "connector", "FastAPI", 3.0),
        row(f"{name} SQLite, both with a log line per request", results, *_LOGGING),
    ]
    if running.ours_postgres:
        rows.append(row(f"{name} PostgreSQL", results, "connector, PostgreSQL", "FastAPI", 2.0))
    return rows


def _chat(bench: Bench, running: Running) -> list[Figure]:
    click.echo("POST /v1/chat, 16 connections")
    call = calls.chat()
    contestants = [
        Contestant("connector", running.ours, call),
        Contestant("FastAPI", running.peer, call),
    ]
    with ExitStack() as stack:
        if bench.litellm:
            server = stack.enter_context(servers.litellm(bench, bench.litellm))
            completion = calls.completion("/v1/chat/completions")
            contestants.append(Contestant("LiteLLM", server, completion))
        results = _rounds(bench, *contestants)
    name = "`POST /v1/chat`, 16 connections"
    rows = [row(name, results, "connector", "FastAPI")]
    if bench.litellm:
        rows.append(row(name, results, "connector", "LiteLLM", 25.0))
    return rows


def _pairs(running: Running, call: Call) -> list[Contestant]:
    return [
        Contestant("connector", running.ours, call),
        Contestant("FastAPI", running.peer, call),
        Contestant("connector, logging", running.ours_logging, call),
        Contestant("FastAPI, logging", running.peer_logging, call),
    ]


def _rounds(bench: Bench, *contestants: Contestant) -> Rounds:
    return compete(list(contestants), rounds=bench.rounds, seconds=bench.seconds)


def row(name: str, results: Rounds, our: str, peer: str, aim: float | None = None) -> Figure:
    """How two contestants compare, by CPU where there is an `aim`."""
    ours, theirs = results[our], results[peer]
    cpu = ratio(theirs, ours, "cpu_milliseconds")
    return Figure(
        name,
        _told(ours),
        f"{peer.split(',')[0]}: {_told(theirs)}",
        f"{ratio(ours, theirs, 'rate'):.2f} ×",
        f"{cpu:.2f} ×",
        f"CPU ≥ {aim:g} ×" if aim else "",
        cpu >= aim if aim else None,
    )


def _told(turns: list[Round]) -> str:
    return (
        f"{middle(turns, 'rate'):,.0f}/s, {middle(turns, 'cpu_milliseconds'):.2f} ms CPU each, "
        f"p99 {middle(turns, 'p99_milliseconds'):.0f} ms"
    )
