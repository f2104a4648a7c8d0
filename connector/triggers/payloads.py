"""What is sent for a claimed delivery: the flat item, made when it is sent, so that it names the
user if anybody has learned who that is by then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector import jsontext
from connector.store.task_rows import Task
from connector.triggers.definitions import TRIGGERS
from connector.triggers.items import item


@dataclass(frozen=True)
class Body:
    """The JSON of a push, and the user that it is about, "" if unknown."""

    json: bytes
    user: str


class Bodies:
    """Makes the bodies of tasks that were claimed together; those of one event only once."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], Body] = {}

    def of(self, task: Task) -> Body | None:
        """The body of a task, or None if its event is not kept any more."""
        if task.event_seq is None:
            return _sample(task)
        if task.event is None:
            return None
        key = (task.paywall_id, task.event_seq)
        if key not in self._made:
            shown = item(task.event, task.users)
            self._made[key] = Body(jsontext.dumps(shown), shown["user"])
        return self._made[key]


def _sample(task: Task) -> Body | None:
    trigger = TRIGGERS.get(task.trigger)
    if trigger is None:
        return None
    shown: dict[str, Any] = dict(trigger.sample)
    if task.user_id:
        shown["user"] = task.user_id
    return Body(jsontext.dumps(shown), shown["user"])
