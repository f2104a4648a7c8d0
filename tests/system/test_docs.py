"""The docs tell the truth: generated pages are current, commands work, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from connector import actions as actions_folder
from connector.catalog.actions import actions
from connector.config.settings import SETTINGS
from connector.errors import ConnectorError
from connector.specs import build
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
TOP = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
PAGES = tuple(
    sorted(
        [
            *TOP,
            *(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
            "zapier_spec/README.md",
            "n8n_nodes_spec/README.md",
        ]
    )
)
WITH_COMMANDS = (
    "README.md",
    "docs/actions.md",
    "docs/errors.md",
    "docs/exactly-once.md",
    "docs/features.md",
    "docs/long-chats.md",
    "docs/mcp.md",
    "docs/openai.md",
    "docs/paid.md",
    "docs/sandbox.md",
    "docs/tokens.md",
    "docs/triggers.md",
)
CURL_SECONDS = 30

actions_folder.load()


class Command(NamedTuple):
    """A curl line of a page, the word that its page says comes out ("" where it says none), and
    what else the answer must hold."""

    line: str
    expected: str = ""
    holds: tuple[str, ...] = ()


class Ports(NamedTuple):
    connector: int
    sandbox: int


@pytest.fixture(scope="module")
def demo() -> Iterator[Ports]:
    """The demo after its tour, on free ports."""
    ports = Ports(free_port(), free_port())
    options = ["--port", str(ports.connector), "--sandbox-port", str(ports.sandbox)]
    process = subprocess.Popen(
        [sys.executable, "-m", "connector", "demo", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            said = []
            for line in process.stdout or ():
                said.append(line)
                if "Now it is yours" in line:
                    break
            else:
                pytest.fail("The demo did not come up:\n" + "".join(said))
            yield ports
        finally:
            process.terminate()
            process.communicate(timeout=30)


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def commands_of(page: str) -> list[Command]:
    """The curl lines of a page's sh blocks, each with the word behind the arrow below it."""
    match: list[Command] = []
    for block in re.findall(r"^```sh\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("curl "):
                match.append(Command(line))
            elif line.startswith("# → "):
                word = line.removeprefix("# → a list with ").removeprefix("# → ")
                holds = tuple(re.findall(r'"\w+":\w+', line))
                match[-1] = Command(match[-1].line, re.split(r"[ :]", word)[0], holds)
    return match


def run_curl(line: str, ports: Ports) -> str:
    """What a curl line prints, with the demo's own ports in place of the usual ones."""
    line = line.replace("127.0.0.1:8000", f"127.0.0.1:{ports.connector}")
    line = line.replace("127.0.0.1:8001", f"127.0.0.1:{ports.sandbox}")
    command = ["curl", "-sS", "--noproxy", "*", "--max-time", str(CURL_SECONDS)]
    done = subprocess.run(
        command + shlex.split(line)[1:], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def outcome_of(printed: str) -> str:
    """The outcome or error code of an answer of the connector, "" for any other answer."""
    try:
        answer: Any = json.loads(printed)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    return str(answer.get("outcome") or answer.get("code") or "")


def headings_of(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    titles = re.findall(r"^#{1,6} (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def errors_with_code() -> set[tuple[int, str]]:
    result, waiting = {(ConnectorError.status, ConnectorError.code)}, [ConnectorError]
    while waiting:
        kind = waiting.pop()
        if "code" in kind.__dict__:
            result.add((kind.status, kind.code))
        waiting.extend(kind.__subclasses__())
    return result


def test_generated_files_are_current() -> None:
    assert build.stale(ROOT) == []


def test_build_writes_what_is_missing_and_leaves_what_is_current(tmp_path: Path) -> None:
    names = list(build.files())
    assert build.stale(tmp_path) == names
    assert build.write(tmp_path) == [tmp_path / name for name in names]
    assert build.write(tmp_path) == []
    (tmp_path / names[0]).write_text("old")
    assert build.stale(tmp_path) == names[:1]


@pytest.mark.xdist_group("docs-demo")
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_curl_line_gives_what_its_page_says(page: str, demo: Ports) -> None:
    commands = commands_of(page)
    assert commands
    for command in commands:
        printed = run_curl(command.line, demo)
        shown = f"{command.line}\n{printed}"
        if command.expected:
            result = outcome_of(printed)
            assert command.expected == result or (not result and command.expected in printed), shown
            assert all(part in printed for part in command.holds), shown
        else:
            known = {outcome for action in actions() for outcome in action.outcomes}
            assert outcome_of(printed) in known or printed.startswith('[{"id":'), shown


def test_every_curl_line_of_the_readme_says_what_comes_out() -> None:
    assert [c.line for c in commands_of("README.md") if not c.expected] == []


@pytest.mark.parametrize("page", sorted(set(PAGES) - set(WITH_COMMANDS)))
def test_pages_with_curl_lines_are_all_tried(page: str) -> None:
    assert commands_of(page) == []


@pytest.mark.parametrize("key", [action.key for action in actions()])
def test_the_readme_shows_every_action_with_a_command(key: str) -> None:
    action = next(action for action in actions() if action.key == key)
    assert f"**{action.label}**" in text_of("README.md")
    assert any(re.search(rf"/v1{action.path}\b", c.line) for c in commands_of("README.md"))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    without_code = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{target} does not exist"
        if anchor and file.suffix == ".md":
            assert anchor in headings_of(file), f"{target} has no such heading"


def test_every_error_code_is_documented_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text_of("docs/errors.md"), re.MULTILINE)
    assert {(int(status), code) for status, code in rows} == errors_with_code()
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: Any) -> None:
    assert f"| `{setting.variable}` |" in text_of("README.md")
    assert f"| `{setting.variable}` |" in text_of("docs/settings.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_a_page_names_exists(page: str) -> None:
    known = {setting.variable for setting in SETTINGS} | {"CONNECTOR_TEST_POSTGRES_URL"}
    assert set(re.findall(r"(?<![A-Z_])CONNECTOR_[A-Z_]*[A-Z]", text_of(page))) <= known


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_path_of_somebodys_machine(page: str) -> None:
    match = re.findall(r"(?<![\w.])/(?:work|home|root|Users|tmp|mnt)/\S*", text_of(page))
    assert match == []


def test_the_picture_is_an_image_of_its_own() -> None:
    picture = text_of("docs/flow.svg")
    assert picture.startswith("<svg ")
    assert "<title" in picture
    assert not re.search(r"<script|(?:href|src)=", picture)
