"""Settings: read from the environment, checked together, explained."""

import dataclasses
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from connector.config.settings import (
    SETTINGS,
    ConfigError,
    Settings,
    load,
    settings_table,
)
from connector.security.development_secret import development_secret

ROOT = Path(__file__).parent.parent.parent
SECRET = "a-secret-of-more-than-32-characters"
SETTING_BY_NAME = {setting.name: setting for setting in SETTINGS}


def problems(**given: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load({f"CONNECTOR_{name}": value for name, value in given.items()})
    return caught.value.problems


def loaded(**given: str) -> Settings:
    return load({f"CONNECTOR_{name}": value for name, value in given.items()})


def test_nothing_has_to_be_set_on_ones_own_machine() -> None:
    settings = load({})
    assert settings.database_url == "sqlite:///paywalls-connector.sqlite3"
    assert settings.upstream_url == "https://api.paywalls.ai/v1"
    assert settings.public_url is None
    assert settings.secret_keys == ()
    assert settings.max_amount == Decimal(10000)
    assert settings.rate_limit == "600/minute"
    assert (settings.listen, settings.workers, settings.threads) == ("127.0.0.1:8000", 1, 256)
    assert settings.allowed_paywalls == frozenset()
    assert settings.keep_keys is True
    assert settings.graceful_seconds == 30


def test_every_setting_is_a_field_of_the_same_name() -> None:
    fields = [field.name for field in dataclasses.fields(Settings)]
    assert fields == [setting.name.lower() for setting in SETTINGS]


def test_the_environment_of_the_process_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_WORKERS", "3")
    assert load().workers == 3


def test_a_blank_variable_counts_as_unset() -> None:
    assert loaded(WORKERS=" ", REDIS_URL="", PUBLIC_URL="") == load({})


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("DATABASE_URL", "postgres://u:p@db/c", "postgresql+psycopg://u:p@db/c"),
        ("DATABASE_URL", "postgresql://u:p%40@db/c", "postgresql+psycopg://u:p%40@db/c"),
        ("DATABASE_URL", "sqlite:////data/c.sqlite3", "sqlite:////data/c.sqlite3"),
        ("PUBLIC_URL", "http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("UPSTREAM_URL", "https://api.example.com/v1/", "https://api.example.com/v1"),
        ("UPSTREAM_URL", "http://[::1]:8001/v1", "http://[::1]:8001/v1"),
        ("SECRET_KEYS", f"{SECRET}1, {SECRET}2", (f"{SECRET}1", f"{SECRET}2")),
        ("MAX_AMOUNT", "250.50", Decimal("250.50")),
        ("RATE_LIMIT", "off", None),
        ("RATE_LIMIT", "10/second;5000/hour", "10/second;5000/hour"),
        ("REDIS_URL", "rediss://:pw@redis:6379/0", "rediss://:pw@redis:6379/0"),
        ("LISTEN", "[::1]:8000", "[::1]:8000"),
        ("ALLOWED_PAYWALLS", "pw_1, pw_2,", frozenset({"pw_1", "pw_2"})),
        ("KEEP_KEYS", "False", False),
        ("LOG_LEVEL", "WARNING", "warning"),
        ("GRACEFUL_SECONDS", "5", 5),
    ],
)
def test_a_value_is_understood(name: str, written: str, meant: object) -> None:
    assert getattr(loaded(**{name: written}), name.lower()) == meant


@pytest.mark.parametrize(
    ("name", "written", "advice"),
    [
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("DATABASE_URL", "mysql://u:p@h/d", "write sqlite:///file.sqlite3 or postgresql://"),
        ("DATABASE_URL", "here.sqlite3", "is not a database address"),
        ("DATABASE_URL", "sqlite://c.sqlite3", "needs three slashes"),
        ("DATABASE_URL", "postgresql://u:p@db", "add /database after the host"),
        ("PUBLIC_URL", "http://example.com", "must begin with https://"),
        ("PUBLIC_URL", "example.com", "write one such as https://example.com"),
        ("PUBLIC_URL", "https://example.com/connector", "write only https://example.com"),
        ("PUBLIC_URL", "https://u:p@example.com", "remove the part before the @"),
        ("PUBLIC_URL", "https://example.com?x=1", "remove it"),
        ("PUBLIC_URL", "https://example.com:port", "is not a URL"),
        ("UPSTREAM_URL", "http://api.paywalls.ai/v1", "must begin with https://"),
        ("UPSTREAM_URL", "https://u:p@api.paywalls.ai/v1", "remove the part before the @"),
        ("UPSTREAM_URL", "ftp://127.0.0.1/v1", "must begin with https://"),
        ("SECRET_KEYS", "short", "each needs at least 32"),
        ("SECRET_KEYS", f"{SECRET},{SECRET}", "name each only once"),
        ("MAX_AMOUNT", "1e9", "write a number above 0"),
        ("MAX_AMOUNT", "0", "write a number above 0"),
        ("MAX_AMOUNT", "1,50", "with a dot, such as 250.50"),
        ("RATE_LIMIT", "lots", "write a limit such as 600/minute, or off"),
        ("REDIS_URL", "redis", "write redis://host:6379/0"),
        ("LISTEN", "8000", "write host:port"),
        ("LISTEN", "127.0.0.1:70000", "write host:port"),
        ("WORKERS", "two", "write a whole number from 1 to 64"),
        ("WORKERS", "0", "write a whole number from 1 to 64"),
        ("TRUSTED_PROXIES", "-1", "write a whole number from 0 to 10"),
        ("KEEP_KEYS", "maybe", "write one of true, false"),
        ("LOG_LEVEL", "loud", "write one of debug, info, warning, error"),
    ],
)
def test_a_wrong_value_is_told_with_what_to_write_instead(
    name: str, written: str, advice: str
) -> None:
    (problem,) = problems(**{name: written})
    assert problem.startswith(f"CONNECTOR_{name} ")
    assert advice in problem


def test_all_problems_are_told_at_once() -> None:
    result = problems(
        WORKERS="two", PUBLIC_URL="http://x.com", DATABSE_URL="x", LISTEN="0.0.0.0:80"
    )
    assert [problem.split()[0] for problem in result] == [
        "CONNECTOR_DATABSE_URL",
        "CONNECTOR_PUBLIC_URL",
        "CONNECTOR_WORKERS",
        "CONNECTOR_SECRET_KEYS",
    ]


def test_an_unknown_variable_is_told_with_the_closest_known_one() -> None:
    (problem,) = problems(DATABSE_URL="x")
    expected = "CONNECTOR_DATABSE_URL is not a setting; did you mean CONNECTOR_DATABASE_URL?"
    assert problem == expected


def test_what_kubernetes_adds_for_a_service_named_connector_is_left_alone() -> None:
    injected = {"SERVICE_HOST": "10.0.0.1", "PORT": "tcp://10.0.0.1:80", "PORT_80_TCP_PORT": "80"}
    assert loaded(**injected) == load({})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "PUBLIC_URL"])
def test_a_problem_never_repeats_a_password(name: str) -> None:
    (problem,) = problems(**{name: "ftp://u:hunter2@"})
    assert "hunter2" not in problem


def test_settings_can_be_printed_without_their_secrets() -> None:
    settings = loaded(SECRET_KEYS=SECRET, DATABASE_URL="postgres://u:hunter2@db/c")
    assert SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "reachable", [{"LISTEN": "0.0.0.0:8000"}, {"PUBLIC_URL": "https://example.com"}]
)
def test_without_secrets_a_reachable_connector_refuses_and_prints_a_fresh_one(
    reachable: dict[str, str],
) -> None:
    (first,), (second,) = problems(**reachable), problems(**reachable)
    fresh = first.rpartition("CONNECTOR_SECRET_KEYS=")[2]
    assert first != second
    assert loaded(**reachable, SECRET_KEYS=fresh).secret_keys == (fresh,)


@pytest.mark.parametrize(
    ("upstream", "sandbox"),
    [
        ("http://127.0.0.1:8001/v1", True),
        ("http://localhost:8001/v1", True),
        ("https://api.paywalls.ai/v1", False),
        ("https://localhost.example.com/v1", False),
    ],
)
def test_an_upstream_on_this_machine_is_the_sandbox(upstream: str, sandbox: bool) -> None:
    assert loaded(UPSTREAM_URL=upstream).sandbox is sandbox


def test_the_generated_secret_is_kept_beside_the_sqlite_file(tmp_path: Path) -> None:
    settings = loaded(DATABASE_URL=f"sqlite:///{tmp_path}/c.sqlite3")
    secret = development_secret(settings)
    file = tmp_path / "c.sqlite3.secret"
    assert len(secret) >= 32
    assert development_secret(settings) == secret == file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_with_postgresql_the_generated_secret_is_kept_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    secret = development_secret(loaded(DATABASE_URL="postgresql://u:p@127.0.0.1/c"))
    assert (tmp_path / ".connector-secret").read_text().strip() == secret


def test_a_damaged_secret_file_is_told_and_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite3.secret"
    file.write_text("cut")
    with pytest.raises(ConfigError, match="does not hold a secret"):
        development_secret(loaded(DATABASE_URL=f"sqlite:///{tmp_path}/c.sqlite3"))
    assert file.read_text() == "cut"


@pytest.mark.parametrize("page", ["README.md", "docs/settings.md"])
def test_the_table_of_settings_is_complete(page: str) -> None:
    text = (ROOT / page).read_text()
    shown = text.partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0]
    assert shown.strip() == settings_table()


@pytest.mark.parametrize("name", [name for name in SETTING_BY_NAME if name != "SECRET_KEYS"])
def test_every_example_can_be_used_as_it_stands(name: str) -> None:
    given = {name: SETTING_BY_NAME[name].example}
    assert loaded(**given, **({} if name == "SECRET_KEYS" else {"SECRET_KEYS": SECRET}))


def test_the_table_can_be_printed() -> None:
    command = [sys.executable, "-m", "connector.config"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert printed.stdout.strip() == settings_table()
