"""`python -m bench --peers some|all [--quick]`: measure everything, print it, write it down."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from bench import (
    before,
    calls,
    chart,
    cursors,
    database,
    held,
    latency,
    machine,
    pages,
    report,
    servers,
    statements,
    strangers,
    throughput,
    tool_calls,
    triggers,
)
from bench.figures import Figure
from bench.load import drive
from bench.peers.installing import installed, versions
from bench.processes import BenchError, pinned
from bench.servers import Bench

_ROOT = Path(__file__).parent.parent
_HOME = _ROOT / ".bench"
_PAGE = _ROOT / "docs/performance.md"
_PICTURE = _ROOT / "docs/performance.svg"
_FASTMCP_SHOWN = ("fastmcp", "mcp", "pydantic", "uvicorn", "httpx")
_FASTAPI_SHOWN = ("fastapi", "pydantic", "uvicorn", "uvloop", "httptools", "httpx", "aiohttp")


@click.command()
@click.option(
    "--peers",
    type=click.Choice(["some", "all"]),
    default="some",
    show_default=True,
    help="`all` adds LiteLLM's proxy, which is large.",
)
@click.option("--quick", is_flag=True, help="Short rounds, to see that it works; writes no page.")
@click.option(
    "--only",
    type=click.Choice(["throughput", "tools", "database", "statements", "pages"]),
    help="One group alone; writes no page.",
)
@click.option(
    "--before",
    "revision",
    default="",
    metavar="REVISION",
    help="Also let the connector of another commit take turns with this one.",
)
def main(peers: str, quick: bool, only: str | None, revision: str) -> None:
    """Measure the connector beside its peers and write docs/performance.md."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))
    try:
        _measure(litellm=peers == "all", quick=quick, only=only, revision=revision)
    except BenchError as error:
        raise click.ClickException(str(error)) from None


def _measure(*, litellm: bool, quick: bool, only: str | None, revision: str) -> None:
    if not sys.platform.startswith("linux"):
        raise BenchError("The measurement needs Linux: it pins processes and reads /proc.")
    cores = sorted(os.sched_getaffinity(0))
    _HOME.mkdir(exist_ok=True)
    fastapi_bin, fastmcp_bin = installed("fastapi", _HOME), installed("fastmcp", _HOME)
    litellm_bin = installed("litellm", _HOME) if litellm else None
    others = machine.OtherWork()
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=_HOME))
    try:
        with pinned(cores[-1]), servers.stub(cores[-1], folder) as port:
            bench = Bench(
                server_core=cores[0],
                load_core=cores[-1],
                quick=quick,
                folder=folder,
                stub=port,
                fastapi=fastapi_bin,
                fastmcp=fastmcp_bin,
                litellm=litellm_bin,
            )
            facts = [*machine.describe(folder), *_about_peers(bench), _about_stub(bench)]
            if len(cores) == 1:
                facts.append("only one core: the load generator took part of it")
            figures = (
                _GROUPS[only](bench) if only else [*_all_but_pages(bench), *pages.measure(bench)]
            )
            figures += before.measure(bench, revision) if revision else []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    summary = report.summary(figures, others.share())
    click.echo(f"\n{report.table(figures)}\n\n{summary}")
    if not quick and not only:
        facts.insert(0, f"measured on {datetime.now(UTC):%Y-%m-%d}")
        _PAGE.parent.mkdir(exist_ok=True)
        _PAGE.write_text(report.page(figures, summary, facts))
        _PICTURE.write_text(chart.svg(figures))
        click.echo(f"Written to {_PAGE.relative_to(_ROOT)}.")


def _all_but_pages(bench: Bench) -> list[Figure]:
    return [
        *_beside_peers(bench, throughput.measure, tool_calls.measure, latency.measure),
        *held.measure(bench),
        *triggers.measure(bench),
        *cursors.measure(bench),
        *strangers.measure(bench),
        *database.measure(bench),
        *statements.measure(bench),
    ]


def _beside_peers(
    bench: Bench, *groups: Callable[[Bench, servers.Running], list[Figure]]
) -> list[Figure]:
    """The rows of groups that share the running servers."""
    with servers.running(bench) as running:
        return [figure for measure in groups for figure in measure(bench, running)]


_GROUPS: dict[str, Callable[[Bench], list[Figure]]] = {
    "throughput": lambda bench: _beside_peers(bench, throughput.measure),
    "tools": lambda bench: _beside_peers(bench, tool_calls.measure),
    "database": database.measure,
    "statements": statements.measure,
    "pages": pages.measure,
}


def _about_peers(bench: Bench) -> list[str]:
    about = [
        f"peer: {versions(bench.fastapi, *_FASTAPI_SHOWN)}",
        f"peer: {versions(bench.fastmcp, *_FASTMCP_SHOWN)}",
    ]
    return [*about, f"peer: {versions(bench.litellm, 'litellm')}"] if bench.litellm else about


def _about_stub(bench: Bench) -> str:
    load = drive(bench.stub, calls.direct_balance(), connections=16, seconds=1.0)
    return f"the stand-in for the billing API alone: {load.rate:,.0f} answers per second"


if __name__ == "__main__":
    main()
