"""One n8n with the package and the workflows, before one connector and one sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from connector.specs.n8n import workflows
from connector.specs.n8n.workflow_parts import WEBHOOK_SECRET
from tests.specs.n8n.mail import Mails
from tests.specs.n8n.package import source, tarball
from tests.specs.n8n.server import SECRET, SECRET_HEADER, N8n, running_n8n
from tests.support.listening import listening
from tests.support.ports import free_port
from tests.support.processes import SandboxPaywall, Server, running_connector, running_sandbox

Json = dict[str, Any]
CHAT_CALLS = 'connector_requests_total{method="POST",route="/v1/chat"'
PAYER = "openai-payer"
"""Who pays for what n8n's own model for OpenAI writes."""


@dataclass
class ConnectedApp:
    """What runs: `key_credential` is the id of the credential of our own kind."""

    n8n: N8n
    connector: Server
    paywall: SandboxPaywall
    mails: Mails
    key_credential: str

    @property
    def credential(self) -> Json:
        """The data of that credential, as a person types them."""
        return {"apiKey": self.paywall.key, "url": self.connector.address}

    def booked(self, user: str) -> list[Json]:
        """A user's charges and deposits in upstream's ledger."""
        rows: list[Json] = self.upstream("GET", "/_sandbox/ledger").json()
        return [row for row in rows if row["user"] == user]

    def charge(self, user: str, amount: str, reference: str) -> None:
        """Charge a user, outside any workflow."""
        values = {"user": user, "amount": amount, "reference": reference}
        address, headers = f"{self.connector.address}/v1/charge", self.paywall.bearer
        answer = httpx.post(address, json=values, headers=headers, trust_env=False)
        assert answer.json()["outcome"] == "charged"

    def upstream(
        self, method: str, path: str, body: object = None, paywall: SandboxPaywall | None = None
    ) -> httpx.Response:
        """A request to the sandbox."""
        address, headers = f"{self.paywall.address}{path}", (paywall or self.paywall).bearer
        answer = httpx.request(method, address, json=body, headers=headers, trust_env=False)
        return answer.raise_for_status()

    def asked(self, path: str, paywall: SandboxPaywall | None = None) -> httpx.Response:
        """What the connector answers to a GET."""
        address, headers = f"{self.connector.address}{path}", (paywall or self.paywall).bearer
        return httpx.get(address, headers=headers, trust_env=False).raise_for_status()

    def chats(self) -> int:
        """How many calls of a chat the connector has answered."""
        told = httpx.get(f"{self.connector.address}/metrics", trust_env=False).text
        rows = [line for line in told.splitlines() if line.startswith(CHAT_CALLS)]
        return sum(int(float(row.split()[-1])) for row in rows)

    def log(self) -> str:
        """What the connector has logged."""
        return self.connector.log()

    def imported(self, name: str) -> Json:
        """An imported workflow of this name, whole."""
        (items,) = [w for w in self.n8n.workflows() if w["name"] == name]
        return self.n8n.workflow(items["id"])


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's source with the tools beside it; not to be changed."""
    return source(tmp_path_factory.mktemp("n8n-source"))


@pytest.fixture(scope="session")
def connected_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectedApp]:
    """Everything running, the credentials saved, the workflows imported by n8n's own command."""
    folder = tmp_path_factory.mktemp("n8n")
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(folder))
        port = free_port()
        own = {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}"}
        database = f"sqlite:///{folder}/connector.sqlite3"
        connector = stack.enter_context(
            running_connector(
                database, sandbox.address, folder, allowed_targets="127.0.0.0/8", **own
            )
        )
        paywall = SandboxPaywall(sandbox.address, "n8n")
        stack.callback(paywall.close)
        paywall.user(PAYER, balance="100.00", connected=True)
        mails = stack.enter_context(listening(Mails()))
        home = folder / "home"
        home.mkdir()
        packed = tarball(folder / "n8n-nodes-paywalls.tgz", connector.address)
        n8n = stack.enter_context(running_n8n(home, packed))
        data = {"apiKey": paywall.key, "url": connector.address}
        connected_app = ConnectedApp(
            n8n,
            connector,
            paywall,
            mails,
            n8n.credential("paywallsApi", "Paywalls account", data),
        )
        _save_other_credentials(connected_app)
        _import(connected_app, folder / "workflows")
        yield connected_app


def _save_other_credentials(connected_app: ConnectedApp) -> None:
    """Those that the workflows name beside ours, under the names that n8n gives to new ones."""
    n8n, key = connected_app.n8n, connected_app.paywall.key
    n8n.credential("httpHeaderAuth", "Header Auth account", {"name": "X-API-Key", "value": key})
    n8n.credential("httpHeaderAuth", WEBHOOK_SECRET, {"name": SECRET_HEADER, "value": SECRET})
    address = f"{connected_app.connector.address}/openai/v1/{PAYER}"
    n8n.credential("openAiApi", "OpenAi account", {"apiKey": key, "url": address})
    n8n.credential(
        "smtp",
        "SMTP account",
        {
            "host": "127.0.0.1",
            "port": connected_app.mails.port,
            "secure": False,
            "disableStartTls": True,
        },
    )
    n8n.credential("stripeApi", "Stripe account", {"secretKey": "not-a-key"})


def _import(connected_app: ConnectedApp, folder: Path) -> None:
    folder.mkdir()
    for name, text in workflows(connected_app.connector.address).items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    connected_app.n8n.command("import:workflow", "--separate", f"--input={folder}")
