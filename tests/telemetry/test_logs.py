"""Log lines are JSON without secrets."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from connector.telemetry import logs
from connector.telemetry.redaction import redact, redact_text

SERVER_SECRET = "the+servers/own=secret-0123456789"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """A function that returns the log lines so far, each parsed from JSON."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level, loud = root.handlers, root.level, logging.raiseExceptions
    logs.configure_logging("info")
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    root.handlers, logging.raiseExceptions = handlers, loud
    root.setLevel(level)
    structlog.configure(**configured)


def test_a_line_is_json_with_time_level_event_and_request_id(lines: Any) -> None:
    request_id = logs.new_request_id()
    structlog.get_logger().info("charged", action="charge", seconds=0.25)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "charged",
        "level": "info",
        "request_id": request_id,
        "action": "charge",
        "seconds": 0.25,
    }


def test_each_thread_has_its_own_request_id() -> None:
    mine, seen = logs.new_request_id(), list[str]()
    thread = threading.Thread(target=lambda: seen.append(logs.request_id()))
    thread.start()
    thread.join()
    assert logs.request_id() == mine
    assert seen == [""]


def test_lines_below_the_level_are_not_written(lines: Any) -> None:
    structlog.get_logger().debug("details")
    logging.getLogger("any.library").debug("details")
    logging.getLogger("httpx").info("HTTP Request: GET https://api.paywalls.ai")
    assert lines() == []


def test_the_lines_of_libraries_have_the_same_form(lines: Any) -> None:
    logging.getLogger("any.library").warning("cannot reach %s", "postgresql://u:hunter2@db/c")
    (line,) = lines()
    assert line["event"] == "cannot reach postgresql://[redacted]@db/c"
    assert (line["logger"], line["level"]) == ("any.library", "warning")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("key sk-paywalls-sandbox-default is unknown", "sandbox-default"),
        ("GET /v1/me?api_key=abcdef&user=u1", "abcdef"),
        ("GET /v1/me?key=sk-proj-0123456789", "0123456789"),
        ("GET /v1/me?a%3Dsk-proj-0123456789", "0123456789"),
        ("Authorization: Bearer abc.def-ghi", "abc.def"),
        ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("'X-API-Key': 'abcdef'", "abcdef"),
        ("postgresql+psycopg://user:hunter2@db/c", "hunter2"),
        ("redis://:hunter2@redis:6379/0 is away", "hunter2"),
        ("https://user:p@ss@example.com/", "p@ss"),
        ("host=db password=hunter2 dbname=c", "hunter2"),
        ("signed with whsec_MfKQ9r8GKYqrTwjU", "MfKQ9r8GKYqrTwjU"),
        ('{"prompt": "my \\"diary\\" today", "user": "u1"}', "diary"),
        ("{'messages': [{'role': 'user', 'content': 'my diary'}]}", "my diary"),
        (r'"{\"system\": \"my diary\"}"', "my diary"),
        ("/v1/chat?prompt=my+diary&user=u1", "my+diary"),
        ("[SQL: INSERT …]\n[parameters: ('my diary',)]\n(Background: …)", "my diary"),
        (f"HMAC under {SERVER_SECRET}", "servers"),
        ("?s=the%2Bservers%2Fown%3Dsecret-0123456789", "servers"),
    ],
)
def test_a_secret_in_any_text_is_redacted(text: str, hidden: str) -> None:
    logs.register_secret(SERVER_SECRET)
    shown = redact_text(text)
    assert hidden not in shown
    assert "[redacted]" in shown


@pytest.mark.parametrize(
    "text",
    [
        "risk-management at charge_client-12",
        "GET /v1/balance?user=a@b.example",
        "https://example.com/path?x=1@2",
        "Listening at: http://127.0.0.1:8000 (7)",
        "the system is ready",
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "prompt",
        "messages",
        "system",
        "Authorization",
        "api_key",
        "X-API-Key",
        "secret",
        "client_secret",
        "password",
        "cookie",
    ],
)
def test_fields_that_always_hold_secrets_are_dropped_whole(name: str) -> None:
    assert redact({name: ["anything"]}) == {name: "[redacted]"}


def test_secrets_are_found_however_deep_they_are() -> None:
    event = {"a": [{"b": ("x sk-paywalls-1234", {"sk-paywalls-5678": b"Bearer abcd"})}]}
    assert redact(event) == {"a": [{"b": ["x [redacted]", {"[redacted]": "b'Bearer [redacted]'"}]}]}


def test_a_structure_that_holds_itself_ends() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert "[too deep]" in str(redact(endless))


def test_an_object_that_cannot_be_printed_does_not_break_the_line() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    assert redact(Broken()) == "[unprintable Broken]"


def test_an_exception_is_told_by_type_and_stack_without_its_variables(lines: Any) -> None:
    key, diary = "sk-paywalls-0123456789", "what I did"
    try:
        raise ValueError(f"refused {key}")
    except ValueError:
        structlog.get_logger().exception("failed", length=len(diary))
    (line,) = lines()
    assert line["exception_type"] == "ValueError"
    assert line["exception"].endswith("ValueError: refused [redacted]")
    assert "0123456789" not in json.dumps(line)


def test_odd_values_still_make_a_line(lines: Any) -> None:
    structlog.get_logger().info("odd", half="\ud800", huge=2**70, kind=object)
    (line,) = lines()
    assert line["half"] == "\ud800"
    assert line["huge"] == 2**70
    assert line["kind"] == "<class 'object'>"


def test_a_long_text_is_cut(lines: Any) -> None:
    structlog.get_logger().info("long", text="x" * 100_000)
    assert len(lines()[0]["text"]) < 10_000


def test_a_broken_log_call_does_not_print_its_arguments(
    lines: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("any.library").warning("%d", "sk-paywalls-0123456789")
    assert "0123456789" not in capsys.readouterr().err


def run_python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environ}
    )


def test_a_crash_is_one_line_of_json_without_secrets() -> None:
    crash = (
        "from connector.telemetry import logs; logs.configure_logging('info'); "
        "logs.log_crashes(); raise ValueError('sk-paywalls-0123456789')"
    )
    (line,) = run_python(crash).stderr.splitlines()
    assert json.loads(line)["exception_type"] == "ValueError"
    assert "0123456789" not in json.loads(line)["exception"].splitlines()[-1]


def as_text(capsys: pytest.CaptureFixture[str], **values: object) -> str:
    """The line that a person reads."""
    logs.configure_logging("info", "text")
    structlog.get_logger().info("request", **values)
    return capsys.readouterr().err


@pytest.mark.usefixtures("lines")
def test_people_read_lines_without_braces(capsys: pytest.CaptureFixture[str]) -> None:
    line = as_text(capsys, route="/v1/charge", status=200, code="", who="ann smith")
    assert 'info     request  route=/v1/charge status=200 who="ann smith"' in line
    assert line[2] == line[5] == ":"


@pytest.mark.usefixtures("lines")
def test_a_line_for_people_is_one_line_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    line = as_text(capsys, sent="a\nb\x1b[2Jc", key="sk-paywalls-0123456789abcdef")
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert "0123456789abcdef" not in line


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize("terminal", [True, False])
def test_json_is_written_where_nobody_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    logs.configure_logging("info")
    structlog.get_logger().info("begun")
    line = capsys.readouterr().err
    assert line.startswith("{") is not terminal
