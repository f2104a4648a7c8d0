"""The client libraries of `docs/openai.md`, pinned: Python's each in a virtual environment of its
own, as `clients/*.lock` says, and those for Node together in one folder."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

from tests.support import node, python_environment

CLIENTS = Path(__file__).parent / "clients"
_NODE = json.dumps(
    {
        "private": True,
        "dependencies": {
            "@ai-sdk/openai-compatible": "3.0.92",
            "@langchain/core": "1.4.0",
            "@langchain/openai": "1.6.0",
            "ai": "7.0.173",
        },
    }
)


def python(name: str) -> Path:
    """A Python that has `langchain` or `google_adk`."""
    return python_environment.installed(name, CLIENTS / f"{name}.lock")


def modules() -> Path:
    """The `node_modules` in which all libraries for Node are."""
    return node.installed("chat-clients", _NODE) / "node_modules"


if __name__ == "__main__":
    for install in (partial(python, "langchain"), partial(python, "google_adk"), modules):
        begun = time.monotonic()
        sys.stdout.write(f"{install()} {time.monotonic() - begun:.0f} s\n")
