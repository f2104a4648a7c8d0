"""The result as a table for the terminal and as docs/performance.md."""

from __future__ import annotations

from bench.figures import Figure

_METHOD = """\
## How it is measured

- One worker on one core. The server that is being measured has a core for itself; the load
  generator and the stand-in for the billing API share another one. Everything is on the loopback
  address.
- The connector is run as operators run it, `connector serve`, with its defaults except for: no rate
  limit, and only warnings logged where the row does not say otherwise. Keys, input and answers are
  checked as always.
- The stand-in for the billing API answers from ready-made bytes, many times faster than any server
  here (its own rate stands above).
- The FastAPI peer is the same pass-through, written plainly: pydantic models for input and output,
  a Bearer key, one shared `httpx.AsyncClient`, on uvicorn with uvloop and httptools. It has no
  ledger, no metrics and no retries. Its code is `bench/peers/fastapi_passthrough.py`. “FastAPI +
  aiohttp” is the same with aiohttp's client (`fastapi_aiohttp.py` beside it).
- The MCP peer is a server in FastMCP with one tool that answers what ours does, the same way: a
  shared `httpx.AsyncClient`, stateless and with JSON answers, on the same uvicorn
  (`bench/peers/fastmcp_tools.py`). It checks the arguments by its model and demands a key.
- The servers take turns, several rounds each. Every answer is looked at; a wrong one ends the
  measurement. Figures are medians over the rounds. A ratio is the median of the rounds' own ratios,
  above 1 where the connector is better.
- “CPU” compares the CPU time that the processes of a server use for one request, the peer's divided
  by ours. On a machine that is shared with others this is the steadiest figure, and the aims are
  set in it.
- Every charge has a new reference, and both commits of the ledger are on the disk before the answer
  leaves. PostgreSQL runs on the same machine, not kept off our core; its CPU time is not counted.
- Memory for a held call is the growth of the worker's resident memory, divided by the number of
  calls, including the thread and the upstream connection of each.
- Events come in as signed webhooks over HTTP, {delivery, event} of about 800 bytes, every one new
  and of one paywall, 8 or 32 connections at a time. The disk is asked for fdatasync of 4 KB right
  after each round, on the same file system.
- “Idle” promptness is taken from before an event is sent until its push arrives at a hook: it
  contains the whole inbound request, its commit and the way out.
- During the fan-out another sender goes on with events that no hook wants, and its waiting is what
  the row shows.
- “Publish, then verify” sends as fast as the connector takes, for the length of all rounds
  together, and then waits until every event that was acknowledged was pushed; one that is missing
  ends the measurement.
- Events for the cursor are put into the tables directly; reading begins at random places.

`make bench` measures anew and writes this page; `make bench PEERS=all` adds LiteLLM's proxy,
`make bench BEFORE=<commit>` lets the connector of another commit take turns with this one, and
`make bench QUICK=1` takes short rounds, to see what a change does, and writes nothing.
"""

_QUIET = 0.1
_COLUMNS = ("figure", "connector", "peer", "ratio", "CPU", "aim", "met")


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table, padded so that it reads well in a terminal."""
    rows = [(f.name, f.ours, f.peer, f.ratio, f.cpu, f.aim, _met(f.met)) for f in figures]
    widths = [max(len(row[i]) for row in (_COLUMNS, *rows)) for i in range(len(_COLUMNS))]
    lines = [_line(_COLUMNS, widths), "|" + "|".join("-" * (w + 2) for w in widths) + "|"]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def page(figures: list[Figure], summary: str, machine: list[str]) -> str:
    """The whole of docs/performance.md."""
    facts = "\n".join(f"- {line}" for line in machine)
    return (
        "# Performance\n\n"
        "Written by `make bench`; do not edit by hand.\n\n"
        f"{summary}\n\n![What each call costs beside its peers](performance.svg)\n\n"
        f"{table(figures)}\n\n"
        f"## The machine\n\n{facts}\n\n{_METHOD}"
    )


def summary(figures: list[Figure], others: float) -> str:
    """Which aims were missed, and how much of the machine (0 to 1) other work had meanwhile."""
    aims = [figure for figure in figures if figure.met is not None]
    missed = [figure for figure in aims if not figure.met]
    text = f"{len(aims) - len(missed)} of {len(aims)} aims were met."
    if missed:
        named = "; ".join(f"{figure.name} ({figure.aim})" for figure in missed)
        text += f" Missed: {named}."
    text += f" Other work had {others:.0%} of the machine meanwhile"
    if others <= _QUIET:
        return f"{text}."
    return (
        f"{text}: too much to trust absolute figures; "
        "the ratios of CPU time are steadier, not exact."
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "| " + " | ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)) + " |"


def _met(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "**no**"
