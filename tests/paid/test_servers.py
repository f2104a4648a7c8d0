"""Servers made with `mcp` 2.x and `fastmcp` 4.x whose tools have a price, over Streamable HTTP with
Bearer tokens, before a real connector. The file is copied beside each: there is no connector."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.mcp import software
from tests.mcp.agent import NEWER, OLDER
from tests.paid.conftest import FILE, PRICE, Seller, seller_at
from tests.support import node, python_environment
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, Server, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("paid")]
SERVERS = Path(__file__).parent / "servers"
EXAMPLE = FILE.parents[1] / "docs/examples/paid_server.py"
LIBRARIES = ("mcp", "fastmcp")
TOOLS = pytest.mark.parametrize("tool", ["count", "count_sync", "look", "look_sync"])
_META = "io.modelcontextprotocol/"


def python_of(library: str) -> Path:
    """A Python that has one of the libraries, and httpx."""
    return python_environment.installed(f"server-{library}", SERVERS / f"{library}.lock")


@dataclass(frozen=True)
class ToolServer:
    """A running server with paid tools, and who sells them."""

    library: str
    address: str
    seller: Seller
    process: subprocess.Popen[bytes]
    user: str = "ann"

    @property
    def balance(self) -> Decimal:
        """What its user has left."""
        return self.seller.paywall.balance(self.user)

    def ask(self, method: str, header: str = "", run: str = "", **params: Any) -> httpx.Response:
        """The answer to a request. The run id goes into `_meta`, or as a header."""
        meta = {f"{_META}protocolVersion": NEWER, f"{_META}clientCapabilities": {}}
        params["_meta"] = meta | ({"paywalls/run-id": run} if run else {})
        headers = {
            "Authorization": f"Bearer of-{self.user}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": NEWER,
            "Mcp-Method": method,
        }
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
        if header:
            headers["X-Run-Id"] = header
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(
            f"{self.address}/mcp", json=body, headers=headers, trust_env=False, timeout=PATIENCE
        )

    def call(self, tool: str, run: str = "", header: str = "", **arguments: Any) -> dict[str, Any]:
        """The result of a tool."""
        answer = self.ask("tools/call", header=header, run=run, name=tool, arguments=arguments)
        result: dict[str, Any] = answer.raise_for_status().json()["result"]
        return result

    def said(self, tool: str, **sent: Any) -> str:
        """What a model reads of a tool that gives no result."""
        result = self.call(tool, **sent)
        assert result["isError"] is True
        (content,) = result["content"]
        return str(content["text"]).removeprefix(f"Error executing tool {tool}: ")

    def value(self, tool: str, **sent: Any) -> Any:
        """The value of a tool that gives one."""
        result = self.call(tool, **sent)
        assert result["isError"] is False, result
        return result["structuredContent"]["result"]

    @property
    def runs(self) -> int:
        """How often its tools ran."""
        return int(self.value("counted"))


@contextlib.contextmanager
def running(library: str, script: Path, seller: Seller, folder: Path) -> Iterator[ToolServer]:
    """The server in `script`, with the file beside it and nothing else of this project."""
    for file in (script, FILE):
        shutil.copy(file, folder)
    port = free_port()
    settings = {
        "PORT": str(port),
        "PAYWALLS_CONNECTOR_URL": seller.connector.address,
        "PAYWALLS_CONNECTOR_TOKEN": seller.token,
        "NO_PROXY": "*",
    }
    address = f"http://127.0.0.1:{port}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python_of(library), script.name],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)} | settings,
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: _listens(process, address, folder / "server.log"))
        yield ToolServer(library, address, seller, process)
    finally:
        process.kill()
        process.wait()


def _listens(process: subprocess.Popen[bytes], address: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        httpx.get(address, trust_env=False)
    except httpx.TransportError:
        return False
    return True


@pytest.fixture(scope="module")
def sellers(connector: Server, sandbox_server: Server) -> Iterator[Seller]:
    """Who sells the tools of the servers that tests share."""
    seller = seller_at(connector, sandbox_server)
    yield seller
    seller.paywall.close()


@pytest.fixture(scope="module", params=LIBRARIES)
def shared_server(
    request: pytest.FixtureRequest, sellers: Seller, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ToolServer]:
    """A server of each library."""
    script = SERVERS / f"{request.param}_server.py"
    with running(request.param, script, sellers, tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def server(shared_server: ToolServer) -> ToolServer:
    """The same, called by a new user who has 5; `poor` has nothing."""
    user = f"user-{secrets.token_hex(4)}"
    shared_server.seller.paywall.user(user, balance="5")
    return replace(shared_server, user=user)


@TOOLS
def test_a_tool_is_paid_by_whom_the_server_has_authenticated(server: ToolServer, tool: str) -> None:
    assert server.value(tool, text="one two") == 2
    assert server.value(tool, text="one two", user="poor") == 2  # an argument names nobody
    assert server.balance == Decimal("4.50")


@TOOLS
def test_a_tool_does_not_run_for_who_cannot_pay_or_is_nobody(server: ToolServer, tool: str) -> None:
    runs = server.runs
    assert "/checkout/" in replace(server, user="poor").said(tool, text="one")
    assert "Nobody is signed in" in replace(server, user="").said(tool, text="one")
    assert server.runs == runs


def test_a_model_reads_the_paywalls_own_words(server: ToolServer) -> None:
    server.seller.paywall.settings(refusal_wording="Oh no! Pay at {link} first.")
    said = replace(server, user="poor").said("count", text="one")
    assert said.startswith("Oh no! Pay at http")
    assert said.endswith(" first.")


@TOOLS
def test_a_tool_that_fails_says_what_became_of_the_price(server: ToolServer, tool: str) -> None:
    end = "Nothing was charged." if tool.startswith("look") else "The price was given back."
    assert server.said(tool, text="") == f"There is no word in this text. {end}"
    assert server.said(tool, text="crash") == f"The tool failed. {end}"
    assert server.balance == Decimal(5)


@TOOLS
@pytest.mark.parametrize("where", ["run", "header"])
def test_a_run_of_a_client_is_charged_and_answered_once(
    server: ToolServer, tool: str, where: str
) -> None:
    server.seller.paywall.user("ben", balance="1")
    runs, run = server.runs, {where: f"run-{secrets.token_hex(4)}"}
    assert server.value(tool, text="one two", **run) == 2
    assert server.value(tool, text="one two", **run) == 2
    assert "used for another call" in server.said(tool, text="one", **run)
    assert replace(server, user="ben").value(tool, text="one", **run) == 1
    assert server.runs == runs + 2
    assert server.balance == Decimal("4.75")
    assert server.seller.paywall.balance("ben") == Decimal("0.75")


@pytest.mark.parametrize("tool", ["count", "count_sync"])
def test_parallel_calls_of_a_run_are_charged_and_run_once(server: ToolServer, tool: str) -> None:
    paywall, runs = server.seller.paywall, server.runs
    paywall.arm("charge", "hold", seconds=30)
    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(server.value, tool, run="run-1", text="one two") for _ in range(10)]
        until(paywall.release)
        assert [one.result(PATIENCE) for one in calls] == [2] * 10
    assert (server.runs, server.balance) == (runs + 1, Decimal("4.75"))


def test_the_schemas_are_those_of_the_tool_itself(server: ToolServer) -> None:
    tools = {one["name"]: one for one in server.ask("tools/list").json()["result"]["tools"]}
    free, paid = json.dumps(tools["shape_free"]), json.dumps(tools["shape_paid"])
    assert "How often" in free
    assert paid.replace("shape_paid", "shape_free").replace("Shape Paid", "Shape Free") == free
    assert set(tools["count"]["inputSchema"]["properties"]) == {"text", "user"}
    assert tools["count"]["description"] == "Count the words."


def test_arguments_of_a_model_are_compared_by_what_they_hold(server: ToolServer) -> None:
    """In `mcp` this tool has no Context, so each call is a run of its own."""
    page = {"number": 7, "words": ["a"]}
    for _ in range(2):
        assert server.value("shape_paid", run="run-2", page=page, times=2) == [page, page]
    assert server.balance == Decimal("4.75" if server.library == "fastmcp" else "4.50")


def test_a_client_that_cancels_gets_the_price_back(server: ToolServer) -> None:
    """Over the older wire, whose clients say that they do not wait any longer."""
    headers = {
        "Authorization": f"Bearer of-{server.user}",
        "Accept": "application/json, text/event-stream",
    }
    with httpx.Client(
        base_url=server.address, headers=headers, trust_env=False, timeout=PATIENCE
    ) as http:

        def post(message: dict[str, Any]) -> httpx.Response:
            return http.post("/mcp", json={"jsonrpc": "2.0"} | message)

        about = {"name": "test", "version": "1"}
        hello = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": about}
        greeted = post({"id": 1, "method": "initialize", "params": hello}).raise_for_status()
        http.headers["Mcp-Session-Id"] = greeted.headers["Mcp-Session-Id"]
        http.headers["MCP-Protocol-Version"] = OLDER
        post({"method": "notifications/initialized"}).raise_for_status()
        asked = {"name": "count", "arguments": {"text": "forever"}}
        with ThreadPoolExecutor(1) as pool:
            pool.submit(post, {"id": 2, "method": "tools/call", "params": asked})
            until(lambda: server.balance == Decimal("4.75"))
            post({"method": "notifications/cancelled", "params": {"requestId": 2}})
            until(lambda: server.balance == Decimal(5))


def test_nobody_pays_for_who_takes_over_their_session(server: ToolServer) -> None:
    """Over the older wire, which has sessions: the token of each request counts."""
    mine = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": OLDER}

    def post(user: str, message: dict[str, Any]) -> httpx.Response:
        headers = mine | {"Authorization": f"Bearer of-{user}"}
        body = {"jsonrpc": "2.0"} | message
        return httpx.post(f"{server.address}/mcp", json=body, headers=headers, trust_env=False)

    about = {"name": "test", "version": "1"}
    hello = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": about}
    greeted = post(server.user, {"id": 1, "method": "initialize", "params": hello})
    mine["Mcp-Session-Id"] = greeted.headers["Mcp-Session-Id"]
    post(server.user, {"method": "notifications/initialized"}).raise_for_status()
    asked = {"id": 2, "method": "tools/call"}
    called = asked | {"params": {"name": "count", "arguments": {"text": "one"}}}
    assert post("poor", called).status_code == 404
    assert server.balance == Decimal(5)
    assert post(server.user, called).status_code == 200
    assert server.balance == Decimal("4.75")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_server_that_is_stopped_gives_the_price_back(
    library: str, seller: Seller, tmp_path: Path
) -> None:
    script = SERVERS / f"{library}_server.py"
    with ThreadPoolExecutor(1) as pool, running(library, script, seller, tmp_path) as server:
        call = pool.submit(server.ask, "tools/call", name="count", arguments={"text": "forever"})
        until(lambda: seller.charged == [PRICE])
        server.process.send_signal(signal.SIGINT)
        until(lambda: "Shutting down" in (tmp_path / "server.log").read_text())
        server.process.send_signal(signal.SIGINT)  # and now it waits no longer for its calls
        server.process.wait(PATIENCE)
        call.exception(PATIENCE)
    assert seller.given_back == [PRICE]


def test_in_mcp_a_tool_without_a_context_does_not_see_run_ids(
    seller: Seller, tmp_path: Path
) -> None:
    with running("mcp", SERVERS / "mcp_server.py", seller, tmp_path) as server:
        for _ in range(2):
            server.value("no_context", run="run-1", header="run-1", text="one")
    assert seller.charged == [PRICE] * 2


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_decorators_in_the_wrong_order_are_refused(library: str, tmp_path: Path) -> None:
    for file in (SERVERS / "wrong_order.py", FILE):
        shutil.copy(file, tmp_path)
    python = python_of(library)
    said = node.run([python, "wrong_order.py", library], tmp_path)
    assert said == "Write @paid(…) below @server.tool(), directly above the function."


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_sdk_of_a_client_takes_results_and_refusals(
    seller: Seller, tmp_path: Path, mode: str
) -> None:
    """It checks what it is told against the tool's own schema. The server is the example."""
    with running("mcp", EXAMPLE, seller, tmp_path) as server:

        def client(token: str, tool: str, **arguments: Any) -> dict[str, Any]:
            script = software.CLIENTS / "sdk2.py"
            words = [f"{server.address}/mcp", tool, json.dumps(arguments), mode]
            env = node.environment(MCP_KEY=token)
            command = [str(software.python(2)), str(script), *words]
            told: dict[str, Any] = json.loads(node.run(command, tmp_path, env=env))
            return told

        counted = client("secret-of-ann", "count_words", text="one two three")
        assert (counted["failed"], counted["structured"]) == (False, {"result": 3})
        looked = client("secret-of-ann", "look_up", word="four")
        assert (looked["failed"], looked["text"]) == (False, "four has 4 letters.")
        failed = client("secret-of-ann", "count_words", text=" ")
        assert failed["failed"] is True
        assert "no word in this text. The price was given back." in failed["text"]
        refused = client("secret-of-ben", "count_words", text="one")
        assert refused["failed"] is True
        assert "/checkout/" in refused["text"]
    assert seller.paywall.balance("ann") == Decimal("4.5")
