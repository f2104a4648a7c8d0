"""Examine an installation: each finding says in one sentence what holds, or what to do about it."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path

from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from connector.cli.probe import Finding, NoAnswer, ask, first_line
from connector.cli.storage_checks import ledger_finding, redis_findings
from connector.cli.trigger_checks import trigger_findings
from connector.config.settings import ConfigError, Settings
from connector.errors import Unavailable
from connector.security.development_secret import development_secret
from connector.store import Store
from connector.store.engine import make_engine
from connector.store.migrate import current_revision, head_revision
from connector.telemetry.logs import redact_text

PATIENCE_SECONDS = 5.0
CLOCK_TOLERANCE_SECONDS = 30
HEALTHY = {"status": "ok"}


def settings_findings(error: ConfigError) -> list[Finding]:
    """The findings for settings that cannot even be loaded."""
    return [
        Finding("settings", False, problem, "Change this setting.") for problem in error.problems
    ]


def diagnose(settings: Settings, patience: float = PATIENCE_SECONDS) -> list[Finding]:
    """Look at everything that the connector depends on; `patience` is in seconds per server."""
    return [
        Finding("settings", True, "All settings can be used."),
        _secrets(settings),
        *_database(settings),
        *redis_findings(settings),
        *_upstream(settings, patience),
        _public_url(settings, patience),
    ]


def _secrets(settings: Settings) -> Finding:
    if count := len(settings.secret_keys):
        words = "1 secret is" if count == 1 else f"{count} secrets are"
        return Finding("secrets", True, f"{words} loaded; the first one signs.")
    try:
        development_secret(settings)
    except (ConfigError, OSError) as error:
        return Finding(
            "secrets",
            False,
            f"The generated secret cannot be read or written: {first_line(error)}.",
            "Set CONNECTOR_SECRET_KEYS to the output of: openssl rand -hex 32.",
        )
    return Finding("secrets", True, "A generated secret is used, as only this machine can call.")


def _database(settings: Settings) -> Iterator[Finding]:
    if missing := _missing_folder(settings):
        yield Finding(
            "database",
            False,
            f"The folder {missing} of the SQLite database is missing or cannot be written.",
            "Create it and give it to the user who runs the connector.",
        )
        return
    if _no_file_yet(settings):
        yield _not_migrated(None)
        return
    engine = make_engine(settings.database_url, 1)
    where = redact_text(settings.database_url)
    try:
        revision, head = current_revision(engine), head_revision()
        yield Finding("database", True, f"Connected to {where}.")
        if revision == head:
            yield _writable(engine)
            yield ledger_finding(Store(engine))
            yield from trigger_findings(Store(engine), settings, _loaded(settings))
        else:
            yield _not_migrated(revision)
        if engine.dialect.name == "postgresql":
            yield _clock("the database", _database_time(engine) - time.time())
    except (SQLAlchemyError, Unavailable) as error:
        cause = error.__cause__ or error
        yield Finding(
            "database",
            False,
            f"Cannot use {where}: {first_line(cause)}.",
            "Start the database and check the address, user and password in "
            "CONNECTOR_DATABASE_URL.",
        )
    finally:
        engine.dispose()


def _loaded(settings: Settings) -> Sequence[str]:
    """The server secrets in use; none where the generated one cannot be read."""
    try:
        return settings.secret_keys or (development_secret(settings),)
    except (ConfigError, OSError):
        return ()


def _missing_folder(settings: Settings) -> Path | None:
    url = make_url(settings.database_url)
    if url.drivername != "sqlite":
        return None
    folder = Path(url.database or "").resolve().parent
    return None if os.access(folder, os.W_OK | os.X_OK) else folder


def _no_file_yet(settings: Settings) -> bool:
    """Whether looking would make the database: an examination must not leave anything behind."""
    url = make_url(settings.database_url)
    return url.drivername == "sqlite" and not Path(url.database or "").exists()


def _not_migrated(revision: str | None) -> Finding:
    return Finding(
        "tables",
        revision is None,
        f"The tables are at {revision}, which is not this version's."
        if revision
        else "The database has no tables yet.",
        "Run: connector migrate. (connector serve does it as well when it starts.)",
    )


def _writable(engine: Engine) -> Finding:
    try:
        with engine.connect() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            connection.rollback()
    except SQLAlchemyError as error:
        return Finding(
            "tables",
            False,
            f"The tables are right, but writing fails: {first_line(error)}.",
            "Give the connector's user the right to write, and see that the disk is not full.",
        )
    return Finding("tables", True, "The tables are this version's, and can be written.")


def _database_time(engine: Engine) -> float:
    with engine.connect() as connection:
        return float(
            connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        )


def _upstream(settings: Settings, patience: float) -> Iterator[Finding]:
    try:
        asked = time.time()
        answer = ask(f"{settings.upstream_url}/models", patience)
        now = (asked + time.time()) / 2
    except NoAnswer as why:
        yield Finding("upstream", False, why.sentence, f"{why.fix} (CONNECTOR_UPSTREAM_URL)")
        return
    kind = "sandbox" if settings.sandbox else "Paywalls API"
    if answer.status >= 500:
        yield Finding(
            "upstream",
            False,
            f"The {kind} at {settings.upstream_url} answers with an error ({answer.status}).",
            "Wait and try again; if it lasts, ask Paywalls.",
        )
    elif 300 <= answer.status < 400 or answer.status == 404:
        yield Finding(
            "upstream",
            False,
            f"{settings.upstream_url} answers, but not as the Paywalls API ({answer.status}).",
            "Set CONNECTOR_UPSTREAM_URL to https://api.paywalls.ai/v1.",
        )
    else:
        yield Finding("upstream", True, f"The {kind} at {settings.upstream_url} answers.")
    try:
        theirs = parsedate_to_datetime(answer.date).timestamp()
    except ValueError:
        return
    yield _clock("upstream", theirs - now)


def _clock(whose: str, seconds: float) -> Finding:
    if abs(seconds) <= CLOCK_TOLERANCE_SECONDS:
        return Finding("clock", True, f"This machine's clock agrees with that of {whose}.")
    direction = "behind" if seconds > 0 else "ahead of"
    return Finding(
        "clock",
        False,
        f"This machine's clock is {abs(seconds):.0f} s {direction} that of {whose}.",
        "Switch on time synchronisation, for instance: timedatectl set-ntp true.",
    )


def _public_url(settings: Settings, patience: float) -> Finding:
    name, url = "public url", settings.public_url
    if url is None:
        return Finding(
            name,
            True,
            "CONNECTOR_PUBLIC_URL is not set: actions work, triggers do not.",
            "Set it to the https address under which the internet reaches this connector.",
        )
    try:
        answer = ask(f"{url}/healthz", patience)
    except NoAnswer as why:
        return Finding(name, False, why.sentence, f"{why.fix} (CONNECTOR_PUBLIC_URL)")
    if answer.location:
        return Finding(
            name,
            False,
            f"{url} sends callers on to {redact_text(answer.location)}.",
            "Set CONNECTOR_PUBLIC_URL to the address at which the connector answers itself.",
        )
    if answer.status in (502, 503, 504):
        return Finding(
            name,
            False,
            f"{url} is reached, but the connector behind it does not answer ({answer.status}).",
            "Start connector serve, and point the proxy to its address.",
        )
    if answer.status != 200 or _json(answer.body) != HEALTHY:
        return Finding(
            name,
            False,
            f"Something else than this connector answers at {url} ({answer.status}).",
            "Point the host name and the proxy to this connector.",
        )
    return Finding(name, True, f"{url} reaches this connector.")


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
