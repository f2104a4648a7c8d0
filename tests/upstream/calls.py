"""The three kinds of upstream calls, and how one of them fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import (
    ConnectorError,
)
from connector.upstream import Upstream
from tests.api.builder import check_sentence
from tests.upstream.faulty_upstream import (
    upstream_at,
)

SHORT = 0.35
Ask = Callable[[Upstream], Any]


def balance(upstream: Upstream) -> Any:
    return upstream.balance("ann")


def charge(upstream: Upstream) -> Any:
    return upstream.charge("ann", Decimal("0.5"), {"reference": "r"}, "pwc-1")


def chat(upstream: Upstream) -> Any:
    return upstream.chat({"model": "m", "messages": [], "user": "ann"})


CALLS = [balance, charge, chat]


def failure(url: str, ask: Ask, seconds: float = SHORT) -> ConnectorError:
    """How a call fails; it may take half a second more than its deadline."""
    began = time.monotonic()
    with (
        upstream_at(url, seconds, "sk-paywalls-planted") as upstream,
        pytest.raises(ConnectorError) as failed,
    ):
        ask(upstream)
    assert time.monotonic() - began < seconds + 0.5
    check_sentence(failed.value.message)
    assert "planted" not in failed.value.message
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    return failed.value
