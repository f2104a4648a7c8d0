"""Reading on from a cursor: as fast behind a million stored events as behind a hundred thousand."""

from __future__ import annotations

import random
from contextlib import ExitStack

import click

from bench import calls
from bench.contest import Contestant, compete, middle, ratio
from bench.figures import Figure
from bench.filling import fill_events
from bench.inflow import KEY, inflow, sandbox
from bench.servers import Bench

FEW, MANY = 100_000, 1_000_000
AIM = 0.95
_PAGE = 100


def measure(bench: Bench) -> list[Figure]:
    """The row of this group."""
    few, many = bench.many(FEW), bench.many(MANY)
    click.echo(f"Reading {_PAGE} events at a cursor: {many:,} stored against {few:,}")
    with ExitStack() as stack:
        upstream = stack.enter_context(sandbox(bench))
        contestants = []
        for count in (few, many):
            flow = stack.enter_context(inflow(bench, upstream, f"cursor-{count}"))
            fill_events(flow, count)
            place = random.Random(count)  # noqa: S311 -- where to read
            call = calls.cursor(
                KEY,
                lambda count=count, place=place: place.randrange(count - _PAGE),  # type: ignore[misc]
            )
            contestants.append(Contestant(f"{count:,} stored", flow.server, call))
        results = compete(contestants, rounds=bench.rounds, seconds=bench.seconds)
    small, large = results.values()
    times = ratio(large, small, "rate")
    return [
        Figure(
            f"{_PAGE} events at a cursor, {many:,} stored against {few:,}",
            f"{middle(large, 'rate'):,.0f}/s, {middle(large, 'cpu_milliseconds'):.2f} ms CPU each",
            f"with {few:,}: {middle(small, 'rate'):,.0f}/s, "
            f"{middle(small, 'cpu_milliseconds'):.2f} ms CPU each",
            f"{times:.2f} ×",
            f"{ratio(small, large, 'cpu_milliseconds'):.2f} ×",
            f"≥ {AIM:g} ×",
            times >= AIM,
        )
    ]
