"""Zapier's own software: its packages, its core running our app, its checks of a definition."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connector.specs import zapier
from connector.specs.zapier.package import PLATFORM_VERSION
from tests.support import node
from tests.support.processes import PATIENCE

PACKAGES = ("zapier-platform-core", "zapier-platform-schema", "zapier-platform-cli")
_RUNNER = Path(__file__).with_name("runner.js")


def platform() -> Path:
    """A folder in which Zapier's packages are installed, of the version that the app asks for."""
    wanted = {"private": True, "dependencies": dict.fromkeys(PACKAGES, PLATFORM_VERSION)}
    return node.installed("zapier", json.dumps(wanted, indent=2) + "\n")


def write_app(folder: Path, address: str) -> Path:
    """The app for a connector at `address`, written to `folder` with Zapier's packages beside it;
    the path of its start."""
    for name, text in zapier.files(address).items():
        (folder / Path(name).name).write_text(text, encoding="utf-8")
    (folder / "node_modules").symlink_to(platform() / "node_modules")
    return folder / "index.js"


class Failed(Exception):
    """What a method of the app threw; `name` is Zapier's kind of error, `message` what it says."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.said: dict[str, Any] = {}
        if message.startswith("{"):
            self.said = json.loads(message)
        self.message = str(self.said.get("message", message))


class Core:
    """zapier-platform-core in a process of its own; `app` is the app that is run."""

    def __init__(self, process: subprocess.Popen[str], app: Path) -> None:
        self._process, self.app = process, app

    def execute(self, method: str, app: Path | None = None, **bundle: Any) -> Any:
        """What a method gives. Raises Failed with what it throws."""
        return self._ask({"app": str(app or self.app), "method": method, "bundle": bundle})

    def begin(self, method: str, callback_url: str, **bundle: Any) -> tuple[Any, str]:
        """What a method gives, and whether the step is over (SUCCESS) or waits until something is
        posted to `callback_url` (CALLBACK). Raises Failed with what it throws."""
        asked = {"app": str(self.app), "method": method, "bundle": bundle}
        answer = self._answered(asked | {"callback_url": callback_url})
        return answer["results"], str(answer["status"])

    def validate(self, app: Path) -> Any:
        """What zapier-platform-schema says against an app."""
        return self._ask({"app": str(app), "command": "validate"})

    def version(self) -> str:
        """Which version runs."""
        return str(self._ask({"version": True}))

    def _ask(self, question: dict[str, Any]) -> Any:
        return self._answered(question)["results"]

    def _answered(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], PATIENCE)[0]:
            raise TimeoutError(f"no answer to {question}")
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Failed(**answer["error"])
        return answer


@contextlib.contextmanager
def running_core(folder: Path, app: Path) -> Iterator[Core]:
    """The core, ready to run `app`; what it complains about goes to `folder`."""
    with (folder / "core.out").open("w") as complaints:
        process = subprocess.Popen(
            [str(node.BIN / "node"), str(_RUNNER), str(platform())],
            env=node.environment(),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        )
        with process:
            try:
                yield Core(process, app)
            finally:
                process.kill()
