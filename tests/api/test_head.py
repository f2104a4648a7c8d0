"""HEAD, which link checkers and monitors send, asks nobody and changes nothing."""

from __future__ import annotations

import pytest

from tests.api.builder import Builder
from tests.api.test_misread_input import DOORS

READS = [path for method, path in DOORS if method == "GET"]
VALUES = {
    "/v1/balance": "user=ann",
    "/v1/topup-link": "user=ann",
    "/v1/connection": "user=ann",
    "/v1/usage": "user=ann&feature=pdf-parse",
}


@pytest.mark.parametrize("path", READS)
def test_head_asks_nobody(builder: Builder, path: str) -> None:
    """Not even whether the key is known: no link and no subscription is made."""
    answer = builder.client.head(path, query_string=VALUES.get(path), headers=builder.bearer)
    assert (answer.status_code, answer.data) == (200, b"")
    assert builder.seen("requests") == []


@pytest.mark.parametrize("path", READS)
def test_head_without_a_key_is_refused_as_get_is(builder: Builder, path: str) -> None:
    assert builder.client.head(path, query_string=VALUES.get(path)).status_code == 401


def test_head_tells_that_a_value_cannot_be_used(builder: Builder) -> None:
    assert builder.client.head("/v1/topup-link", headers=builder.bearer).status_code == 422


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json", "/specs"])
def test_head_of_what_is_open_is_as_get(builder: Builder, path: str) -> None:
    answer = builder.client.head(path)
    assert (answer.status_code, answer.data) == (200, b"")
