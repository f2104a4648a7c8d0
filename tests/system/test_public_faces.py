"""What each package shows to the others: nobody imports anything else of it.

A module that is not named here is private to its package. `ONLY` says who may use a module that is
there for one of them.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
FACES = {
    "actions": {"", "call", "refusals", "transactions"},
    "api": {
        "action_routes",
        "attention",
        "attention_routes",
        "authentication",
        "addresses",
        "body_limits",
        "callback_routes",
        "delivery_routes",
        "docs_routes",
        "health_routes",
        "feature_routes",
        "flat_blueprint",
        "flat_input",
        "hook_routes",
        "inbound_routes",
        "openai_routes",
        "openapi",
        "rate_limits",
        "keys",
        "transaction_story",
        "transactions",
        "run_action",
        "request_body",
        "request_log",
        "responses",
        "services",
        "settings_routes",
        "sum_routes",
        "sums",
        "token_routes",
        "transaction_csv",
        "transaction_routes",
        "trigger_routes",
        "write_probe",
    },
    "catalog": {
        "actions",
        "callbacks",
        "charge_fields",
        "events",
        "feature_fields",
        "fields",
        "json_fields",
        "json_schema",
        "log_fields",
        "lost_values",
        "outcomes",
        "references",
        "test_runs",
        "time_zones",
        "tool_schemas",
        "verdicts",
    },
    "chats": {"at_most_once", "questions"},
    "cli": {"commands"},
    "config": {"parsers", "settings"},
    "console": {"assets", "console_pages", "guide_pages", "landing", "spec_pages"},
    "inbound": {
        "attention",
        "background",
        "endpoints",
        "housekeeping",
        "readiness",
        "receiver",
        "reconcile",
        "subscriptions",
    },
    "ledger": {
        "intents",
        "doubt",
        "ends",
        "evidence",
        "exactly_once",
        "refunds",
        "rehearsal",
        "tries",
    },
    "mcp": {"routes"},
    "pricing": {"rules", "usage"},
    "sandbox": {"", "server"},
    "serving": {"listening", "server"},
    "security": {
        "admission",
        "callback_secrets",
        "development_secret",
        "encryption",
        "identity",
        "rights",
        "secret_rotation",
        "token_text",
        "tokens",
    },
    "specs": {"build", "downloads", "example", "flowxo", "flowxo.page"},
    "store": {
        "",
        "attention_rows",
        "callback_rows",
        "chat_rows",
        "clock",
        "counter_rows",
        "delivery_rows",
        "engine",
        "event_rows",
        "feature_rows",
        "evidence_rows",
        "failures",
        "health_rows",
        "hook_rows",
        "kept_key_rows",
        "ledger_retention",
        "ledger_rows",
        "ledger_search",
        "migrate",
        "outbox_rows",
        "outbox_turns",
        "paywall_rows",
        "reference_spaces",
        "refund_rows",
        "replay_rows",
        "sealed_rows",
        "secret_rows",
        "session_rows",
        "settings_rows",
        "subscription_rows",
        "sum_rows",
        "task_rows",
        "token_rows",
        "transaction_rows",
        "try_rows",
        "undecided_rows",
    },
    "telemetry": {"logs", "metrics"},
    "triggers": {
        "callbacks",
        "definitions",
        "delivery",
        "hooks",
        "items",
        "polling",
        "push_client",
    },
    "upstream": {"", "webhooks"},
}
ONLY = {
    "api.*": {"app", "console", "mcp", "serving"},
    "cli.commands": {"__main__"},
    "config.parsers": {"security"},
    "inbound.background": {"app"},
    "inbound.endpoints": {"app"},
    "inbound.housekeeping": {"app"},
    "inbound.reconcile": {"app"},
    "inbound.subscriptions": {"app"},
    "sandbox.*": {"cli"},
    "security.development_secret": {"cli"},
    "security.secret_rotation": {"cli"},
    "specs.build": {"cli"},
    "store.engine": {"cli"},
    "store.health_rows": {"cli"},
    "store.migrate": {"cli"},
    "triggers.callbacks": {"app"},
    "triggers.delivery": {"app"},
    "triggers.push_client": {"api", "app"},
    "upstream.webhooks": {"inbound"},
}
SINGLE = {
    "__main__",
    "app",
    "brands",
    "circuit_breaker",
    "coalescing",
    "deadline",
    "errors",
    "jsontext",
    "money",
    "paid",
    "turns",
}


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    """Every import from one package of the connector into another: who, and which module."""
    graph = grimp.build_graph("connector", cache_dir=None)
    pairs = [
        (importer, module)
        for importer in graph.modules
        for module in graph.find_modules_directly_imported_by(importer)
    ]
    return [(who, what) for who, what in pairs if package(who) != package(what)]


def package(module: str) -> str:
    """The package, or the single module, that holds a module: `store` of `connector.store.engine`;
    "" for the connector itself."""
    return module.split(".")[1] if "." in module else ""


def test_only_what_a_package_shows_is_imported_by_others(imports: list[tuple[str, str]]) -> None:
    hidden = [
        f"{who} imports {what}"
        for who, what in imports
        if package(what) not in (SINGLE | {""})
        and what.removeprefix(f"connector.{package(what)}").removeprefix(".")
        not in FACES[package(what)]
    ]
    assert hidden == []


def test_what_is_there_for_one_is_used_by_no_other(imports: list[tuple[str, str]]) -> None:
    wrong = []
    for who, what in imports:
        name = what.removeprefix("connector.")
        allowed = ONLY.get(name, ONLY.get(f"{package(what)}.*"))
        if allowed is not None and package(who) not in allowed:
            wrong.append(f"{who} imports {what}")
    assert wrong == []


def test_every_face_is_used_so_that_none_stays_open_for_nobody(
    imports: list[tuple[str, str]],
) -> None:
    used = {what for _, what in imports}
    shown = {
        f"connector.{name}.{face}".rstrip(".") for name, faces in FACES.items() for face in faces
    }
    assert shown - used == set()


def test_the_contributors_page_and_the_contract_name_every_package() -> None:
    folder = ROOT / "connector"
    names = {path.name for path in folder.iterdir() if (path / "__init__.py").exists()}
    assert names == set(FACES)
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page[page.index("## How it is laid out") :]
    named = set(re.findall(r"`(?:connector/)?([a-z_]+)/`", table))
    assert names - named == set()
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layered,) = (
        contract
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    assert layered["exhaustive"] is True
    listed = {name.strip() for row in layered["layers"] for name in re.split(r"[|:]", row)}
    assert names <= listed


def test_the_packages_can_be_counted_on_two_hands_and_a_half() -> None:
    visible = [p for p in (ROOT / "connector").iterdir() if not p.name.startswith("__pycache__")]
    assert (
        len(visible) <= 31
    )  # one more than we like: others write `from connector.paid import paid`
