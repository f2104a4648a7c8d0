"""The folder that is pushed to Zapier: the app as JSON, and the few files around it."""

from __future__ import annotations

import json
from typing import Any

from connector import __version__
from connector import actions as actions_folder
from connector.brands import KEY_PREFIXES
from connector.catalog.actions import actions
from connector.catalog.outcomes import ANSWER_PRICE, GOES_ON, PENDING, REFUSED, THE_LINK
from connector.specs import labels
from connector.specs.example import EXAMPLE_ADDRESS
from connector.specs.zapier import fields
from connector.specs.zapier.requests import request
from connector.specs.zapier.source import function, text
from connector.specs.zapier.steps import creates, searches
from connector.specs.zapier.triggers import triggers

PLATFORM_VERSION = "19.1.0"
_BEGINS = " or ".join(f"`{prefix}`" for prefix in KEY_PREFIXES)
_IN_BUILD = r"node_modules/(async-function|generator-function|async-generator-function)/.*\.mjs$"
"""What Zapier's own packages need at run time and its build does not find by itself."""


def files(address: str = EXAMPLE_ADDRESS) -> dict[str, str]:
    """Every file's text by its path; `address` is what a new connection has filled in."""
    return {
        "zapier_spec/app.json": _json(app(address)),
        "zapier_spec/index.js": text("index.js"),
        "zapier_spec/package.json": _json(_package()),
        "zapier_spec/.zapierapprc": _json({"includeInBuild": [_IN_BUILD]}),
        "zapier_spec/.gitignore": "node_modules/\nbuild/\n",
        "zapier_spec/README.md": text("README.md", address=address, platform=PLATFORM_VERSION),
    }


def app(address: str) -> dict[str, Any]:
    """The whole app (AppSchema)."""
    actions_folder.load()
    tested = {
        "when_tested": fields.WHEN_TESTED,
        "count": fields.COUNT,
        "testable": [f"/v1{action.path}" for action in actions() if action.exactly_once],
    }
    return {
        "version": __version__,
        "platformVersion": PLATFORM_VERSION,
        # So that our own sentence about too many calls is shown, not Zapier's.
        "flags": {"throwForThrottlingEarly": False},
        "authentication": _authentication(address),
        "requestTemplate": {
            "headers": {
                "Accept": "application/json",
                "Authorization": "Bearer {{bundle.authData.api_key}}",
            }
        },
        "beforeRequest": [function("before_request.js", ("request", "z", "bundle"), **tested)],
        "afterResponse": [
            function(
                "after_response.js",
                ("response", "z", "bundle"),
                refused=REFUSED,
                goes_on=(*GOES_ON, PENDING),
                answer=ANSWER_PRICE,
                link_words=THE_LINK,
            )
        ],
        "triggers": triggers(),
        "searches": searches(),
        "creates": creates(),
    }


def _guide(address: str) -> str:
    """Where the fields are explained one by one; nowhere while the address is only an example."""
    return "" if address == EXAMPLE_ADDRESS else f"[The guide]({address}/guide/zapier)."


def _authentication(address: str) -> dict[str, Any]:
    """The key and the address; the label comes from the test's answer and names the paywall."""
    return {
        "type": "custom",
        "test": request("/me"),
        "connectionLabel": "{{bundle.inputData.label}}",
        "fields": [
            {
                "key": "api_key",
                "label": labels.API_KEY,
                "type": "password",
                "required": True,
                "helpText": f"It begins with {_BEGINS}. Copy it from your paywall's page on "
                "[paywalls.ai](https://paywalls.ai). A connector token (`pwc_…`) does as well.",
            },
            {
                "key": "base_url",
                "label": labels.ADDRESS,
                "type": "string",
                "required": True,
                "default": address,
                "helpText": "Where your Paywalls Connector runs, beginning with `https://`. "
                f"Whoever set it up can tell you. {_guide(address)}",
            },
        ],
    }


def _package() -> dict[str, Any]:
    return {
        "name": "paywalls-connector-zapier",
        "version": __version__,
        "description": "Zapier app of the Paywalls Connector",
        "private": True,
        "license": "MIT",
        "main": "index.js",
        "engines": {"node": ">=22", "npm": ">=10"},
        "dependencies": {"zapier-platform-core": PLATFORM_VERSION},
    }


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"
