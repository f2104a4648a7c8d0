"""What PostgreSQL uses for a charge and for an event, how fast its busiest row goes, and what it
matters that it is far away."""

from __future__ import annotations

import json
import urllib.request
from contextlib import ExitStack
from statistics import median

import click

from bench import calls, servers
from bench.calls import KEY, Call
from bench.contest import CONNECTIONS, Contestant, check, compete
from bench.distance import away
from bench.figures import Figure
from bench.inflow import inflow, sandbox
from bench.load import drive
from bench.processes import Server, cpu_seconds
from bench.servers import Bench, postgres_database
from bench.throughput import row
from connector.store import make_engine

_SENDERS = 32
_AWAY_MS, _NEAR = 1.0, "PostgreSQL on this machine"
_FEATURE = "bench-feature"


def measure(bench: Bench) -> list[Figure]:
    """All rows of this group; none where there is no PostgreSQL."""
    with ExitStack() as stack:
        upstream = stack.enter_context(sandbox(bench))
        first, second, third = (stack.enter_context(postgres_database()) for _ in range(3))
        if not (first and second and third):
            return []
        figures = []
        with servers.connector(bench, "database", database=first) as server:
            figures.append(_used(bench, server, "a charge", calls.charge(), CONNECTIONS))
            figures.append(_stored(first, "a charge", "ledger"))
            _set_price(server)
            figures.append(_one_row(bench, server))
            figures.append(_far(bench, server, third))
        with inflow(bench, upstream, "database-inbound", second) as flow:
            figures.append(_used(bench, flow.server, "an event", flow.events(), _SENDERS))
            figures.append(_stored(second, "an event", "events"))
        return figures


def _far(bench: Bench, near: Server, database: str) -> Figure:
    """Charges with the database on another machine, in turns with one that is here."""
    click.echo(f"POST /v1/charge, PostgreSQL {_AWAY_MS:g} ms away")
    call = calls.charge()
    with (
        away(database, _AWAY_MS) as address,
        servers.connector(bench, "connector-far", database=address) as far,
    ):
        results = compete(
            [Contestant("connector", far, call), Contestant(_NEAR, near, call)],
            rounds=bench.rounds,
            seconds=bench.seconds,
            connections=_SENDERS,
        )
    name = f"`POST /v1/charge`, PostgreSQL {_AWAY_MS:g} ms away, {_SENDERS} connections"
    return row(name, results, "connector", _NEAR)


def _used(bench: Bench, server: Server, what: str, call: Call, connections: int) -> Figure:
    click.echo(f"PostgreSQL's own part of {what}")
    check(what, drive(server.port, call, connections=connections, seconds=bench.seconds / 3))
    spent = []
    for _ in range(bench.rounds):
        before = cpu_seconds("postgres")
        load = drive(server.port, call, connections=connections, seconds=bench.seconds)
        check(what, load)
        spent.append((cpu_seconds("postgres") - before) * 1000 / load.answered)
    return Figure(
        f"PostgreSQL's own part of {what}, {connections} connections",
        f"{median(spent):.2f} ms CPU each",
    )


def _stored(database: str, what: str, table: str) -> Figure:
    """How much of the disk a row takes, with its indexes."""
    engine = make_engine(database, 1)
    with engine.connect() as connection:
        size, rows = connection.exec_driver_sql(
            f"SELECT pg_total_relation_size('{table}'), (SELECT count(*) FROM {table})"  # noqa: S608
        ).one()
    engine.dispose()
    return Figure(f"stored for {what}, PostgreSQL", f"{size / rows:,.0f} bytes with indexes")


def _one_row(bench: Bench, server: Server) -> Figure:
    """Uses of one user of one feature: each one waits for the same counter."""
    click.echo("Uses of one feature by one user, PostgreSQL")
    call = calls.use(_FEATURE)
    rates, late = [], []
    for number in range(bench.rounds + 1):
        load = drive(server.port, call, connections=CONNECTIONS, seconds=bench.seconds)
        check("use", load)
        if number:  # the first one warms up
            rates.append(load.rate)
            late.append(load.percentile(99) * 1000)
    return Figure(
        f"`POST /v1/use`, one feature and one user, PostgreSQL, {CONNECTIONS} connections",
        f"{median(rates):,.0f}/s, p99 {median(late):.0f} ms",
    )


def _set_price(server: Server) -> None:
    rule = json.dumps({"price": "0.01"}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/v1/features/{_FEATURE}",
        data=rule,
        method="PUT",
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=30):  # noqa: S310 -- loopback
        pass
