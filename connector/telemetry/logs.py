"""What the service says about itself: JSON log lines on stderr, without secrets."""

import json
import logging
import secrets
import sys
import threading
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO, cast

import orjson
import structlog

from connector.telemetry.redaction import redact, redact_text, register_secret

__all__ = [
    "configure_logging",
    "log_crashes",
    "new_request_id",
    "redact_text",
    "register_secret",
    "request_id",
]

# Libraries that at "info" say more than an operator wants, among it addresses and statements.
_CHATTY = ("alembic", "httpcore", "httpx", "requests", "sqlalchemy", "urllib3")


class _Stderr:
    """Whatever stands for stderr when a line is written, as tests and daemons replace it."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_request_id: ContextVar[str] = ContextVar("request_id", default="")


def new_request_id() -> str:
    """Begin a request: a fresh id, which every log line of this thread carries from now on."""
    fresh = f"req_{secrets.token_hex(12)}"
    _request_id.set(fresh)
    return fresh


def request_id() -> str:
    """The id of the request that this thread answers, or `""`."""
    return _request_id.get()


def configure_logging(level: str, form: str = "auto") -> None:
    """Send every log line, ours and the libraries', to stderr, without secrets.

    `level` is debug, info, warning or error. `form` is json (one line of JSON each), text (for
    people), or auto: text where a person looks at a terminal. Call it again to change them.
    """
    for_people = form == "text" or (form == "auto" and sys.stderr.isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    processors: list[structlog.typing.Processor] = [
        _add_exception_type,
        structlog.processors.format_exc_info,
        _redact_event,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
        _as_text if for_people else structlog.processors.JSONRenderer(serializer=_to_json),
    ]
    stream = _Stderr()
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, stream)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *processors,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(threshold)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    # A log call that itself fails would otherwise print its arguments as they are.
    logging.raiseExceptions = False


def log_crashes() -> None:
    """Log exceptions that nobody caught, instead of Python's plain traceback, and warnings."""
    log = structlog.get_logger()

    def crashed(args: Any) -> None:
        log.error("crashed", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))

    threading.excepthook = crashed
    sys.excepthook = lambda kind, error, trace: log.error("crashed", exc_info=(kind, error, trace))
    logging.captureWarnings(True)


def _add_request_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if current := _request_id.get():
        event.setdefault("request_id", current)
    return event


def _add_exception_type(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    given = event.get("exc_info")
    error = given[1] if isinstance(given, tuple) else given
    if given is True:
        error = sys.exception()
    if isinstance(error, BaseException):
        event["exception_type"] = type(error).__name__
    return event


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    redacted: dict[str, Any] = redact(event)
    return redacted


def _as_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """`12:00:01 info     request  route=/v1/charge status=200`, then the traceback, if any."""
    time = str(event.pop("timestamp", ""))[11:19]
    level, what = event.pop("level", ""), event.pop("event", "")
    trace = event.pop("exception", "")
    pairs = " ".join(f"{name}={_quoted(value)}" for name, value in event.items() if value != "")
    line = f"{time} {level:<8} {_one_line(what)}  {pairs}".rstrip()
    return f"{line}\n{trace}" if trace else line


def _quoted(value: object) -> str:
    text = _one_line(value)
    return json.dumps(text, ensure_ascii=False) if " " in text or text == "" else text


def _one_line(value: object) -> str:
    """What a stranger may have sent must not look like a line of ours, or move the cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def _to_json(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits
        return json.dumps(event)
