"""Every test of the upstream client runs with the C parser's transport and with httpx's own."""

from __future__ import annotations

import pytest

from connector.upstream import wire
from connector.upstream.fallback import FallbackTransport
from connector.upstream.transport import Transport


@pytest.fixture(autouse=True, params=[Transport, FallbackTransport], ids=["lean", "fallback"])
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "network", request.param)
