"""The JavaScript in the app: functions as Zapier takes them in JSON, from the files beside this."""

from __future__ import annotations

import json
from pathlib import Path

_TEMPLATES = Path(__file__).parent / "templates"


def text(name: str, **values: object) -> str:
    """The file `name`, with `__NAME__` replaced by each value: text as it is, all else as JSON."""
    source = (_TEMPLATES / name).read_text(encoding="utf-8")
    for key, value in values.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        source = source.replace(f"__{key.upper()}__", shown)
    return source


def function(name: str, args: tuple[str, ...] = ("z", "bundle"), **values: object) -> object:
    """The function whose body is the file `name` (FunctionSourceSchema)."""
    return {"source": text(name, **values), "args": list(args)}
