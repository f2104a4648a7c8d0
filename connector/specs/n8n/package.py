"""The package's files: its source in the repository, and what npm packs."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files as resources
from importlib.resources.abc import Traversable
from typing import Any

from connector.catalog.outcomes import ANSWER_PRICE, GOES_ON, PENDING, REFUSED, THE_LINK
from connector.specs import labels
from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.n8n import action_node, other_nodes, readme, waits, workflows

FOLDER = "n8n_nodes_spec"
NAME = "n8n-nodes-paywalls"
NODES = ("Paywalls", "PaywallsTrigger", "PaywallsPollingTrigger", "PaywallsChatModel")
TOOLS = {
    "@n8n/ai-node-sdk": "0.30.1",
    "@n8n/node-cli": "0.48.3",
    "eslint": "9.32.0",
    "n8n-workflow": "2.40.1",
    "prettier": "3.6.2",
    "typescript": "5.9.2",
}
"""What builds and checks the package, pinned; n8n brings the first and the fourth itself."""


_REPOSITORY = "https://github.com/paywalls-connector/paywalls-connector"
_GUIDE = f"{_REPOSITORY}/blob/main/docs/n8n.md"
"""Where the package says how it is used, unless a connector made it: then on that one's page."""


def files(address: str = EXAMPLE_ADDRESS) -> dict[str, str]:
    """Every file of the package's source, by its path in the repository.

    `address` is the connector's public address, which becomes the default of the credential.
    """
    contents = {**_told(address), **_static("static")}
    return {f"{FOLDER}/{name}": contents[name] for name in sorted(contents)}


def package_files(address: str = EXAMPLE_ADDRESS) -> dict[str, bytes | str]:
    """What lies in the folder `package` of the tarball that npm installs, by its path in there."""
    compiled = _static("compiled", "dist/")
    contents: dict[str, bytes | str] = {
        name: text.replace(_GUIDE, _guide(address)) for name, text in compiled.items()
    }
    contents["LICENSE"] = _read("static/LICENSE")
    for name, text in {**_told(address), **_static("static/icons", "icons/")}.items():
        if name.startswith(("nodes/", "credentials/", "icons/")):
            contents[f"dist/{name}"] = text
        elif not name.startswith("."):
            contents[name] = text
    return {name: contents[name] for name in sorted(contents)}


def _guide(address: str) -> str:
    return _GUIDE if address == EXAMPLE_ADDRESS else f"{address}/guide/n8n"


def _told(address: str) -> dict[str, str]:
    """What is written anew each time, by its path in the package's source."""
    guide = _guide(address)
    tree: dict[str, Any] = {
        "package.json": _package_json(),
        "credentials/connector.json": {"url": address, "baseURL": action_node.BASE_URL},
        "nodes/shared/refusals.json": {
            "sentences": REFUSED,
            "goesOnWith": [*GOES_ON, PENDING],
            "link": THE_LINK,
            "goOn": f"To go on instead of stopping here, set “{labels.ON_REFUSAL}” to “Continue”.",
            "answer": ANSWER_PRICE,
        },
        "nodes/shared/waits.json": waits.told(),
        "nodes/Paywalls/description.json": action_node.description(),
        "nodes/PaywallsTrigger/description.json": other_nodes.trigger(),
        "nodes/PaywallsPollingTrigger/description.json": other_nodes.polling_trigger(),
        "nodes/PaywallsChatModel/description.json": other_nodes.chat_model(),
        "nodes/Paywalls/Paywalls.node.json": other_nodes.codex(
            "paywalls", "Finance & Accounting", guide
        ),
        "nodes/PaywallsTrigger/PaywallsTrigger.node.json": other_nodes.codex(
            "paywallsTrigger", "Finance & Accounting", guide
        ),
        "nodes/PaywallsPollingTrigger/PaywallsPollingTrigger.node.json": other_nodes.codex(
            "paywallsPollingTrigger", "Finance & Accounting", guide
        ),
        "nodes/PaywallsChatModel/PaywallsChatModel.node.json": other_nodes.codex(
            "paywallsChatModel", "AI", guide, other_nodes.CHAT_MODEL_PLACE
        ),
    }
    texts = {
        name: json.dumps(data, indent=2, ensure_ascii=False) + "\n" for name, data in tree.items()
    }
    texts[".github/workflows/publish.yml"] = _read("publish.yml")
    texts["README.md"] = readme.text(NAME, _version())
    texts |= {f"workflows/{n}.json": text for n, text in workflows.workflows(address).items()}
    return texts


def _package_json() -> dict[str, Any]:
    """Source: https://docs.n8n.io/integrations/creating-nodes/build/reference/code-standards/"""
    return {
        "name": NAME,
        "version": _version(),
        "description": "n8n nodes for Paywalls.ai: charge users, check balances, sell AI answers",
        "license": "MIT",
        "homepage": "https://paywalls.ai",
        "keywords": ["n8n-community-node-package", "paywalls", "billing", "ai"],
        "author": {
            "name": "the Paywalls Connector maintainers",
            "email": "maintainers@connector.example.com",
        },
        "repository": {
            "type": "git",
            "url": f"git+{_REPOSITORY}.git",
            "directory": FOLDER,
        },
        "scripts": {
            "build": "n8n-node build",
            "lint": "n8n-node lint",
            "release": "n8n-node release",
            "prepublishOnly": "n8n-node prerelease",
        },
        "files": ["dist", "workflows"],
        "n8n": {
            "n8nNodesApiVersion": 1,
            "aiNodeSdkVersion": 1,
            "strict": True,
            "credentials": ["dist/credentials/PaywallsApi.credentials.js"],
            "nodes": [f"dist/nodes/{name}/{name}.node.js" for name in NODES],
        },
        "devDependencies": TOOLS,
        "peerDependencies": {"@n8n/ai-node-sdk": "*", "n8n-workflow": "*"},
    }


def _read(name: str) -> str:
    return resources(__package__).joinpath(name).read_text(encoding="utf-8")


def _version() -> str:
    return version("paywalls-connector")


def _static(folder: str, prefix: str = "") -> dict[str, str]:
    """The files that are kept as they are, by their path within `folder`."""
    contents: dict[str, str] = {}
    _walk(resources(__package__).joinpath(folder), prefix, contents)
    return contents


def _walk(folder: Traversable, path: str, contents: dict[str, str]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _walk(entry, f"{path}{entry.name}/", contents)
        else:
            contents[path + entry.name] = entry.read_text(encoding="utf-8")
