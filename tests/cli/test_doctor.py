"""Each fault of an installation is found and told with what to do, against real servers."""

import datetime
import http.server
import ipaddress
import json
import os
import socket
import sqlite3
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import create_engine, update

from connector.cli.doctor import diagnose, settings_findings
from connector.cli.probe import Finding
from connector.config.settings import ConfigError, Settings, load
from connector.store import ledger_rows, paywall_rows
from connector.store.engine import make_engine
from connector.store.migrate import upgrade
from connector.store.tables import ledger

HEALTHY = b'{"status":"ok"}'
SECRET = "a-secret-of-more-than-32-characters"
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts an http(s) server that always gives the same answer; returns its address."""
    running: list[http.server.ThreadingHTTPServer] = []

    def start(
        status: int = 200,
        body: bytes = HEALTHY,
        ahead: float = 0,
        location: str = "",
        certificate: Path | None = None,
    ) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                self.wfile.write(body)

            def date_time_string(self, timestamp: float | None = None) -> str:
                now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead)
                return format_datetime(now, usegmt=True)

            def log_message(self, *args: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("certificate") / "both.pem"
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(pem))
    return file


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def migrated(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/connector.sqlite3"
    engine = make_engine(url, 1)
    upgrade(engine)
    engine.dispose()
    return url


def settings(**given: str) -> Settings:
    return load({f"CONNECTOR_{name}": value for name, value in given.items()})


def found(name: str, **given: str) -> Finding:
    """The first finding of that name, a faulty one before a good one."""
    given.setdefault("UPSTREAM_URL", "http://127.0.0.1:9/v1")
    given.setdefault("DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/connector.sqlite3")
    findings = [one for one in diagnose(settings(**given), 0.3) if one.name == name]
    return min(findings, key=lambda finding: finding.ok)


def test_a_sound_installation_has_no_faults(serve: Serve, migrated: str) -> None:
    address = serve()
    given = {"DATABASE_URL": migrated, "PUBLIC_URL": address, "SECRET_KEYS": SECRET}
    findings = diagnose(settings(UPSTREAM_URL=f"{address}/v1", **given))
    names = ", ".join(finding.name for finding in findings)
    assert names == (
        "settings, secrets, database, tables, ledger, secrets, webhooks, hooks, outbox, gaps, "
        "upstream, clock, public url"
    )
    assert [finding for finding in findings if not finding.ok or finding.fix] == []


def test_settings_that_cannot_be_loaded_are_findings_too() -> None:
    with pytest.raises(ConfigError) as caught:
        settings(WORKERS="two", THREADS="many")
    findings = settings_findings(caught.value)
    assert [finding.ok for finding in findings] == [False, False]
    assert findings[0].sentence.startswith("CONNECTOR_WORKERS is 'two'")


def test_secrets_are_counted_and_never_shown() -> None:
    finding = found("secrets", SECRET_KEYS=f"{SECRET}1,{SECRET}2")
    assert finding == Finding("secrets", True, "2 secrets are loaded; the first one signs.")


def test_a_generated_secret_is_said_to_be_one(tmp_path: Path) -> None:
    finding = found("secrets", DATABASE_URL=f"sqlite:///{tmp_path}/c.sqlite3")
    assert finding.ok
    assert "generated secret" in finding.sentence


def test_a_damaged_generated_secret_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite3.secret").write_text("cut")
    finding = found("secrets", DATABASE_URL=f"sqlite:///{tmp_path}/c.sqlite3")
    assert not finding.ok
    assert "CONNECTOR_SECRET_KEYS" in finding.fix


def test_a_database_without_tables_is_told_and_not_created(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite3"
    finding = found("tables", DATABASE_URL=f"sqlite:///{file}")
    assert finding.ok  # something to look at: nothing is broken before the first start
    assert finding.fix.startswith("Run: connector migrate.")
    assert not file.exists()


def test_tables_of_another_version_are_told(migrated: str) -> None:
    engine = create_engine(migrated)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    engine.dispose()
    finding = found("tables", DATABASE_URL=migrated)
    assert not finding.ok
    assert "at 0000" in finding.sentence


def test_a_locked_database_is_a_fault(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.store.engine.WAIT_SECONDS", 0)
    blocker = sqlite3.connect(migrated.removeprefix("sqlite:///"))
    blocker.execute("BEGIN EXCLUSIVE")
    finding = min(diagnose(settings(DATABASE_URL=migrated), 0.3)[2:4], key=lambda one: one.ok)
    blocker.close()
    assert not finding.ok
    assert "locked" in finding.sentence


def test_a_missing_folder_is_told() -> None:
    finding = found("database", DATABASE_URL="sqlite:////nowhere/c.sqlite3")
    assert "/nowhere" in finding.sentence
    assert "Create it" in finding.fix


def test_a_database_server_that_is_away_is_told_without_its_password(refusing: str) -> None:
    host = refusing.removeprefix("http://")
    finding = found("database", DATABASE_URL=f"postgresql://user:hunter2@{host}/c")
    assert not finding.ok
    assert "hunter2" not in str(finding)
    assert finding.fix.startswith("Start the database")


@pytest.mark.parametrize("status", [200, 401, 429])
def test_an_upstream_that_answers_at_all_is_reachable(serve: Serve, status: int) -> None:
    finding = found("upstream", UPSTREAM_URL=f"{serve(status)}/v1")
    assert finding.ok
    assert finding.sentence.startswith("The sandbox at")


@pytest.mark.parametrize(("status", "told"), [(500, "answers with an error"), (404, "not as the")])
def test_an_upstream_that_answers_wrongly_is_a_fault(serve: Serve, status: int, told: str) -> None:
    finding = found("upstream", UPSTREAM_URL=f"{serve(status)}/v1")
    assert not finding.ok
    assert told in finding.sentence


def test_a_refusing_upstream_is_told(refusing: str) -> None:
    finding = found("upstream", UPSTREAM_URL=f"{refusing}/v1")
    assert "cannot be reached: [Errno 111] Connection refused." in finding.sentence
    assert finding.fix.endswith("(CONNECTOR_UPSTREAM_URL)")


def test_a_hanging_upstream_is_given_up(hanging: str) -> None:
    finding = found("upstream", UPSTREAM_URL=f"{hanging}/v1")
    assert finding.sentence == "127.0.0.1 did not answer within 0.3 s."


def test_a_name_that_does_not_exist_is_told() -> None:
    finding = found("upstream", UPSTREAM_URL="https://upstream.invalid/v1")
    assert finding.sentence == "The name upstream.invalid cannot be found."


def test_a_certificate_that_nobody_vouches_for_is_a_fault(serve: Serve, certificate: Path) -> None:
    finding = found("upstream", UPSTREAM_URL=f"{serve(certificate=certificate)}/v1")
    assert not finding.ok
    assert "certificate of 127.0.0.1 is not trusted: self-signed" in finding.sentence


def test_a_certificate_of_a_trusted_authority_is_fine(
    serve: Serve, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(certificate))
    assert found("upstream", UPSTREAM_URL=f"{serve(certificate=certificate)}/v1").ok


def test_https_to_a_port_that_speaks_http_is_told(serve: Serve) -> None:
    address = serve().replace("http:", "https:")
    finding = found("upstream", UPSTREAM_URL=f"{address}/v1")
    assert "does not speak https" in finding.sentence


@pytest.mark.parametrize(("ahead", "direction"), [(3600, "behind"), (-3600, "ahead of")])
def test_a_wrong_clock_is_a_fault(serve: Serve, ahead: float, direction: str) -> None:
    finding = found("clock", UPSTREAM_URL=f"{serve(ahead=ahead)}/v1")
    assert not finding.ok
    assert f"s {direction} that of upstream" in finding.sentence


def test_a_few_seconds_are_no_fault(serve: Serve) -> None:
    assert found("clock", UPSTREAM_URL=f"{serve(ahead=20)}/v1").ok


def test_no_public_address_is_fine_but_said() -> None:
    finding = found("public url")
    assert finding.ok
    assert "triggers do not" in finding.sentence


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"body": b"<h1>It works!</h1>"}, "Something else than this connector"),
        ({"body": json.dumps({"status": "bad"}).encode()}, "Something else than this connector"),
        ({"status": 404}, "Something else than this connector"),
        ({"status": 502}, "the connector behind it does not answer (502)"),
        (
            {"status": 301, "location": "https://www.example.com/"},
            "sends callers on to https://www",
        ),
    ],
)
def test_a_public_address_that_does_not_lead_here_is_a_fault(
    serve: Serve, answer: dict[str, object], told: str
) -> None:
    finding = found("public url", PUBLIC_URL=serve(**answer))
    assert not finding.ok
    assert told in finding.sentence
    assert finding.fix


def test_a_public_address_that_is_closed_is_a_fault(refusing: str) -> None:
    finding = found("public url", PUBLIC_URL=refusing)
    assert not finding.ok
    assert finding.fix.endswith("(CONNECTOR_PUBLIC_URL)")


def test_a_missing_public_address_is_something_to_look_at() -> None:
    finding = found("public url", DATABASE_URL=f"sqlite:///{tempfile.mkdtemp()}/c.sqlite3")
    assert finding.ok
    assert "https" in finding.fix


@pytest.mark.parametrize(("state", "ok"), [("in_doubt", True), ("unknown", False)])
def test_what_waits_in_the_ledger_is_told(migrated: str, state: str, ok: bool) -> None:
    engine = make_engine(migrated)
    with engine.begin() as connection:
        paywall = paywall_rows.confirm(connection, {"tag": "f" * 64}, "")
        entry_id = ledger_rows.insert_intent(
            connection,
            paywall_id=paywall.id,
            action="charge",
            reference="order-1",
            values_hash="",
            user_id="ann",
            amount="1",
            upstream_key="",
        )
        connection.execute(update(ledger).where(ledger.c.id == entry_id).values(state=state))
    engine.dispose()
    finding = found("ledger", DATABASE_URL=migrated)
    assert finding.ok is ok
    assert finding.sentence.startswith("1 charge or deposit is")
    assert "connector ledger list" in finding.fix


def test_a_redis_that_is_away_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    finding = found("redis", REDIS_URL=f"redis://127.0.0.1:{port}/0")
    assert not finding.ok
    assert "CONNECTOR_REDIS_URL" in finding.fix


def test_a_redis_that_answers_is_told() -> None:
    assert found("redis", REDIS_URL="redis://127.0.0.1:6379/0").ok
