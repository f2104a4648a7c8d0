"""The connector of another commit beside this one, in turn: what a change did."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from bench import calls, servers
from bench.calls import Call
from bench.contest import Contestant, compete
from bench.figures import Figure
from bench.processes import BenchError
from bench.servers import Bench, postgres_database
from bench.throughput import row

_ROOT = Path(__file__).parent.parent


def measure(bench: Bench, revision: str) -> list[Figure]:
    """A row for each call: this connector, and the one of `revision`, with the same libraries.

    Raises BenchError where git does not know the revision.
    """
    with (
        _checked_out(revision, bench.folder) as code,
        postgres_database() as first,
        postgres_database() as second,
    ):
        named = f"the version of {_git('show', '-s', '--format=%cs', revision).stdout.strip()}"
        figures = [
            _row(bench, code, named, "`GET /v1/balance`", calls.balance()),
            _row(bench, code, named, "`POST /v1/chat`", calls.chat()),
            _row(bench, code, named, "`POST /v1/charge`, SQLite", calls.charge()),
        ]
        if first and second:
            name = "`POST /v1/charge`, PostgreSQL"
            figures.append(_row(bench, code, named, name, calls.charge(), (first, second)))
        return figures


@contextlib.contextmanager
def _checked_out(revision: str, folder: Path) -> Iterator[Path]:
    code = folder / "before"
    added = _git("worktree", "add", "--detach", str(code), revision)
    if added.returncode:
        raise BenchError(f"git cannot check out {revision}: {added.stderr.strip()}")
    try:
        yield code
    finally:
        _git("worktree", "remove", "--force", str(code))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", *arguments]
    return subprocess.run(  # noqa: S603 -- of a developer who measures
        command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=60
    )


def _row(
    bench: Bench,
    code: Path,
    named: str,
    name: str,
    call: Call,
    databases: tuple[str, str] = ("", ""),
) -> Figure:
    click.echo(f"{name}, before and after")
    with (
        servers.connector(bench, "after", database=databases[0]) as after,
        servers.connector(bench, "before", database=databases[1], code=code) as before,
    ):
        contestants = [Contestant("connector", after, call), Contestant(named, before, call)]
        results = compete(contestants, rounds=bench.rounds, seconds=bench.seconds)
    return row(f"{name}, 16 connections, against {named}", results, "connector", named)
