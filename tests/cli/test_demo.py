"""The demo's tour, under each name of the vendor."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector.brands import BRANDS
from connector.cli.commands import main
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


def _at(port: int, sandbox_port: int) -> list[str]:
    return ["--port", str(port), "--sandbox-port", str(sandbox_port)]


@pytest.mark.parametrize("brand", BRANDS)
def test_the_tour_passes_under_each_name(brand: str) -> None:
    port, sandbox_port = free_port(), free_port()
    options = ["--once", "--brand", brand, *_at(port, sandbox_port)]
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


def test_the_readme_shows_the_real_tour() -> None:
    port, sandbox_port = free_port(), free_port()
    done = subprocess.run(
        [sys.executable, "-m", "connector", "demo", "--once", *_at(port, sandbox_port)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    real = [re.split(r"\s{2,}", line) for line in done.stdout.splitlines() if line[:1] == "✓"]
    told = [
        re.sub(r"/cs_\S+", "/cs_…", answer).replace(f":{sandbox_port}", ":8001")
        for *_, answer in real
    ]
    readme = (ROOT / "README.md").read_text()
    shown = [re.split(r"\s{2,}", line) for line in readme.splitlines() if line[:1] == "✓"]
    assert [row[0] for row in shown] == [row[0] for row in real]
    assert [answer for *_, answer in shown] == told


@pytest.mark.parametrize("command", [[], ["ledger"]])
def test_help_texts_are_whole(command: list[str]) -> None:
    shown = CliRunner().invoke(main, [*command, "--help"]).output
    assert re.search(r"[a-z]\.\.\.", shown) is None
    assert "Commands:" in shown
