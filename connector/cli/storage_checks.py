"""What `connector doctor` says of the ledger and of Redis."""

from __future__ import annotations

from collections.abc import Iterator

from limits.errors import StorageError
from limits.storage import storage_from_string

from connector.cli.probe import Finding
from connector.config.settings import Settings
from connector.store import Store, ledger_rows, ledger_search
from connector.telemetry.logs import redact_text

_SECONDS = 2.0


def ledger_finding(store: Store) -> Finding:
    """Whether charges or deposits wait for somebody: `unknown` ones for the operator."""
    unknown, doubtful = (
        store.read(lambda connection, state=state: ledger_search.count(connection, state))  # type: ignore[misc]
        for state in (ledger_rows.UNKNOWN, ledger_rows.IN_DOUBT)
    )
    if unknown:
        return Finding(
            "ledger",
            False,
            f"{_rows(unknown)} unknown: nobody can tell any more whether money was taken.",
            "Look them up in the Paywalls dashboard, then: connector ledger list --state unknown.",
        )
    if doubtful:
        return Finding(
            "ledger",
            True,
            f"{_rows(doubtful)} in doubt: no answer came that says whether money was taken.",
            "They settle when the same reference is sent again. See: connector ledger list.",
        )
    return Finding("ledger", True, "Nothing is in doubt.")


def redis_findings(settings: Settings) -> Iterator[Finding]:
    """Whether Redis counts, where it is set."""
    if settings.redis_url is None:
        return
    where = redact_text(settings.redis_url)
    storage = storage_from_string(
        settings.redis_url,
        wrap_exceptions=True,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
    )
    try:
        storage.get("paywalls-connector-doctor")
    except StorageError as error:
        yield Finding(
            "redis",
            False,
            f"{where} cannot be used ({type(error.storage_error).__name__}): each worker counts "
            "calls on its own.",
            "Start Redis and check CONNECTOR_REDIS_URL, or leave that out.",
        )
    else:
        yield Finding("redis", True, f"{where} counts calls for all workers together.")


def _rows(number: int) -> str:
    return "1 charge or deposit is" if number == 1 else f"{number} charges or deposits are"
