"""n8n's own software, pinned: n8n itself, and what builds and checks a community package."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path

from connector.specs.n8n.package import TOOLS
from tests.support import node

N8N_VERSION = "2.40.7"
SCANNER_VERSION = "0.32.0"
_N8N = json.dumps(
    {
        "private": True,
        "dependencies": {"n8n": N8N_VERSION},
        # Newer ones ask for a package that cannot be had everywhere.
        "overrides": {"linkedom": "0.18.12"},
    }
)
_TOOLS = json.dumps(
    {
        "private": True,
        "devDependencies": {**TOOLS, "@n8n/scan-community-package": SCANNER_VERSION},
    }
)


def n8n() -> Path:
    """The folder in which n8n is installed; CONTRIBUTING.md tells what the first time takes."""
    return node.installed("n8n", _N8N, _build_native)


def tools() -> Path:
    """The folder with n8n's linter, its build and its scanner."""
    return node.installed("n8n-tools", _TOOLS)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """For programs that call `npm` by its name, which the wheel's own link cannot do; the name
    stands in `folder`."""
    folder.mkdir(exist_ok=True)
    program = folder / "npm"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(node.NPM)} "$@"\n')
    program.chmod(0o755)
    known = node.environment(CI="true", NO_COLOR="1", **more)
    return known | {"PATH": f"{folder}:{known['PATH']}"}


def _build_native(folder: Path) -> None:
    """The two native modules that n8n does not start without."""
    env = node.environment(npm_config_nodedir=str(node.HOME))
    node.run([*node.NPM, "rebuild", "sqlite3", "isolated-vm"], folder, seconds=900, env=env)


if __name__ == "__main__":
    for install in (tools, n8n):
        begun = time.monotonic()
        sys.stdout.write(f"{install()} {time.monotonic() - begun:.0f} s\n")
