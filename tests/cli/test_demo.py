"""The demo's tour, under each name of the vendor."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from connector.brands import BRANDS


def _free_ports() -> list[str]:
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in (one, two)]


@pytest.mark.parametrize("brand", BRANDS)
def test_the_tour_passes_under_each_name(brand: str) -> None:
    port, sandbox_port = _free_ports()
    options = ["--once", "--brand", brand, "--port", port, "--sandbox-port", sandbox_port]
    done = subprocess.run(
        [sys.executable, "-m", "connector", "demo", *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Sandbox of the {BRANDS[brand].title} API" in done.stdout
    assert "Everything works." in done.stdout
    assert "✗" not in done.stdout
