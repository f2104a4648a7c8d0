"""The settings: read from CONNECTOR_* variables, checked together, explained to the operator.

`SETTINGS` is the only description: the table in the docs and every complaint follow from it.
`python -m connector.config` prints that table.
"""

import difflib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from environs import Env, EnvValidationError

from connector.brands import OPENSTACK, PAYWALLS, USER_HEADERS
from connector.config import parsers as parse
from connector.config.parsers import is_loopback

__all__ = [
    "SETTINGS",
    "ConfigError",
    "Setting",
    "Settings",
    "is_loopback",
    "load",
    "settings_table",
]

PREFIX = "CONNECTOR_"

# A Kubernetes Service called "connector" puts these into every pod; TEST_ is for the tests.
_NOT_OURS = re.compile(
    PREFIX + r"(TEST_.*|SERVICE_HOST|SERVICE_PORT.*|PORT|PORT_\d+_(TCP|UDP).*)", re.ASCII
)


class ConfigError(Exception):
    """Settings that cannot be used: `problems` has one sentence for each, saying what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """What the operator chose. Fields are the names in `SETTINGS`, in lower case."""

    database_url: str = field(repr=False)
    public_url: str | None
    secret_keys: tuple[str, ...] = field(repr=False)
    upstream_url: str
    max_amount: Decimal
    rate_limit: str | None
    redis_url: str | None = field(repr=False)
    listen: str
    workers: int
    pin_workers: bool
    threads: int
    allowed_paywalls: frozenset[str]
    keep_keys: bool
    trusted_proxies: int
    log_level: str
    log_format: str
    database_pool: int
    ledger_retention_days: int
    doubt_seconds: int
    user_headers: tuple[str, ...]
    openai_body_max: int
    openai_idle: int
    event_retention_days: int
    delivery_retention_days: int
    retry_schedule: tuple[int, ...]
    allowed_targets: tuple[IPv4Network | IPv6Network, ...]
    hooks_per_paywall: int
    run_worker: bool
    graceful_seconds: int

    @property
    def sandbox(self) -> bool:
        """Whether upstream is an emulator on this machine and no money moves."""
        return is_loopback(urlsplit(self.upstream_url).hostname or "")

    @property
    def private(self) -> bool:
        """Whether only this machine can reach the connector."""
        public_host = urlsplit(self.public_url or "//localhost").hostname or ""
        return is_loopback(parse.listen_host(self.listen)) and is_loopback(public_host)


class Setting(NamedTuple):
    """One row: the name without prefix, the default as an operator writes it, parser, words."""

    name: str
    default: str
    parse: Callable[[str], object]
    help: str
    example: str

    @property
    def variable(self) -> str:
        return PREFIX + self.name


# fmt: off
SETTINGS: tuple[Setting, ...] = (
    Setting("DATABASE_URL", "sqlite:///paywalls-connector.sqlite3", parse.database_url,
            "Where everything is stored: a SQLite file, or PostgreSQL for more than one machine.",
            "postgresql://connector:password@db/connector"),
    Setting("PUBLIC_URL", "", parse.public_url,
            "The https address under which the internet reaches this connector. "
            "Triggers need it, actions do not.",
            "https://connector.example.com"),
    Setting("SECRET_KEYS", "", parse.secret_keys,
            "Secrets of this server, separated by commas, each at least 32 characters. The first "
            "one signs and encrypts, the others are still accepted. "
            "Needed unless only this machine can reach the connector.",
            "the output of `openssl rand -hex 32`"),
    Setting("UPSTREAM_URL", PAYWALLS.api, parse.upstream_url,
            f"The Paywalls API ({OPENSTACK.api} for keys that begin with {OPENSTACK.key_prefix}), "
            "or a sandbox on this machine.", "http://127.0.0.1:8001/v1"),
    Setting("MAX_AMOUNT", "10000", parse.max_amount,
            "The largest amount that one charge or deposit may have.", "250.50"),
    Setting("RATE_LIMIT", "600/minute", parse.rate_limit,
            "How many calls one key may make; `off` for no limit.", "10/second;5000/hour"),
    Setting("REDIS_URL", "", parse.redis_url,
            "Redis, which counts rate limits for all workers together. Without it each worker "
            "counts alone, so that the real limit is the number of workers times higher.",
            "redis://redis:6379/0"),
    Setting("LISTEN", "127.0.0.1:8000", parse.listen,
            "Address and port to listen on. `0.0.0.0:8000` is every address of the machine.",
            "0.0.0.0:8000"),
    Setting("WORKERS", "1", parse.whole(1, 64),
            "Processes that serve requests; one for each CPU core is enough.", "2"),
    Setting("PIN_WORKERS", "false", parse.boolean,
            "Whether each worker keeps to one CPU core of its own, which is faster where nothing "
            "else of weight runs on this machine.", "true"),
    Setting("THREADS", "256", parse.whole(1, 4096),
            "How many requests one worker holds at a time. Threads start when they are needed.",
            "512"),
    Setting("ALLOWED_PAYWALLS", "", parse.paywall_ids,
            "Ids of the paywalls that may use this connector, separated by commas. "
            "Empty means everybody with a valid key.", "pw_1a2b3c,pw_4d5e6f"),
    Setting("KEEP_KEYS", "true", parse.boolean,
            "Whether the newest key of a paywall with triggers is kept, encrypted, "
            "to read missed events back.", "false"),
    Setting("TRUSTED_PROXIES", "0", parse.whole(0, 10),
            "How many proxies stand in front and set X-Forwarded-For; 1 behind Caddy or a load "
            "balancer.", "1"),
    Setting("LOG_LEVEL", "info", parse.log_level,
            "How much is logged: debug, info, warning or error.", "warning"),
    Setting("LOG_FORMAT", "auto", parse.log_format,
            "How log lines look: json for programs, text for people, or auto: text where a person "
            "looks at a terminal.", "json"),
    Setting("DATABASE_POOL", "10", parse.whole(1, 200),
            "The most PostgreSQL connections that one worker opens.", "20"),
    Setting("LEDGER_RETENTION_DAYS", "90", parse.whole(1, 3650),
            "How many days a decided charge or deposit is remembered. "
            "Undecided ones stay for ever.", "365"),
    Setting("DOUBT_SECONDS", "120", parse.whole(1, 3600),
            "How many seconds a try whose answer was lost may still be on its way. Only then is a "
            "user who has paid meanwhile charged by a new try.", "300"),
    Setting("USER_HEADERS", ",".join((*USER_HEADERS, "X-OpenWebUI-User-Id")),
            parse.header_names,
            "The headers that may name the user who pays, separated by commas.",
            "X-Paywall-User,X-My-User"),
    Setting("OPENAI_BODY_MAX", "20000000", parse.whole(1_000_000, 200_000_000),
            "How many bytes a request at the OpenAI address may have, images included.",
            "50000000"),
    Setting("OPENAI_IDLE", "300", parse.whole(1, 3600),
            "How many seconds an answer at the OpenAI address may be silent before it is given up, "
            "and how long a chat with a reference may take.",
            "600"),
    Setting("EVENT_RETENTION_DAYS", "30", parse.whole(1, 3650),
            "How many days events are kept for triggers that poll.", "90"),
    Setting("DELIVERY_RETENTION_DAYS", "30", parse.whole(1, 3650),
            "How many days the log of what was sent to hooks is kept.", "90"),
    Setting("RETRY_SCHEDULE", "5,300,1800,7200,18000,36000,50400,72000,86400",
            parse.retry_schedule,
            "How many seconds to wait before an event that a hook did not take is sent again, for "
            "each time in turn. After the last one it is given up.", "10,60,600,3600"),
    Setting("ALLOWED_TARGETS", "", parse.networks,
            "Networks, separated by commas, that hooks may be sent to although they are not "
            "public; there http:// is allowed too. For an n8n in your own network.",
            "10.0.0.0/8,192.168.1.20/32"),
    Setting("HOOKS_PER_PAYWALL", "1000", parse.whole(1, 100_000),
            "The most hooks that one paywall may have.", "50"),
    Setting("RUN_WORKER", "true", parse.boolean,
            "Whether `connector serve` also pushes events and looks after subscriptions. Set it to "
            "false where `connector worker` runs.", "false"),
    Setting("GRACEFUL_SECONDS", "30", parse.whole(1, 600),
            "How long a stop waits for the requests that are being answered.", "60"),
)
# fmt: on


class _GivenEnv(Env):
    """environs over a given mapping; a variable that is set but blank counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self._given = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._given.get(env_key, "").strip() or default


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environ`, by default the process's. Raises ConfigError with every problem."""
    given = os.environ if environ is None else environ
    problems = [_unknown(name) for name in sorted(given) if _is_unknown(name)]
    env = _GivenEnv(given)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        parser = f"{setting.name.lower()}_setting"
        env.add_parser(parser, setting.parse)
        values[setting.name.lower()] = getattr(env, parser)(setting.variable, setting.default)
    wrong: Mapping[str, Any] = {}
    try:
        env.seal()
    except EnvValidationError as error:
        wrong = cast(Mapping[str, Any], error.error_messages)
    problems += [f"{name} {message}." for name, messages in wrong.items() for message in messages]
    # What could not be read counts as not given, so that the other complaints come in the same go.
    unread = {row.name.lower(): row.parse(row.default) for row in SETTINGS if row.variable in wrong}
    settings = Settings(**(values | unread))
    problems += [text for text in _contradictions(settings) if text.split()[0] not in wrong]
    if problems:
        raise ConfigError(problems)
    return settings


def settings_table() -> str:
    """The table of all settings in Markdown, as it stands in the README and in docs/settings.md."""
    rows = ["| variable | default | meaning | example |", "|---|---|---|---|"]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else ""
        example = setting.example if "`" in setting.example else f"`{setting.example}`"
        rows.append(f"| `{setting.variable}` | {default} | {setting.help} | {example} |")
    return "\n".join(rows)


def _is_unknown(variable: str) -> bool:
    known = {setting.variable for setting in SETTINGS}
    return (
        variable.startswith(PREFIX) and variable not in known and not _NOT_OURS.fullmatch(variable)
    )


def _unknown(variable: str) -> str:
    known = [setting.name for setting in SETTINGS]
    close = difflib.get_close_matches(variable.removeprefix(PREFIX), known, n=1, cutoff=0.7)
    advice = (
        f"did you mean {PREFIX}{close[0]}?"
        if close
        else "remove it; docs/settings.md lists all settings."
    )
    return f"{variable} is not a setting; {advice}"


def _contradictions(settings: Settings) -> list[str]:
    """What is wrong with settings that are each fine alone."""
    problems = []
    if not settings.secret_keys and not settings.private:
        problems.append(
            "CONNECTOR_SECRET_KEYS is missing, and others can reach this connector; "
            "set it and keep it safe. This one is fresh: "
            f"CONNECTOR_SECRET_KEYS={secrets.token_urlsafe(32)}"
        )
    return problems
