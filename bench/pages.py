"""The console's pages, for a paywall with a million events and a million rows in the ledger."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import click
import httpx

from bench.figures import Figure
from bench.filling import fill_events, fill_ledger
from bench.inflow import KEY, Inflow, inflow, sandbox
from bench.processes import BenchError
from bench.servers import Bench, postgres_database

COUNT = 1_000_000
AIM_MS = 100
_TIMES = 9


def measure(bench: Bench) -> list[Figure]:
    """The rows of this group, one for each database."""
    count = bench.many(COUNT)
    click.echo(f"Pages of the console: {count:,} events and as many rows in the ledger")
    figures = []
    with ExitStack() as stack:
        upstream = stack.enter_context(sandbox(bench))
        database = stack.enter_context(postgres_database())
        for name, where in (("SQLite", ""), ("PostgreSQL", database)):
            if name == "PostgreSQL" and not where:
                continue
            with inflow(bench, upstream, f"pages-{name.casefold()}", where) as flow:
                fill_events(flow, count)
                fill_ledger(flow, count)
                pages = _pages(flow, count, 1 if bench.quick else _TIMES)
                figures.append(_figure(name, count, pages))
    return figures


def _figure(database: str, count: int, times: dict[str, float]) -> Figure:
    slowest = max(times, key=lambda page: times[page])
    for page, milliseconds in times.items():
        click.echo(f"  {database}: {milliseconds:6.1f} ms  {page}")
    return Figure(
        f"pages of the console, {count:,} events and ledger rows, {database}",
        f"slowest {times[slowest]:.0f} ms (/console{slowest}), "
        f"median {statistics.median(times.values()):.0f} ms of {len(times)} pages",
        aim=f"≤ {AIM_MS} ms each",
        met=times[slowest] <= AIM_MS,
    )


def _pages(flow: Inflow, count: int, times: int) -> dict[str, float]:
    """How many milliseconds each page takes, the median of some times."""
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    middle = f"order-{count // 2}"
    address = f"http://127.0.0.1:{flow.server.port}"
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        signed_in = client.post("/console/sign-in", data={"key": KEY})
        if signed_in.status_code != 303:
            raise BenchError(f"signing in to the console was answered {signed_in.status_code}")
        return {
            path: _milliseconds(client, path, times)
            for path in (
                "",
                "/transactions",
                "/transactions?reference=order-",
                f"/transactions?reference={middle}",
                "/transactions?user=user_7",
                "/transactions?state=unknown",
                "/transactions?state=refused",
                f"/transactions?since={yesterday}",
                "/transactions?reference=order-&user=user_7&state=done",
                f"/transactions/led_{count // 2:016x}",
                "/days",
                "/days?user=user_7",
                f"/days/{yesterday}",
                "/events",
                "/events?trigger=balance_depleted&user=user_7",
                "/webhooks",
                "/connect",
            )
        }


def _milliseconds(client: httpx.Client, path: str, times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        answer = client.get(f"/console{path}")
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200 or "Sign out" not in answer.text:
            raise BenchError(f"/console{path} was answered {answer.status_code}")
    return statistics.median(taken)
