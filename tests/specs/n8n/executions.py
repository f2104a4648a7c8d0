"""What an execution of n8n has done, node by node."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

Json = dict[str, Any]


class Execution:
    """An ended execution, as n8n's editor gets it."""

    def __init__(self, row: Json) -> None:
        self.id = str(row["id"])
        self.status: str = row["status"]
        self._row = row

    @cached_property
    def _result(self) -> Json:
        result: Json = unflattened(self._row["data"])["resultData"]
        return result

    @property
    def ran(self) -> list[str]:
        """The names of the nodes that ran."""
        return list(self._result["runData"])

    def items(self, node: str, *, output: int = 0, kind: str = "main") -> list[Json]:
        """The items that the last run of a node gave."""
        data = self._result["runData"][node][-1]["data"][kind][output]
        return [item["json"] for item in data or []]

    def runs(self, node: str) -> int:
        """How often a node ran."""
        return len(self._result["runData"].get(node, []))

    @property
    def error(self) -> Json:
        """What the editor shows of the error that ended it."""
        error: Json = self._result["error"]
        return error


def unflattened(text: str) -> Any:
    """What `flatted` made of a structure: one list, in which texts of digits name other entries.

    Source: https://github.com/WebReflection/flatted
    """
    entries: list[Any] = json.loads(text)
    done: dict[int, Any] = {}

    def value(reference: Any) -> Any:
        return at(int(reference)) if isinstance(reference, str) else reference

    def at(index: int) -> Any:
        if index not in done:
            entry = entries[index]
            if isinstance(entry, dict):
                made: Json = {}
                done[index] = made
                made.update({name: value(inner) for name, inner in entry.items()})
            elif isinstance(entry, list):
                listed: list[Any] = []
                done[index] = listed
                listed.extend(value(inner) for inner in entry)
            else:
                done[index] = entry
        return done[index]

    return at(0)
