"""Looks for keys, prompts and secrets in what a test run left behind: logs and databases."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from connector.brands import BRANDS

SUFFIXES = (".log", ".sqlite3", ".sqlite3-wal", ".dump")
NEVER = {
    **{f"a key of {b.title}": b.sandbox_key.encode() for b in BRANDS.values()},
    "the server's secret": b"the-tests-server-secret",
    "a connector token": b"pwc_",
    "a prompt": b"canary prompt",
}
"""What must not be found. The tests' prompts hold the words `canary prompt`."""


def leaks(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> list[str]:
    """One line for each file below `folder` that holds something secret, and what it is."""
    items = []
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name.endswith(tuple(suffixes)):
            content = file.read_bytes()
            items += [f"{file}: {what}" for what, text in NEVER.items() if text in content]
    return items


def searched(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> int:
    """How many files such a search reads."""
    return sum(f.is_file() and f.name.endswith(tuple(suffixes)) for f in folder.rglob("*"))
