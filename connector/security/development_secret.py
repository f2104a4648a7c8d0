"""The secret of a connector that was given none and that only its own machine can reach."""

import contextlib
import os
import secrets
from pathlib import Path

from sqlalchemy.engine import make_url

from connector.config.parsers import MIN_SECRET_LENGTH
from connector.config.settings import ConfigError, Settings


def development_secret(settings: Settings) -> str:
    """The secret of a connector that only its own machine can reach and that was given none.

    Kept in a file of mode 0600 beside the SQLite database, or in the working directory for
    PostgreSQL, so that a restart can read what it stored.
    """
    url = make_url(settings.database_url)
    file = Path(f"{url.database}.secret" if url.drivername == "sqlite" else ".connector-secret")
    if not file.exists():
        _create_once(file, secrets.token_urlsafe(32))
    secret = file.read_text().strip()
    if len(secret) < MIN_SECRET_LENGTH:
        raise ConfigError(
            [f"{file} does not hold a secret. Put the right one back or delete the file."]
        )
    return secret


def _create_once(file: Path, text: str) -> None:
    """Put a complete file in place unless another process was faster."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        draft.unlink()
