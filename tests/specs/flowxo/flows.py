"""A flow as FlowXO runs it: a filter skips its own task and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.specs.flowxo.conftest import FlowXO
from tests.specs.flowxo.scripts import result_of

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TRIGGER = {"user": "user_42", "created_at": NOW.isoformat(), "tool": "search"}


@dataclass
class Run:
    """One run of a flow: what came out of its tasks, what was done, what was said."""

    flowxo: FlowXO
    attributes: dict[tuple[str, str], str] = field(default_factory=dict)
    meanwhile: Callable[[], None] = lambda: None
    works: bool = True
    message: str = ""
    trigger: dict[str, Any] = field(default_factory=lambda: dict(TRIGGER))
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    more: dict[str, dict[str, str]] = field(default_factory=dict)

    def go(self, key: str) -> Run:
        """Run a recipe from its first task to its last."""
        recipe = next(r for r in self.flowxo.found["recipes"] if r["key"] == key)
        self.answers, self.done, self.said = {"trigger": self.trigger}, [], []
        if not all(self._met(condition) for condition in recipe.get("only_if", [])):
            return self
        for task in recipe["tasks"]:
            if all(self._met(condition) for condition in task.get("only_if", [])):
                self._do(task)
        return self

    def _do(self, task: dict[str, Any]) -> None:
        match task["do"]:
            case "http":
                rows = {row["name"]: self._filled(row["value"]) for row in task["rows"]}
                rows |= self.numbered(rows) | self.more.get(task["name"], {})
                answer = self.flowxo.send(self.flowxo.step(task["step"]), "as_form", **rows)
                self.answers[task["name"]] = {"data": answer.json()}
                return
            case "code":
                inputs = {row["name"]: self._filled(row["value"]) for row in task["inputs"]}
                self.answers[task["name"]] = {"result": result_of(task["script"], inputs)}
                return
            case "get_attribute":
                value = self.attributes.get((self._filled(task["key"]), task["attribute"]), "")
                self.answers[task["name"]] = {"value": value}
                return
            case "set_attribute":
                to = self._filled(task["set_to"])
                self.attributes[self._filled(task["key"]), task["attribute"]] = to
            case "message" | "mail":
                self.said.append(self._filled(task["text"]))
            case kind:
                assert kind == "your_task"
                self.meanwhile()
                self.answers[task["name"]] = {"result": "made" if self.works else ""}
        self.done.append(task["name"])

    def _met(self, condition: dict[str, Any]) -> bool:
        value, to = self._filled(condition["value"]), condition["to"]
        if condition.get("or_empty") and not value:
            return True
        match condition["is"]:
            case "is not empty":
                return bool(value)
            case "is empty":
                return not value
            case "does not equal":
                return value != str(to)
            case "equals":
                return value == str(to)
            case "equals one of":
                return value in [part.strip() for part in to.split(",")]
            case "is before":
                assert to == "1 day ago"
                return datetime.fromisoformat(value) < NOW - timedelta(days=1)
        raise AssertionError(condition["is"])

    def numbered(self, rows: dict[str, str]) -> dict[str, str]:
        """The same message's id in every reference, where this run has one."""
        return {"reference": f"{rows['reference']}-{self.message}"} if self.message else {}

    def _filled(self, text: str) -> str:
        def pick(result: re.Match[str]) -> str:
            value: Any = self.answers.get(result["task"], {})
            for part in result["path"].split("__"):
                value = value.get(part, "") if isinstance(value, dict) else ""
            if value is None:
                return ""
            return str(value).lower() if isinstance(value, bool) else str(value)

        return re.sub(r"\{\{(?P<task>\w+?)\.(?P<path>\w+)\}\}", pick, text)
