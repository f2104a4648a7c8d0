"""An address that cannot be had is told in one sentence, before anything is begun."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connector.serving.listening import CannotListen, refuse_taken


def test_a_free_port_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    refuse_taken(f"127.0.0.1:{port}")
    refuse_taken("[::1]:0")


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ("no.such.host.invalid:8000", "no address called “no.such.host.invalid”"),
        ("192.0.2.7:8000", "does not have the address 192.0.2.7:8000"),
    ],
)
def test_an_address_that_is_not_there(listen: str, says: str) -> None:
    with pytest.raises(CannotListen, match=says):
        refuse_taken(listen)


def test_serve_on_a_taken_port_says_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "connector", "serve"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "CONNECTOR_LISTEN": address},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 2
    assert ended.stderr == (
        f"Another program listens at {address} already. Stop it, or set CONNECTOR_LISTEN to "
        "another port.\n"
    )
