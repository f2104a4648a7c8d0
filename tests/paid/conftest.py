"""A seller with a feature for 0.25 at a running connector, and the decorator from a copy of its
file: a new copy knows nothing of the runs of another one, as after a restart."""

from __future__ import annotations

import importlib.util
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.api.live import connector, sandbox_server
from tests.support.processes import SandboxPaywall, Server

__all__ = ["connector", "sandbox_server"]
FILE = Path(__file__).resolve().parents[2] / "connector/paid.py"
RIGHTS = "use,refund,transactions"
PRICE = Decimal("0.25")
_copies: list[ModuleType] = []


def fresh_copy() -> ModuleType:
    """The file, loaded as another process would."""
    spec = importlib.util.spec_from_file_location(f"paid_{secrets.token_hex(4)}", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _copies.append(module)
    return module


@pytest.fixture(autouse=True)
def _close_copies() -> Iterator[None]:
    """After each test, what its copies of the file hold open is closed, as when a process ends."""
    yield
    while _copies:
        module = _copies.pop()
        module._threads.shutdown()
        module._http.close()
        del sys.modules[module.__name__]


@dataclass(frozen=True)
class Seller:
    """Who sells `pdf-parse` for 0.25: the paywall, a token of it, and the file that is used."""

    connector: Server
    paywall: SandboxPaywall
    token: str
    module: ModuleType

    def paid(self, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """The decorator at this seller; the user is ann if no other is given."""
        given = {"url": self.connector.address, "token": self.token, "user": lambda: "ann"}
        decorate: Callable[[Callable[..., Any]], Callable[..., Any]] = self.module.paid(
            **({"feature": "pdf-parse"} | given | options)
        )
        return decorate

    def restarted(self, **changed: Any) -> Seller:
        """The same after a restart."""
        return replace(self, module=fresh_copy(), **changed)

    def with_rights(self, rights: str) -> Seller:
        """The same with a token that may do something else."""
        return replace(self, token=token_of(self.connector, self.paywall, rights))

    @property
    def charged(self) -> list[Decimal]:
        """What was charged upstream."""
        return self.paywall.booked("charge")

    @property
    def given_back(self) -> list[Decimal]:
        """What was given back upstream."""
        return self.paywall.booked("deposit")

    @property
    def references(self) -> list[str]:
        """The references of the charges."""
        return [str(note["reference"]) for note in self.paywall.notes("charge")]


def token_of(connector: Server, paywall: SandboxPaywall, rights: str = RIGHTS) -> str:
    """A token of a paywall."""
    answer = httpx.post(
        f"{connector.address}/v1/tokens",
        json={"label": "An MCP server", "actions": rights},
        headers=paywall.bearer,
        trust_env=False,
    )
    return str(answer.raise_for_status().json()["token"])


def seller_at(connector: Server, sandbox: Server, prefix: str = "") -> Seller:
    """A new seller; with the prefix `shared-` one in Shared mode."""
    paywall = SandboxPaywall(sandbox.address, f"{prefix}paid{secrets.token_hex(4)}")
    paywall.set_feature(connector, price="0.25")
    return Seller(connector, paywall, token_of(connector, paywall), fresh_copy())


@pytest.fixture
def seller(connector: Server, sandbox_server: Server) -> Iterator[Seller]:
    """A seller whose user ann has 5."""
    seller = seller_at(connector, sandbox_server)
    seller.paywall.user("ann", balance="5")
    yield seller
    seller.paywall.close()


@pytest.fixture
def shared_seller(connector: Server, sandbox_server: Server) -> Iterator[Seller]:
    """The same in Shared mode, where nothing can be given back; ann has allowed charges."""
    seller = seller_at(connector, sandbox_server, "shared-")
    seller.paywall.user("ann", balance="5", connected=True)
    yield seller
    seller.paywall.close()
