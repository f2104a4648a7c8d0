"""Requests made from `/openapi.json` by schemathesis: nothing falls out of what it describes."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.builder import Facade, running_facade
from tests.conftest import KEY, SHARED_KEY

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# As many as make 10,000 in all, fewer where there is little to vary or one takes long to draw.
VALID = {
    "/v1/charge": 900,
    "/v1/deposit": 600,
    "/v1/chat": 350,
    "/v1/balance": 850,
    "/v1/topup-link": 700,
    "/v1/connection": 700,
    "/v1/disconnect": 700,
    "/v1/models": 400,
    "/v1/me": 50,
}
OTHERS = 60
INVALID_SHARE = 3
MODELS = ("sandbox-echo", "sandbox-chat", "sandbox-flat", "sandbox-premium")


@pytest.fixture
def roomy() -> Iterator[Facade]:
    """A connector that takes every amount that can be written, on a file in memory if possible."""
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        running_facade(Path(folder), max_amount="999999999999.999999") as running,
    ):
        yield running


Paths = Callable[[dict[str, Any]], Iterable[str]]


def of_actions(_: dict[str, Any]) -> Iterable[str]:
    return VALID


def of_triggers(description: dict[str, Any]) -> Iterable[str]:
    return [path for path in description["paths"] if path not in VALID]


def described(facade: Facade, paths: Paths) -> list[APIOperation[Any, Any, Any, Any]]:
    """The operations of these paths, without `errors=soft`, which would make the errors that count
    here a 200."""
    description = facade.app.test_client().get("/openapi.json").json
    assert description is not None
    description["paths"] = {path: description["paths"][path] for path in paths(description)}
    for path in description["paths"].values():
        for operation in path.values():
            operation["parameters"] = [p for p in operation["parameters"] if p["name"] != "errors"]
    schema = schemathesis.openapi.from_dict(description)
    schema.app = facade.app
    return [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]


def existing_model(case: Case[Any], number: int) -> None:
    """Name one of upstream's models, which no description can know."""
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        case.body["model"] = MODELS[number % len(MODELS)]


def send_all(facade: Facade, paths: Paths) -> Counter[int]:
    """Send what is described, valid and not, and hold every answer against the description."""
    statuses: Counter[int] = Counter()
    numbers = count()

    def send(case: Case[Any]) -> None:
        number = next(numbers)
        existing_model(case, number)
        key = (KEY, SHARED_KEY)[number % 2]
        response = case.call(headers={"Authorization": f"Bearer {key}"})
        case.validate_response(response, checks=CHECKS)
        statuses[response.status_code] += 1

    for operation in described(facade, paths):
        for mode, share in ((GenerationMode.POSITIVE, 1), (GenerationMode.NEGATIVE, INVALID_SHARE)):
            settings(
                max_examples=VALID.get(operation.path, OTHERS) // share,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(operation.as_strategy(generation_mode=mode))(send))()
    return statuses


def share_accepted(statuses: Counter[int], capsys: pytest.CaptureFixture[str]) -> float:
    """How much of it was answered 2xx; the figures are shown."""
    cases = statuses.total()
    share = sum(n for status, n in statuses.items() if 200 <= status < 300) / cases
    with capsys.disabled():
        sys.stdout.write(f"\n{cases:,} cases, {share:.0%} answered 2xx: {dict(statuses)}\n")
    return share


@pytest.mark.slow
def test_ten_thousand_described_requests_get_described_answers(
    roomy: Facade, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = send_all(roomy, of_actions)
    assert share_accepted(statuses, capsys) >= 0.5
    assert statuses.total() >= 10_000


@pytest.mark.slow
def test_triggers_hooks_and_their_log_answer_as_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_facade(tmp_path, public_url="http://127.0.0.1:1") as facade:
        statuses = send_all(facade, of_triggers)
    assert share_accepted(statuses, capsys) >= 0.2
