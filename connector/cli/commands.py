"""The command line: serve, sandbox, demo, migrate, doctor, ledger."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from connector import __version__, actions
from connector.app import create_app, key_accepted, start_worker, stop, wind_down
from connector.brands import BRANDS, PAYWALLS
from connector.cli import ledger_commands
from connector.cli.demo import Demo
from connector.cli.doctor import diagnose, settings_findings
from connector.config.settings import ConfigError, Settings, load
from connector.errors import ConnectorError
from connector.sandbox import serve as serve_sandbox
from connector.sandbox.server import NotLoopbackError
from connector.security.development_secret import development_secret
from connector.security.secret_rotation import SecretsMismatch, check_secrets
from connector.serving.listening import CannotListen, refuse_taken
from connector.serving.server import Service, run
from connector.specs import build
from connector.store import Store, make_engine, migrate
from connector.store.failures import only_reads
from connector.telemetry.logs import configure_logging

log = structlog.get_logger(__name__)

_BRAND = click.option(
    "--brand",
    type=click.Choice(list(BRANDS)),
    default=PAYWALLS.name,
    show_default=True,
    help="The vendor's name under which the sandbox plays: keys, headers and event types.",
)


class _Commands(click.Group):
    """Commands whose failures are told in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConnectorError as error:
            _stop(f"{error.message} `connector doctor` says more.")
        except OperationalError as error:
            if only_reads(error.orig):
                _stop(
                    "The database can only be read. Let the connector's user write the database "
                    "file and its folder (or, on PostgreSQL, use a server that is not a standby)."
                )
            _stop("The database cannot be reached. `connector doctor` says more.")


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="connector")
def main() -> None:
    """The Paywalls Connector: simple actions and triggers for the Paywalls.ai billing API.

    Settings come from CONNECTOR_* variables; `connector doctor` checks them.
    """


@main.command()
def serve() -> None:
    """Serve the connector, after bringing the database up to date."""
    settings = _settings()
    try:
        refuse_taken(settings.listen)
    except CannotListen as why:
        _stop(str(why))
    _checked(settings).close()
    run(settings, _serving, _ready)


@main.command(short_help="Push events, without serving.")
def worker() -> None:
    """Push events and look after subscriptions, without serving; next to `connector serve` with
    CONNECTOR_RUN_WORKER=false."""
    settings = _settings()
    configure_logging(settings.log_level, settings.log_format)
    _checked(settings).close()
    ended = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: ended.set())
    app = create_app(settings)
    start_worker(app)
    log.info("working")
    ended.wait()
    stop(app)


@main.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8001, show_default=True, help="Port to listen on.")
@click.option(
    "--retry-base",
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait before a webhook is sent again; doubled each time.",
)
@click.option("--force", is_flag=True, help="Listen on an address that others can reach.")
@_BRAND
def sandbox_command(host: str, port: int, retry_base: float, force: bool, brand: str) -> None:
    """Run an emulator of the Paywalls.ai API, with made-up money."""
    try:
        serve_sandbox(host, port, retry_base, force, BRANDS[brand])
    except NotLoopbackError as refusal:
        _stop(str(refusal))


@main.command(short_help="Start it with a sandbox, and a tour.")
@click.option("--once", is_flag=True, help="End after the tour.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port of the connector.")
@click.option("--sandbox-port", default=8001, show_default=True, help="Port of the sandbox.")
@_BRAND
def demo(once: bool, host: str, port: int, sandbox_port: int, brand: str) -> None:
    """Start a connector with a sandbox and show a builder's first steps."""
    with Demo(host, port, sandbox_port, BRANDS[brand]) as running:
        passed = running.tour()
        if once or not passed:
            sys.exit(0 if passed else 1)
        running.keep_serving()


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date."""
    store = _migrated(_settings())
    click.echo(f"The database is up to date (revision {migrate.current_revision(store.engine)}).")


@main.command(short_help="Check everything; say what to mend.")
def doctor() -> None:
    """Check settings, database, triggers, upstream, clock and public address; say what to mend."""
    try:
        findings = diagnose(load())
    except ConfigError as error:
        findings = settings_findings(error)
    for finding in findings:
        word = "FAIL" if not finding.ok else "look" if finding.fix else "ok"
        click.echo(f"{word:<4}  {finding.name:<12}  {finding.sentence}")
        if finding.fix:
            click.echo(f"{'':<6}{'':<12}  → {finding.fix}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


@main.command("specs", short_help="Write what is generated, or check it.")
@click.argument("what", type=click.Choice(["build", "check"]))
def specs_command(what: str) -> None:
    """Write what is generated from the catalog, or check that it is up to date."""
    actions.load()
    root = Path(__file__).parent.parent.parent
    if what == "build":
        for file in build.write(root):
            click.echo(f"wrote {file}")
        return
    stale = build.stale(root)
    for name in stale:
        click.echo(f"{name} is not up to date: run `connector specs build`.", err=True)
    sys.exit(1 if stale else 0)


def _serving(settings: Settings) -> Service:
    app = create_app(settings)
    if settings.run_worker:
        start_worker(app)
    return Service(app, key_accepted(app), partial(wind_down, app), partial(stop, app))


def _settings() -> Settings:
    try:
        settings = load()
        if settings.secret_keys:
            return settings
        return replace(settings, secret_keys=(development_secret(settings),))
    except ConfigError as error:
        _stop("The settings need a change:\n" + "\n".join(f"  - {p}" for p in error.problems))


def _open(settings: Settings) -> Store:
    return Store(make_engine(settings.database_url, settings.database_pool))


def _ledger() -> Store:
    settings = _settings()
    url = make_url(settings.database_url)
    if url.drivername == "sqlite" and not Path(url.database or "").exists():
        _stop(
            f"There is no database at {url.database}. Use the same CONNECTOR_DATABASE_URL (and the "
            "same folder) as `connector serve`."
        )
    store = _open(settings)
    if migrate.current_revision(store.engine) is None:
        _stop("This database has no ledger yet. `connector migrate` makes one.")
    return store


def _migrated(settings: Settings) -> Store:
    store = _open(settings)
    migrate.upgrade(store.engine)
    return store


def _checked(settings: Settings) -> Store:
    """The migrated database, whose server secrets are all loaded; else this ends the program."""
    store = _migrated(settings)
    try:
        check_secrets(store, settings.secret_keys, settings.ledger_retention_days)
    except SecretsMismatch as mismatch:
        store.close()
        _stop(str(mismatch))
    return store


def _ready(address: str) -> None:
    log.info("listening", address=f"http://{address}", docs=f"http://{address}/docs")


def _stop(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(2)


main.add_command(ledger_commands.group(_ledger, _stop))
