"""A sandbox in this process, one behind a real socket, and clients whose answers are checked."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from flask import Flask

from connector.sandbox import create_sandbox

from . import openapi
from .receiver import Receiver, running_receiver

DEFAULT_KEY = "sk-paywalls-sandbox-default"
SHARED_KEY = "sk-paywalls-sandbox-shared"

ClientFor = Callable[[str], httpx.Client]


@pytest.fixture(scope="session")
def shared_app() -> Flask:
    """Return one application for all tests: making one takes longer than most tests."""
    return create_sandbox(retry_base=0.02)


@pytest.fixture
def app(shared_app: Flask) -> Flask:
    """Return the sandbox without any paywalls in it."""
    world = shared_app.extensions["sandbox"]
    for paywall in list(world.paywalls.values()):
        world.reset(paywall)
    return shared_app


@pytest.fixture
def client_for(app: Flask) -> Iterator[ClientFor]:
    """Make clients of the in-process sandbox by key; answers are checked by the contract."""
    made: list[httpx.Client] = []

    def make(key: str) -> httpx.Client:
        client = httpx.Client(
            transport=httpx.WSGITransport(app=app),
            base_url="http://sandbox.test",
            headers={"Authorization": f"Bearer {key}"},
            event_hooks={"response": [openapi.check_answer]},
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(client_for: ClientFor) -> httpx.Client:
    """Return a client of the Default mode paywall."""
    return client_for(DEFAULT_KEY)


@pytest.fixture
def shared(client_for: ClientFor) -> httpx.Client:
    """Return a client of the Shared mode paywall."""
    return client_for(SHARED_KEY)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Run the sandbox as its own process and return its address, without `/v1`."""
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0", "--retry-base", "0.02"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split()[-1].removesuffix("/v1")
        finally:
            process.terminate()


@pytest.fixture
def live(server_url: str) -> Iterator[httpx.Client]:
    """Return a client over a real socket; each test has the paywall `live` to itself."""
    headers = {"Authorization": "Bearer sk-paywalls-sandbox-live"}
    hooks = {"response": [openapi.check_answer]}
    with httpx.Client(base_url=server_url, headers=headers, event_hooks=hooks) as client:
        client.post("/_sandbox/reset")
        yield client
