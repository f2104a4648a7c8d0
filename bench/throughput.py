"""Requests per second of one worker on one core: balance, charge, chat."""

from __future__ import annotations

from contextlib import ExitStack

import click

from bench import calls, servers
from bench.calls import Call
from bench.contest import Contestant, Round, Rounds, compete, middle, ratio
from bench.figures import Figure
from bench.servers import Bench, Running

_LOGGING = ("connector, logging", "FastAPI, logging")


def measure(bench: Bench, running: Running) -> list[Figure]:
    """All rows of this group."""
    return [*_balance(bench, running), *_charge(bench, running), *_chat(bench, running)]


def _balance(bench: Bench, running: Running) -> list[Figure]:
    click.echo("GET /v1/balance, 16 connections")
    results = _rounds(bench, *_pairs(running, calls.balance()))
    name = "`GET /v1/balance`, 16 connections"
    return [
        _row(name, results, "connector", "FastAPI", 2.5),
        _row(f"{name}, both with a log line per request", results, *_LOGGING),
    ]


def _charge(bench: Bench, running: Running) -> list[Figure]:
    click.echo("POST /v1/charge, 16 connections, every reference new")
    call = calls.charge()
    contestants = _pairs(running, call)
    if running.ours_postgres:
        contestants.append(Contestant("connector, PostgreSQL", running.ours_postgres, call))
    results = _rounds(bench, *contestants)
    name = "`POST /v1/charge`, two durable commits,"
    rows = [
        _row(f"{name} SQLite", results, "connector", "FastAPI", 1.0),
        _row(f"{name} SQLite, both with a log line per request", results, *_LOGGING),
    ]
    if running.ours_postgres:
        rows.append(_row(f"{name} PostgreSQL", results, "connector, PostgreSQL", "FastAPI"))
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
    rows = [_row(name, results, "connector", "FastAPI")]
    if bench.litellm:
        rows.append(_row(name, results, "connector", "LiteLLM", 15.0))
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


def _row(name: str, results: Rounds, our: str, peer: str, aim: float | None = None) -> Figure:
    ours, theirs = results[our], results[peer]
    times = ratio(ours, theirs, "rate")
    return Figure(
        name,
        _told(ours),
        f"{peer.split(',')[0]}: {_told(theirs)}",
        f"{times:.2f} ×",
        f"{ratio(theirs, ours, 'cpu_milliseconds'):.2f} ×",
        f"≥ {aim:g} ×" if aim else "",
        times >= aim if aim else None,
    )


def _told(turns: list[Round]) -> str:
    return (
        f"{middle(turns, 'rate'):,.0f}/s, {middle(turns, 'cpu_milliseconds'):.2f} ms CPU each, "
        f"p99 {middle(turns, 'p99_milliseconds'):.0f} ms"
    )
