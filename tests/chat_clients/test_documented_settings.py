"""The settings of `docs/openai.md` for client libraries, run as they stand there: each user pays
for themselves, and for an answer that was lost once.

Only the address, the key and the user of an example are replaced; what a test asks beside it is
written behind the example, with the names that the example has made.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.chat_clients import software
from tests.support import node
from tests.support.processes import SandboxPaywall, Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chat_clients")]
PAGE = Path(__file__).resolve().parents[2] / "docs/openai.md"
SECONDS = 120
SAYS = 'You asked: "Hello"'


class Library(NamedTuple):
    """A library by the heading of its example, the environment that has it ("" for Node), and how
    it is asked once more for an answer in parts, each printed on a line."""

    heading: str
    environment: str
    streams: str


LIBRARIES = [
    Library(
        "LangChain in Python",
        "langchain",
        """
for part in model.stream("Hello", user="user_11"):
    print("part:", part.content)
""",
    ),
    Library(
        "LangChain in JavaScript",
        "",
        """
for await (const part of await model.stream("Hello")) console.log("part:", part.content);
""",
    ),
    Library(
        "Vercel AI SDK",
        "",
        """
import { streamText } from "ai";
const parts = streamText({
  model: paywalls("sandbox-chat"),
  prompt: "Hello",
  providerOptions: { paywalls: { user: "user_11" } },
  maxRetries: 0,
});
for await (const part of parts.textStream) console.log("part:", part);
""",
    ),
    Library(
        "Google ADK",
        "google_adk",
        """
from google.adk.agents.run_config import RunConfig, StreamingMode

streaming = RunConfig(streaming_mode=StreamingMode.SSE)
for event in asyncio.run(
    runner.run_debug("Hello", user_id="user_11", session_id="second", run_config=streaming)
):
    for part in event.content.parts if event.partial else ():
        print("part:", part.text)
""",
    ),
]
EACH = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.heading)


def example(heading: str) -> str:
    """The code of a section of the page."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n### {heading}\n")[2]
    found = re.search(r"^```(?:python|js)\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert found, f"no example under {heading}"
    return found[1]


def replaced(code: str, connector: Server, paywall: SandboxPaywall, user: str) -> str:
    """An example for this connector, this paywall and this user."""
    for written, meant in (
        ("http://127.0.0.1:8000", connector.address),
        ("sk-paywalls-sandbox-default", paywall.key),
        ('"user_11"', f'"{user}"'),
    ):
        assert written in code, f"the example does not name {written}"
        code = code.replace(written, meant)
    return code


def run(library: Library, code: str, folder: Path) -> str:
    """What the code prints. Raises AssertionError where it fails."""
    if library.environment:
        program, script = software.python(library.environment), folder / "example.py"
    else:
        program, script = node.BIN / "node", folder / "example.mjs"
        (folder / "node_modules").symlink_to(software.modules())
    script.write_text(code, encoding="utf-8")
    env = node.environment(
        LITELLM_LOCAL_MODEL_COST_MAP="True",  # it would ask for prices on the internet
        LANGCHAIN_TRACING_V2="false",
        PYTHONUTF8="1",
        NO_PROXY="127.0.0.1",
    )
    return node.run([program, script], folder, seconds=SECONDS, env=env)


@EACH
@pytest.mark.parametrize("user", ["ann", "josé"])
def test_an_answer_whole_and_in_parts_is_paid_by_the_user_named(
    library: Library, user: str, connector: Server, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    paywall.user(user, balance="10")
    code = replaced(example(library.heading) + library.streams, connector, paywall, user)
    told = run(library, code, tmp_path)
    assert SAYS in told
    parts = re.findall(r"^part: (.*)$", told, re.MULTILINE)
    assert "".join(parts).startswith("You asked:")
    assert len(parts) > 2
    assert [row["user"] for row in paywall.asked("chat")] == [user, user]
    assert len(paywall.booked("charge")) == 2


@EACH
def test_a_user_who_cannot_pay_reads_the_link(
    library: Library, connector: Server, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    paywall.user("poor", balance="0")
    code = replaced(example(library.heading), connector, paywall, "poor")
    assert "/checkout/" in run(library, code, tmp_path)
    assert paywall.booked("charge") == []


@EACH
@pytest.mark.parametrize("kind", ["drop_after_commit", "http_500"])
def test_a_lost_answer_is_asked_for_once(
    library: Library, kind: str, connector: Server, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    paywall.user("ann", balance="10")
    paywall.arm("chat", kind, times=9)
    code = replaced(example(library.heading), connector, paywall, "ann")
    with pytest.raises(AssertionError, match=r"Error"):
        run(library, code, tmp_path)
    assert len(paywall.asked("chat")) == 1


def test_a_langchain_model_of_one_user_names_that_user(
    connector: Server, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    """As an agent needs it, which calls the model by itself."""
    (library,) = [one for one in LIBRARIES if one.environment == "langchain"]
    paywall.user("bea", balance="10")
    code = example(library.heading).replace(', user="user_11")', ")")
    setting = 'model_kwargs={"user": "user_11"}'
    assert setting in PAGE.read_text(encoding="utf-8")
    code = code.replace("max_retries=0,", f"max_retries=0, {setting},")
    assert SAYS in run(library, replaced(code, connector, paywall, "bea"), tmp_path)
    assert [row["user"] for row in paywall.asked("chat")] == ["bea"]
