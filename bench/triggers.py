"""Events from coming in to leaving again: stored durably, pushed soon, to many, all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median, quantiles
from time import perf_counter

import click

from bench.contest import check
from bench.figures import Figure
from bench.inflow import Inflow, inflow, sandbox
from bench.latency import connected, exchange
from bench.load import Load, drive
from bench.machine import fdatasyncs_per_second
from bench.processes import BenchError
from bench.receiver import Receiver, receiving
from bench.servers import Bench, postgres_database

SENDERS = 8
AIM_INSERTS = {("SQLite", 8): 0.5, ("SQLite", 32): 1.0, ("PostgreSQL", 32): 0.4}
"""Events for each fdatasync of the disk, by the database and the number of senders."""
AIM_PUSH_MILLISECONDS = 20.0
AIM_UNWANTED = 1.2
FEW_HOOKS, MANY_HOOKS = 10, 9_000
AIM_BESIDE_FAN_OUT_MILLISECONDS = 1000.0
HOOKS = 1000
_OTHER = "paywall.request.blocked"
_PATIENCE = 300.0
_PAUSE_SECONDS = 0.02


def measure(bench: Bench) -> list[Figure]:
    """All rows of this group."""
    with ExitStack() as stack:
        upstream = stack.enter_context(sandbox(bench))
        database = stack.enter_context(postgres_database())
        figures = []
        with inflow(bench, upstream, "inbound") as flow:
            figures += [_inserts(bench, flow, "SQLite", number) for number in (8, 32)]
        if database:
            with inflow(bench, upstream, "inbound-postgresql", database) as flow:
                figures += [_inserts(bench, flow, "PostgreSQL", number) for number in (8, 32)]
        with inflow(bench, upstream, "unwanted") as flow:
            figures.append(_unwanted(bench, flow))
        for row in (_promptness, _fan_out, _everything):
            with inflow(bench, upstream, row.__name__.strip("_")) as flow, receiving() as receiver:
                figures.append(row(bench, flow, receiver))
    return figures


def _inserts(bench: Bench, flow: Inflow, kind: str, senders: int) -> Figure:
    """Events per second, in turns with what the disk makes by itself."""
    click.echo(f"Inbound events, {senders} senders, {kind}")
    call, aim = flow.events(), AIM_INSERTS.get((kind, senders))
    check("inbound", drive(flow.server.port, call, connections=senders, seconds=bench.seconds / 3))
    rates, disk, ratios, cpu, late = [], [], [], [], []
    for number in range(bench.rounds):
        before = flow.server.cpu_seconds()
        load = drive(flow.server.port, call, connections=senders, seconds=bench.seconds)
        check("inbound", load)
        cpu.append((flow.server.cpu_seconds() - before) * 1000 / load.answered)
        syncs = fdatasyncs_per_second(bench.folder)
        rates.append(load.rate)
        disk.append(syncs)
        ratios.append(load.rate / syncs)
        late.append(load.percentile(99) * 1000)
        click.echo(f"  round {number + 1}: {load.rate:,.0f}/s, the disk {syncs:,.0f} fdatasync/s")
    times = median(ratios)
    return Figure(
        f"events that come in, durable before the answer, {senders} senders, {kind}",
        f"{median(rates):,.0f}/s, {median(cpu):.2f} ms CPU each, p99 {median(late):.0f} ms",
        f"disk: {median(disk):,.0f} fdatasync of 4 KB/s",
        f"{times:.2f} ×",
        aim=f"≥ {aim:g} ×" if aim else "",
        met=times >= aim if aim else None,
    )


def _unwanted(bench: Bench, flow: Inflow) -> Figure:
    """What an event costs that none of the paywall's hooks wants, by how many of them there are."""
    most = bench.many(MANY_HOOKS)
    click.echo(f"An event that no hook wants, {FEW_HOOKS} hooks and {most:,}")
    cpu = []
    for hooks in (FEW_HOOKS, most):
        urls = [f"http://127.0.0.1:9/{hooks}/{number}" for number in range(hooks)]
        flow.add_hooks(urls, "request_blocked")
        rounds = []
        for _ in range(bench.rounds):
            before = flow.server.cpu_seconds()
            load = drive(flow.server.port, flow.events(), connections=1, seconds=bench.seconds)
            check("unwanted", load)
            rounds.append((flow.server.cpu_seconds() - before) * 1000 / load.answered)
        cpu.append(median(rounds))
    few, many = cpu
    return Figure(
        f"an event that no hook wants, {most:,} hooks against {FEW_HOOKS}",
        f"{many:.2f} ms CPU each",
        f"with {FEW_HOOKS}: {few:.2f} ms CPU each",
        cpu=f"{many / few:.2f} ×",
        aim=f"CPU ≤ {AIM_UNWANTED:g} ×",
        met=many / few <= AIM_UNWANTED,
    )


def _promptness(bench: Bench, flow: Inflow, receiver: Receiver) -> Figure:
    """From the first byte of an event sent here to its push arriving, nothing else going on. The
    commit lies between the two, so the true figure is smaller."""
    click.echo("From an event coming in to its push, one at a time")
    flow.add_hooks([receiver.url], "any_event")
    call, pause = flow.events(), threading.Event()
    took = []
    with connected(flow.server.port) as line:
        for number in range(20 + 40 * bench.rounds):
            began = perf_counter()
            exchange(line, call)
            receiver.wait(number + 1, _PATIENCE, "promptness")
            took.append((receiver.last - began) * 1000)
            pause.wait(_PAUSE_SECONDS)
    middle, worst = median(took[20:]), quantiles(took[20:], n=100)[98]
    click.echo(f"  p50 {middle:.1f} ms, p99 {worst:.1f} ms")
    return Figure(
        "from an event coming in to its push arriving, idle, p50",
        f"{middle:.1f} ms, p99 {worst:.1f} ms",
        aim=f"≤ {AIM_PUSH_MILLISECONDS:g} ms",
        met=middle <= AIM_PUSH_MILLISECONDS,
    )


def _fan_out(bench: Bench, flow: Inflow, receiver: Receiver) -> Figure:
    """One sender's answers while an event goes out to a thousand hooks, and without that."""
    hooks = bench.many(HOOKS)
    click.echo(f"One event to {hooks:,} hooks; another sender meanwhile")
    flow.add_hooks([f"{receiver.url}/{number}" for number in range(hooks)], "balance_depleted")
    calm = _meanwhile(flow, lambda: threading.Event().wait(bench.seconds))
    wide = flow.events()
    seconds: list[float] = []

    def out() -> None:
        for _ in range(bench.rounds):
            receiver.forget()
            began = perf_counter()
            with connected(flow.server.port) as line:
                exchange(line, wide)
            receiver.wait(hooks, _PATIENCE, "fan-out")
            seconds.append(perf_counter() - began)
            if len(receiver.paths) != hooks:
                raise BenchError(f"fan-out: {len(receiver.paths)} of {hooks} hooks were reached.")

    beside = _meanwhile(flow, out)
    told = [f"p50 {one.percentile(50) * 1000:.0f}" for one in (calm, beside)]
    late = [one.percentile(99) * 1000 for one in (calm, beside)]
    click.echo(f"  inbound p99 {late[1]:.0f} ms beside it, all pushed in {median(seconds):.1f} s")
    return Figure(
        f"an event to {hooks:,} hooks: what another sender waits meanwhile, p99",
        f"{late[1]:.0f} ms, {told[1]} ms; all pushed in {median(seconds):.1f} s",
        f"without it: {late[0]:.0f} ms, {told[0]} ms",
        aim=f"≤ {AIM_BESIDE_FAN_OUT_MILLISECONDS:g} ms",
        met=late[1] <= AIM_BESIDE_FAN_OUT_MILLISECONDS,
    )


def _meanwhile(flow: Inflow, work: Callable[[], object]) -> Load:
    """What one sender of other events sees while `work` runs here."""
    load, ended, failed = Load(), threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)
        finally:
            ended.set()

    call, thread = flow.events(_OTHER), threading.Thread(target=run)
    began = perf_counter()
    thread.start()
    with connected(flow.server.port) as line:
        while not ended.is_set():
            load.latencies.append(exchange(line, call))
            ended.wait(_PAUSE_SECONDS)
    thread.join()
    load.seconds = perf_counter() - began
    for error in failed:
        raise error
    return load


def _everything(bench: Bench, flow: Inflow, receiver: Receiver) -> Figure:
    """Publish as fast as it goes, then see that each event was pushed."""
    click.echo(f"Publish with {SENDERS} senders, then verify that everything was pushed")
    flow.add_hooks([receiver.url], "any_event")
    began = perf_counter()
    load = drive(
        flow.server.port,
        flow.events(),
        connections=SENDERS,
        seconds=bench.seconds * bench.rounds,
    )
    check("publish", load)
    receiver.wait(load.answered, _PATIENCE, "publish, then verify")
    seconds = receiver.last - began
    missing = set(flow.sent) - receiver.came.keys()
    if missing:
        raise BenchError(f"publish, then verify: {len(missing)} events were never pushed.")
    twice = receiver.pushes - len(flow.sent)
    click.echo(f"  {len(flow.sent):,} events in, all pushed after {seconds:.1f} s")
    return Figure(
        "publish, then verify: every event pushed to one hook",
        f"{load.rate:,.0f}/s come in; {len(flow.sent):,} of {len(flow.sent):,} pushed, "
        f"{twice} of them twice, {len(flow.sent) / seconds:,.0f}/s",
        aim="all",
        met=True,
    )
