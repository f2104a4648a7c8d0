"""Writes `docs/scale.md`: what a load needs, computed from what `docs/performance.md` measured.

    python -m docs.scale          writes it
    python -m docs.scale --check  ends with 1 if it is not up to date

What is assumed stands in the constants below and on the page; what is measured is read from the
page of `make bench`; how the tables can be split is read from the tables themselves.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from sqlalchemy import Table, UniqueConstraint

from connector.store import (
    chat_tables,
    feature_tables,
    session_tables,
    sum_tables,
    token_tables,
    trigger_tables,
)
from connector.store.tables import metadata

MODULES = (
    chat_tables,
    feature_tables,
    session_tables,
    sum_tables,
    token_tables,
    trigger_tables,
)
"""Each adds its tables to those of `tables`."""

FOLDER = Path(__file__).resolve().parent
FILE, TEMPLATE, MEASURED = (
    FOLDER / name for name in ("scale.md", "scale.template", "performance.md")
)
DAY = 86_400

CALLS_A_DAY = {"charge": 10_000, "event": 10_000, "read": 20_000}
"""What one paywall does in a day."""
PEAK = 3.0
"""The busiest hour against the average one."""
BUSY = 0.6
"""How much of a core may be used in that hour."""
CONNECTOR_CORES, DATABASE_CORES, DATABASE_BYTES = 8, 16, 8e12
"""A machine that serves, and one that runs PostgreSQL with its disk."""
EVENT_DAYS, CHARGE_DAYS = 30, 90
"""The defaults of CONNECTOR_EVENT_RETENTION_DAYS and CONNECTOR_LEDGER_RETENTION_DAYS."""
PAYWALLS = (1_000, 10_000, 100_000)

ROWS = {
    "charge": "`POST /v1/charge`, two durable commits, PostgreSQL",
    "event": "events that come in, durable before the answer, 32 senders, PostgreSQL",
    "read": "`GET /v1/balance`, 16 connections",
    "charge in PostgreSQL": "PostgreSQL's own part of a charge, 16 connections",
    "event in PostgreSQL": "PostgreSQL's own part of an event, 32 connections",
    "bytes of a charge": "stored for a charge, PostgreSQL",
    "bytes of an event": "stored for an event, PostgreSQL",
    "one row": "`POST /v1/use`, one feature and one user, PostgreSQL, 16 connections",
}


def cells() -> dict[str, str]:
    """Our column of the measured table, by what was measured."""
    found: dict[str, str] = {}
    for line in MEASURED.read_text(encoding="utf-8").splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) > 3:
            found.setdefault(parts[1], parts[2])
    return {name: found[row] for name, row in ROWS.items()}


def number(cell: str, unit: str) -> float:
    """The number that stands before a unit."""
    found = re.search(rf"([\d,.]+){re.escape(unit)}", cell)
    if found is None:
        raise ValueError(f"no {unit} in {cell}")
    return float(found[1].replace(",", ""))


@dataclass(frozen=True)
class Need:
    """What so many paywalls need in their busiest hour."""

    paywalls: int
    per_second: dict[str, float]
    connector_cores: float
    database_cores: float
    stored: float

    @property
    def connectors(self) -> int:
        return ceil(self.connector_cores / CONNECTOR_CORES)

    @property
    def databases(self) -> int:
        return max(ceil(self.database_cores / DATABASE_CORES), ceil(self.stored / DATABASE_BYTES))


def need(paywalls: int, measured: dict[str, str]) -> Need:
    """Rates, cores and bytes for so many paywalls."""
    rates = {what: paywalls * many * PEAK / DAY for what, many in CALLS_A_DAY.items()}
    milliseconds = {what: number(measured[what], " ms CPU") for what in rates}
    ours = sum(rate * milliseconds[what] for what, rate in rates.items()) / 1000
    theirs = sum(
        rates[what] * number(measured[f"{what} in PostgreSQL"], " ms CPU")
        for what in ("charge", "event")
    )
    stored = paywalls * (
        CALLS_A_DAY["event"] * EVENT_DAYS * number(measured["bytes of an event"], " bytes")
        + CALLS_A_DAY["charge"] * CHARGE_DAYS * number(measured["bytes of a charge"], " bytes")
    )
    return Need(paywalls, rates, ours / BUSY, theirs / 1000 / BUSY, stored)


def by_key() -> dict[str, list[str]]:
    """The tables by what splitting them by `paywall_id` asks of them: a distributed PostgreSQL
    wants the column in every primary key and unique constraint."""
    sorts: dict[str, list[str]] = {"ready": [], "key": [], "column": []}
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        if "paywall_id" not in table.c:
            sorts["column"].append(table.name)
        elif all("paywall_id" in names for names in _unique(table)):
            sorts["ready"].append(table.name)
        else:
            sorts["key"].append(table.name)
    return sorts


def _unique(table: Table) -> list[list[str]]:
    unique = [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
    return [[column.name for column in columns] for columns in (table.primary_key.columns, *unique)]


def page() -> str:
    """The page."""
    measured = cells()
    needs = [need(paywalls, measured) for paywalls in PAYWALLS]
    tables = {sort: ", ".join(f"`{name}`" for name in names) for sort, names in by_key().items()}
    hottest = number(measured["one row"], "/s")
    events = number(measured["event"], "/s")
    return TEMPLATE.read_text(encoding="utf-8").format(
        **{f"a_{what}": f"{many:,}" for what, many in CALLS_A_DAY.items()},
        peak=f"{PEAK:g}",
        busy=f"{BUSY:.0%}",
        cores=CONNECTOR_CORES,
        database_cores=DATABASE_CORES,
        terabytes=f"{DATABASE_BYTES / 1e12:g}",
        event_days=EVENT_DAYS,
        charge_days=CHARGE_DAYS,
        one_core="\n".join(_one_core(measured)),
        rows="\n".join(_row(one) for one in needs),
        event_share=f"{_share(measured):.0%}",
        hottest=f"{hottest:,.0f}",
        hottest_day=f"{hottest * DAY / 1e6:,.0f}",
        events=f"{events:,.0f}",
        events_day=f"{events * DAY / 1e6:,.0f}",
        **tables,
    )


def _one_core(measured: dict[str, str]) -> list[str]:
    lines = []
    for what, said in (("read", "reads of a balance"), ("charge", "charges"), ("event", "events")):
        own = number(measured[what], " ms CPU")
        row = measured.get(f"{what} in PostgreSQL")
        theirs = number(row, " ms CPU") if row else 0.0
        lines.append(
            f"| {said} | {own:.2f} ms | {1000 / own:,.0f}/s | "
            + (f"{theirs:.2f} ms | {1000 / theirs:,.0f}/s |" if row else "none | |")
        )
    return lines


def _row(one: Need) -> str:
    return (
        f"| {one.paywalls:,} | {one.per_second['charge']:,.0f} | {one.per_second['event']:,.0f} | "
        f"{one.per_second['read']:,.0f} | "
        f"{_many(one.connector_cores, 'core')}, {_many(one.connectors, 'machine')} | "
        f"{_many(one.database_cores, 'core')}, {one.stored / 1e12:,.1f} TB, "
        f"{_many(one.databases, 'machine')} |"
    )


def _many(number: float, what: str) -> str:
    whole = ceil(number)
    return f"{whole:,} {what}{'' if whole == 1 else 's'}"


def _share(measured: dict[str, str]) -> float:
    """How much of what is stored are events."""
    kept = CALLS_A_DAY["event"] * EVENT_DAYS * number(measured["bytes of an event"], " bytes")
    whole = need(1, measured).stored
    return kept / whole


def main(arguments: list[str]) -> int:
    """Write the page, or check it."""
    made = page()
    if arguments == ["--check"]:
        return int(FILE.read_text(encoding="utf-8") != made)
    FILE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
