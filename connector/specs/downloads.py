"""What a running connector offers under `/specs`, with its own public address filled in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from connector import __version__
from connector import actions as actions_folder
from connector.specs import flowxo, importers, n8n, zapier
from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.pack import npm_tarball, zipped

_JSON = "application/json"


@dataclass(frozen=True)
class Download:
    """A file: `name` is its address after `/specs/`, `build` makes its content. A browser saves it
    as `saved_as`, or shows it if that is empty. `about` says in Markdown what a workflow does, and
    `twin` that it is made of n8n's own nodes."""

    name: str
    saved_as: str
    platform: str
    label: str
    what: str
    mimetype: str
    build: Callable[[], bytes]
    about: str = ""
    twin: bool = False


def downloads(address: str) -> tuple[Download, ...]:
    """Everything that can be downloaded, for a connector with this public URL."""
    actions_folder.load()
    return (
        _zapier(address),
        _package(address),
        *_workflows(address),
        _flowxo(address),
        _importers(address),
        _paid(address),
    )


def _zapier(address: str) -> Download:
    return Download(
        name="zapier.zip",
        saved_as="paywalls-zapier.zip",
        platform="Zapier",
        label="The Zapier app",
        what="Unpack it and push it to your Zapier account: its README tells how.",
        mimetype="application/zip",
        build=lambda: zipped(
            {
                name.replace("zapier_spec/", "paywalls-zapier/", 1): text
                for name, text in zapier.files(address).items()
            }
        ),
    )


def _package(address: str) -> Download:
    return Download(
        name="n8n.tgz",
        saved_as=f"n8n-nodes-paywalls-{__version__}.tgz",
        platform="n8n",
        label="The n8n nodes",
        what="For an n8n of your own: install it there with npm. Its README tells how.",
        mimetype="application/gzip",
        build=lambda: npm_tarball(n8n.package_files(address)),
    )


def _workflows(address: str) -> list[Download]:
    return [
        Download(
            name=f"n8n-workflows/{name}.json",
            saved_as=f"{name}.json",
            platform="n8n",
            label=f"Workflow: {json.loads(text)['name']}",
            what="Import it with “Import from File”. "
            + (
                "Made of n8n's own nodes: nothing to install, also for n8n Cloud."
                if name.endswith("-http")
                else "Needs the n8n nodes from above."
            ),
            mimetype=_JSON,
            build=text.encode,
            about=_about(text),
            twin=name.endswith("-http"),
        )
        for name, text in n8n.workflows(address).items()
    ]


def _about(workflow: str) -> str:
    """What a workflow does, in the words of the note that it shows in n8n."""
    nodes = json.loads(workflow)["nodes"]
    (note,) = (n for n in nodes if n["type"] == "n8n-nodes-base.stickyNote")
    first: str = note["parameters"]["content"].split("\n\n")[0]
    return first.partition("\n")[2].partition(" **Webhook**")[0]


def _flowxo(address: str) -> Download:
    return Download(
        name="flowxo.json",
        saved_as="",
        platform="FlowXO",
        label="Every step as data",
        what="The fields of FlowXO's HTTP task for every action, and whole recipes.",
        mimetype=_JSON,
        build=lambda: flowxo.files(address)[flowxo.JSON_FILE].encode(),
    )


def _importers(address: str) -> Download:
    return Download(
        name="openapi-actions.json",
        saved_as="",
        platform="Agents",
        label="Every action as a tool, in OpenAPI",
        what="For GPT Actions, Dify, Flowise and Open WebUI: import it from this address.",
        mimetype=_JSON,
        build=lambda: importers.text(address).encode(),
    )


def _paid(address: str) -> Download:
    return Download(
        name="paid.py",
        saved_as="paid.py",
        platform="MCP servers",
        label="A price on a tool of your own",
        what="One file for an MCP server written in Python: put it beside your server, and "
        "@paid(…) above a tool.",
        mimetype="text/x-python",
        build=lambda: _paid_at(address).encode(),
    )


def _paid_at(address: str) -> str:
    """The file with the address filled in, if it is one that answers: a token is sent there."""
    text = (files("connector") / "paid.py").read_text(encoding="utf-8")
    blank = 'ADDRESS = ""'
    if address == EXAMPLE_ADDRESS:
        return text
    if text.count(blank) != 1:
        raise LookupError(f"paid.py does not say {blank}")
    return text.replace(blank, f"ADDRESS = {json.dumps(address)}")
