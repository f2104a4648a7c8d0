"""Virtual environments for tests, in the same cache as what is written for Node: client libraries
whose dependencies do not fit beside the project's own."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from pathlib import Path

from tests.support import node


def installed(name: str, lock: Path) -> Path:
    """A Python that has what `lock` pins, with hashes. Installed once per content of that file;
    processes that need the same one wait for each other."""
    full = f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    folder = node.CACHE / full
    node.CACHE.mkdir(parents=True, exist_ok=True)
    with (node.CACHE / f"{full}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            node.run([sys.executable, "-m", "venv", folder], node.CACHE)
            pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
            node.run([*pip, "--require-hashes", "-r", lock], node.CACHE)
            (folder / ".done").touch()
    return folder / "bin" / "python"
