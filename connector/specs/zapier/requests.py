"""Requests as Zapier writes them in JSON, with tokens for what the builder filled in.

A token that is a whole value keeps the value's type. Users never stand in the address, where Zapier
would not encode them, and nothing optional in a header, where the token itself would be sent.
"""

from __future__ import annotations

import json
import re
from typing import Any


def given(name: str) -> str:
    """The token for what the builder filled into a field."""
    return f"{{{{bundle.inputData.{name}}}}}"


def in_javascript(body: dict[str, Any]) -> str:
    """A body for functions, in which Zapier fills in no tokens."""
    text = json.dumps(body, ensure_ascii=False)
    return re.sub(r'"\{\{(bundle\.inputData\.\w+)\}\}"', r"\1", text)


def request(
    path: str,
    method: str = "GET",
    *,
    body: dict[str, Any] | None = None,
    params: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A call of the connector; fields that are not filled in are left out (RequestSchema)."""
    request: dict[str, Any] = {
        "method": method,
        "url": f"{{{{bundle.authData.base_url}}}}/v1{path}",
        "removeMissingValuesFrom": {"body": True, "params": True},
    }
    if body is not None:
        request["body"] = body
    if params is not None:
        request["params"] = params
    return request
