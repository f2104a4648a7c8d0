"""`connector serve` that dies, or pauses, at a named point: run as a program, by tests only.

    python rigged_server.py die  POINT FOLDER   kills its whole process group there, by SIGKILL
    python rigged_server.py wait POINT FOLDER   waits there until FOLDER/go exists

Every call that begins to wait for another one's result leaves a file FOLDER/waiting-….
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from connector.cli import commands
from connector.ledger import exactly_once, tries

POINTS = {
    "before the intent is committed": (exactly_once, ("first", "claim"), "end"),
    "after the intent is committed": (tries, ("make",), "start"),
    "after the answer came": (tries, ("_settle",), "start"),
    "after the answer is committed": (exactly_once, ("_answer",), "start"),
}


def main(what: str, point: str, folder: Path) -> None:
    """Serve, rigged."""
    module, names, side = POINTS[point]
    act = _die if what == "die" else lambda: _pause(folder / "go")
    for name in names:
        if side == "start":
            _rig(module, name, before=act)
        else:
            _rig(module, name, after=act)
    _rig(exactly_once, "_wait", before=lambda: (folder / f"waiting-{secrets.token_hex(8)}").touch())
    commands.main(["serve"])


def _rig(
    module: ModuleType,
    name: str,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> None:
    function = getattr(module, name)

    def rigged(*args: Any, **kwargs: Any) -> Any:
        before()
        result = function(*args, **kwargs)
        after()
        return result

    setattr(module, name, rigged)


def _die() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    signal.pause()  # not another step while the signal is on its way


def _pause(until: Path) -> None:
    while not until.exists():
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
