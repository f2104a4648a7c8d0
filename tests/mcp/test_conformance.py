"""The official conformance suite, at a running connector: `docs/mcp.md` publishes what it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.mcp import software
from tests.mcp.keyed_proxy import keyed_proxy
from tests.support import node
from tests.support.processes import SandboxPaywall, Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mcp")]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "mcp.md"
VERSIONS = ("2025-11-25", "2026-07-28")
_LINE = re.compile(r"^[✓✗] ([a-z0-9-]+): (\d+) passed, (\d+) failed", re.M)


def published() -> dict[str, list[str]]:
    """The page's table: what it says of each scenario, in the two versions, and why."""
    text = PAGE.read_text(encoding="utf-8").partition("## Conformance")[2]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \| (.*?) \| ?(.*?) ?\|$", text, re.M)
    return {scenario: cells for scenario, *cells in rows}


def suite(address: str, version: str) -> dict[str, str]:
    """What the suite says of each scenario, as the page tells it."""
    command = [*software.program("conformance"), "server", "--url", f"{address}/mcp"]
    done = subprocess.run(
        [*command, "--requirements", version],
        env=node.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,  # it fails for every scenario that does not apply
        text=True,
        timeout=400,
    )
    lines = _LINE.findall(done.stdout)
    assert lines, done.stdout + done.stderr
    return {scenario: _told(int(passed), int(failed)) for scenario, passed, failed in lines}


def _told(passed: int, failed: int) -> str:
    if failed:
        return f"{passed} of {passed + failed}"
    return "passes" if passed else "nothing to check"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_says_what_the_suite_says(
    connector: Server, paywall: SandboxPaywall, version: str
) -> None:
    with keyed_proxy(connector.address, paywall.key) as address:
        told = suite(address, version)
    place = VERSIONS.index(version)
    assert told == {
        scenario: cells[place] for scenario, cells in published().items() if cells[place] != "–"
    }


def test_what_does_not_pass_has_its_reason() -> None:
    table = published()
    assert len(table) > 50
    for scenario, (older, newer, why) in table.items():
        assert bool(why) is not ({older, newer} <= {"passes", "–"}), scenario


@pytest.mark.parametrize(
    "scenario", ["tools-list", "dns-rebinding-protection", "http-header-validation"]
)
def test_what_is_about_tools_passes(scenario: str) -> None:
    assert set(published()[scenario][:2]) <= {"passes", "–"}
