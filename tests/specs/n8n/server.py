"""A real n8n without a screen, used as its own editor uses it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.specs.n8n import software
from tests.specs.n8n.executions import Execution, unflattened
from tests.support import node
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, until

Json = dict[str, Any]
START_PATIENCE = 180.0
WAITING = "waiting"
SECRET_HEADER, SECRET = "X-Webhook-Secret", "only-for-tests"
OWNER = {"email": "owner@example.com", "password": "Sandbox-only-1", "firstName": "A"}


class N8n:
    """A running n8n: `address` is its URL, `folder` holds all that it keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = [free_port() for _ in range(2)]
        self.address = f"http://127.0.0.1:{self._ports[0]}"
        self._program = [str(node.BIN / "node"), str(software.n8n() / "node_modules/n8n/bin/n8n")]
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=self.address, trust_env=False, timeout=PATIENCE)
        self._starts = 0

    @property
    def _environment(self) -> dict[str, str]:
        return node.environment(
            N8N_USER_FOLDER=str(self.folder),
            N8N_ENCRYPTION_KEY="only-for-tests",
            N8N_LISTEN_ADDRESS="127.0.0.1",
            N8N_PORT=str(self._ports[0]),
            N8N_RUNNERS_BROKER_PORT=str(self._ports[1]),
            N8N_WEBHOOK_URL=self.address,
            WEBHOOK_URL=self.address,
            N8N_DIAGNOSTICS_ENABLED="false",
            N8N_VERSION_NOTIFICATIONS_ENABLED="false",
            N8N_TEMPLATES_ENABLED="false",
            N8N_PERSONALIZATION_ENABLED="false",
            N8N_SECURE_COOKIE="false",
            N8N_LOG_LEVEL="warn",
            NO_PROXY="127.0.0.1",
        )

    def install(self, package: Path) -> None:
        """Install a packed package by hand, as its README says."""
        nodes = self.folder / ".n8n/nodes"
        nodes.mkdir(parents=True)
        quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--offline"]
        command = [*node.NPM, "install", "--omit=peer", "--ignore-scripts", *quiet]
        node.run([*command, package], nodes)

    def command(self, *arguments: str | Path) -> str:
        """What one of n8n's own commands prints."""
        return node.run([*self._program, *arguments], self.folder, env=self._environment)

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._starts += 1
        with (self.folder / f"n8n-{self._starts}.out").open("wb") as output:
            self._process = subprocess.Popen(
                [*self._program, "start"],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._answers, START_PATIENCE)

    def stop(self) -> None:
        """End it and all its processes."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(PATIENCE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process = None

    def own(self) -> None:
        """Become its owner, as the first visitor of its editor does."""
        self._ask("POST", "/rest/owner/setup", OWNER | {"lastName": "B"})

    def credential(self, type: str, name: str, data: Json) -> str:
        """Save a credential; gives its id."""
        body = {"type": type, "name": name, "data": data}
        return str(self._ask("POST", "/rest/credentials", body)["id"])

    def change_credential(self, id: str, type: str, name: str, data: Json) -> None:
        """Save other values in a credential, which workflows that are on then use."""
        body = {"type": type, "name": name, "data": data}
        self._ask("PATCH", f"/rest/credentials/{id}", body)

    def test_credential(self, credential: str, type: str, name: str, data: Json) -> Json:
        """What the editor shows when a credential is saved."""
        body = {"credentials": {"id": credential, "type": type, "name": name, "data": data}}
        answer: Json = self._ask("POST", "/rest/credentials/test", body)
        return answer

    def models(self, node_type: str, credential: str, text: str = "") -> list[Json]:
        """What the list of models of a node offers."""
        body = {
            "path": "parameters.model",
            "methodName": "listModels",
            "nodeTypeAndVersion": {"name": node_type, "version": 1},
            "currentNodeParameters": {},
            "credentials": {"paywallsApi": {"id": credential, "name": "any"}},
            **({"filter": text} if text else {}),
        }
        path = "/rest/dynamic-node-parameters/resource-locator-results"
        results: list[Json] = self._ask("POST", path, body)["results"]
        return results

    def save(self, workflow: Json) -> Json:
        """Save a workflow that was imported into the editor; gives it with its id."""
        body = {"settings": {}, **workflow}
        saved: Json = self._ask("POST", "/rest/workflows", body)
        return saved

    def workflows(self) -> list[Json]:
        """The workflows that are there."""
        result: list[Json] = self._ask("GET", "/rest/workflows")
        return result

    def workflow(self, id: str) -> Json:
        """One workflow, whole."""
        result: Json = self._ask("GET", f"/rest/workflows/{id}")
        return result

    def publish(self, workflow: Json) -> None:
        """Switch a workflow on."""
        body = {"versionId": workflow["versionId"]}
        self._ask("POST", f"/rest/workflows/{workflow['id']}/activate", body)

    def unpublish(self, workflow: Json) -> None:
        """Switch a workflow off."""
        self._ask("POST", f"/rest/workflows/{workflow['id']}/deactivate", {})

    def run(
        self, workflow: Json, trigger: str, data: list[Json] | None = None, *, at: str = ""
    ) -> Execution:
        """Run a workflow by hand as `begin` does, until it has ended."""
        return self.execution(self.begin(workflow, trigger, data, at=at))

    def begin(
        self, workflow: Json, trigger: str, data: list[Json] | None = None, *, at: str = ""
    ) -> str:
        """Begin to run a workflow by hand from a trigger; `data` stands for what the trigger gives,
        or the node `at`. Its steps count, unless they say otherwise themselves. Gives the
        execution's id."""
        workflow = {**workflow, "nodes": [counting(node) for node in workflow["nodes"]]}
        if data is not None:
            pinned = {at or trigger: [{"json": item} for item in data]}
            nodes = {"nodes": workflow["nodes"], "connections": workflow["connections"]}
            body = {"pinData": pinned, "versionId": workflow["versionId"], **nodes}
            workflow = self._ask("PATCH", f"/rest/workflows/{workflow['id']}", body)
        body = {"workflowData": workflow, "triggerToStartFrom": {"name": trigger}}
        started = self._ask("POST", f"/rest/workflows/{workflow['id']}/run", body)
        return str(started["executionId"])

    def cancel(self, id: str) -> None:
        """Stop an execution, as the button in the editor does."""
        self._ask("POST", f"/rest/executions/{id}/stop")

    def listen(self, workflow: Json, trigger: str) -> None:
        """Try a trigger by hand: n8n waits until it is called."""
        body = {"workflowData": workflow, "triggerToStartFrom": {"name": trigger}}
        answer = self._ask("POST", f"/rest/workflows/{workflow['id']}/run", body)
        assert answer == {"waitingForWebhook": True}

    def executions(self, workflow: Json) -> list[str]:
        """The ids of a workflow's ended executions, oldest first."""
        filtered = json.dumps({"workflowId": workflow["id"]})
        answer = self._ask("GET", "/rest/executions", params={"filter": filtered, "limit": "50"})
        return sorted((str(row["id"]) for row in answer["results"] if _ended(row)), key=int)

    def execution(self, id: str, patience: float = PATIENCE) -> Execution:
        """An execution, once it has ended, within `patience` seconds."""

        def ended() -> Execution | None:
            row = self._ask("GET", f"/rest/executions/{id}")
            return Execution(row) if _ended(row) else None

        return until(ended, patience)

    def waiting(self, workflow: Json) -> str:
        """The id of a workflow's execution that is at its Wait node, once there is one."""
        filtered = json.dumps({"workflowId": workflow["id"]})

        def waiting() -> str:
            answer = self._ask("GET", "/rest/executions", params={"filter": filtered})
            return next((str(r["id"]) for r in answer["results"] if r["status"] == WAITING), "")

        return until(waiting)

    def resume_address(self, id: str) -> str:
        """The address at which an execution that waits to be called goes on."""
        row = self._ask("GET", f"/rest/executions/{id}")
        token = unflattened(row["data"])["resumeToken"]
        return f"{self.address}/webhook-waiting/{id}?signature={token}"

    def listens(self, path: str) -> bool:
        """Whether a webhook is there; asking so calls nothing, because it wants a POST."""
        answer = httpx.get(f"{self.address}/webhook/{path}", trust_env=False)
        return "not registered for GET" in answer.text

    def call(self, path: str, body: Json, secret: str = SECRET) -> httpx.Response:
        """A call of a webhook from outside."""
        return httpx.post(
            f"{self.address}/webhook/{path}",
            json=body,
            headers={SECRET_HEADER: secret},
            trust_env=False,
            timeout=PATIENCE,
        )

    def close(self) -> None:
        """End it for good."""
        self._http.close()
        self.stop()

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            written = (self.folder / f"n8n-{self._starts}.out").read_text()
            raise RuntimeError(f"n8n ended:\n{written}")
        try:
            answer = httpx.get(f"{self.address}/healthz/readiness", trust_env=False)
        except httpx.TransportError:
            return False
        return answer.is_success

    def _ask(
        self, method: str, path: str, body: object = None, params: dict[str, str] | None = None
    ) -> Any:
        answer = self._http.request(method, path, json=body, params=params)
        assert answer.is_success, f"{method} {path} gave {answer.status_code}: {answer.text}"
        return answer.json().get("data")


@contextlib.contextmanager
def running_n8n(folder: Path, package: Path) -> Iterator[N8n]:
    """An n8n with the package, whose owner we are."""
    n8n = N8n(folder)
    n8n.install(package)
    try:
        n8n.start()
        n8n.own()
        yield n8n
    finally:
        n8n.close()


def _ended(row: Json) -> bool:
    """Whether an execution is over: one that waits to be called has stopped, too."""
    return bool(row.get("stoppedAt")) and row["status"] != WAITING


def counting(node: Json) -> Json:
    """One of our steps as a builder sets it who wants a run by hand to count."""
    if node["type"] not in ("n8n-nodes-paywalls.paywalls", "n8n-nodes-paywalls.paywallsTool"):
        return node
    return {**node, "parameters": {"when_tested": "count", **node["parameters"]}}
