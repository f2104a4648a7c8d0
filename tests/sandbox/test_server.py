"""The sandbox as a server of its own."""

import subprocess
import sys
import threading

import httpx
import pytest

from connector.sandbox import serve
from connector.sandbox.__main__ import main
from connector.sandbox.server import NotLoopbackError


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_only_loopback_unless_forced(host: str) -> None:
    with pytest.raises(NotLoopbackError, match="this machine only"):
        serve(host=host, port=0)


def test_command_line_says_why_it_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "192.0.2.1"]) == 2
    assert "loopback" in capsys.readouterr().err


def test_links_are_made_from_the_address_that_was_called(live: httpx.Client) -> None:
    url = live.get("/v1/user/balance/topup?user=ann").json()["url"]
    assert url.startswith(f"http://127.0.0.1:{live.base_url.port}/checkout/")


def test_connections_are_kept_alive(live: httpx.Client) -> None:
    answer = live.get("/v1/models")
    assert answer.headers["Connection"].lower() == "keep-alive"


def test_slow_answers_do_not_hold_up_the_others(live: httpx.Client) -> None:
    fault = {"operation": "models", "kind": "slow", "seconds": 0.3, "times": 30}
    live.post("/_sandbox/faults", json=fault)
    slow = [threading.Thread(target=live.get, args=("/v1/models",)) for _ in range(30)]
    for thread in slow:
        thread.start()
    assert live.get("/v1/user/balance?user=ann").elapsed.total_seconds() < 0.25
    for thread in slow:
        thread.join()


def test_module_runs_and_helps() -> None:
    command = [sys.executable, "-m", "connector.sandbox", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "--retry-base" in shown.stdout
