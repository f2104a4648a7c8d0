"""The servers that are measured, each as it is really run: one worker, on the core given to it."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from bench.calls import KEY
from bench.processes import Server, free_port, serving

_HERE = Path(__file__).parent
_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


@dataclass(frozen=True)
class Bench:
    """What all measurements share: cores, how long to look, folders, the stub's port, the peers'
    programs."""

    server_core: int
    load_core: int
    quick: bool
    folder: Path
    stub: int
    fastapi: Path
    fastmcp: Path
    litellm: Path | None

    @property
    def rounds(self) -> int:
        """How often the contestants take turns."""
        return 1 if self.quick else 5

    @property
    def seconds(self) -> float:
        """How long a turn takes."""
        return 0.7 if self.quick else 3.0

    def many(self, count: int) -> int:
        """So many rows, hooks or calls; a hundredth of them where it has to be quick."""
        return count // 100 if self.quick else count

    @property
    def upstream(self) -> str:
        return f"http://127.0.0.1:{self.stub}/v1"


@contextlib.contextmanager
def stub(core: int, folder: Path) -> Iterator[int]:
    """The stand-in for the billing API; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.stub", str(port)]
    ready = "/v1/models"
    with serving("stub", command, port=port, core=core, log=folder / "stub.log", ready=ready):
        yield port


def connector(
    bench: Bench,
    name: str = "connector",
    *,
    database: str = "",
    public: bool = False,
    code: Path | None = None,
    **settings: str,
) -> AbstractContextManager[Server]:
    """`connector serve` with its defaults, but no rate limit and only warnings logged; settings
    by their names in lower case. The default database is SQLite on the disk of this folder;
    `public`: upstream is told this address for events; `code`: another folder with a connector."""
    port = free_port()
    file = bench.folder / f"{name}-{secrets.token_hex(3)}.sqlite3"
    given = {
        "upstream_url": bench.upstream,
        "database_url": database or f"sqlite:///{file}",
        "secret_keys": secrets.token_hex(32),
        "listen": f"127.0.0.1:{port}",
        "rate_limit": "off",
        "log_level": "warning",
        **({"public_url": f"http://127.0.0.1:{port}"} if public else {}),
        **settings,
    }
    return serving(
        name,
        [sys.executable, "-m", "connector", "serve"],
        port=port,
        core=bench.server_core,
        log=bench.folder / f"{name}.log",
        settings={f"CONNECTOR_{key.upper()}": value for key, value in given.items()},
        ready="/readyz",
        folder=code,
    )


def fastapi(
    bench: Bench, module: str = "fastapi_passthrough", *, access_log: bool = False
) -> AbstractContextManager[Server]:
    """The pass-through in FastAPI on uvicorn with uvloop and httptools."""
    return _uvicorn(bench, bench.fastapi, module, ready="/openapi.json", access_log=access_log)


def fastmcp(bench: Bench) -> AbstractContextManager[Server]:
    """The tool in FastMCP, on uvicorn as the FastAPI peer is."""
    return _uvicorn(bench, bench.fastmcp, "fastmcp_tools", ready="/mcp")


def _uvicorn(
    bench: Bench, bin_folder: Path, module: str, *, ready: str, access_log: bool = False
) -> AbstractContextManager[Server]:
    port = free_port()
    return serving(
        module,
        [
            *(str(bin_folder / "uvicorn"), f"{module}:app"),
            *("--app-dir", str(_HERE / "peers"), "--port", str(port)),
            *("--loop", "uvloop", "--http", "httptools"),
            *(() if access_log else ("--no-access-log", "--log-level", "warning")),
        ],
        port=port,
        core=bench.server_core,
        log=bench.folder / f"{module}.log",
        settings={"BENCH_UPSTREAM_URL": bench.upstream, "FASTMCP_CHECK_FOR_UPDATES": "off"},
        ready=ready,
    )


def litellm(bench: Bench, bin_folder: Path) -> AbstractContextManager[Server]:
    """LiteLLM's proxy with one worker."""
    port = free_port()
    return serving(
        "litellm",
        [
            *(str(bin_folder / "litellm"), "--config", str(_HERE / "peers/litellm.yaml")),
            *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
        ],
        port=port,
        core=bench.server_core,
        log=bench.folder / "litellm.log",
        settings={
            "BENCH_UPSTREAM_URL": bench.upstream,
            "BENCH_KEY": KEY,
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # the other one comes from the internet
        },
        ready="/health/liveliness",
    )


@dataclass(frozen=True)
class Running:
    """The servers that take turns in most rows; idle ones take next to no CPU."""

    ours: Server
    ours_logging: Server
    ours_postgres: Server | None
    peer: Server
    peer_logging: Server
    peer_aiohttp: Server


@contextlib.contextmanager
def running(bench: Bench) -> Iterator[Running]:
    """All of them, for as long as the block runs."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres_database())
        yield Running(
            ours=stack.enter_context(connector(bench)),
            ours_logging=stack.enter_context(
                connector(bench, "connector-logging", log_level="info")
            ),
            ours_postgres=stack.enter_context(
                connector(bench, "connector-postgresql", database=database)
            )
            if database
            else None,
            peer=stack.enter_context(fastapi(bench)),
            peer_logging=stack.enter_context(fastapi(bench, access_log=True)),
            peer_aiohttp=stack.enter_context(fastapi(bench, "fastapi_aiohttp")),
        )


@contextlib.contextmanager
def postgres_database() -> Iterator[str]:
    """The address of an empty PostgreSQL database that lives as long as the block, or "" where no
    server answers at CONNECTOR_TEST_POSTGRES_URL or on this machine."""
    url = make_url(os.environ.get("CONNECTOR_TEST_POSTGRES_URL") or _POSTGRES)
    server = create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 3},
    )
    name = f"connector_bench_{secrets.token_hex(6)}"
    try:
        with server.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except SQLAlchemyError:
        yield ""
        return
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        server.dispose()
