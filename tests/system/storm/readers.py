"""Those who poll throughout the storm, each with a cursor of its own."""

from __future__ import annotations

import threading
from typing import Any

import httpx

from tests.support.processes import PATIENCE

AGAIN_SECONDS = 0.2
_TRY_LATER = (503,)
OWN = "attention_"
"""What the ids of the connector's own events begin with."""


class Reader:
    """Follows a trigger from its beginning. `by_header`: goes on with X-Next-Cursor, otherwise
    with the last number that it has seen. An answer that does not come whole is asked for again."""

    def __init__(
        self, address: str, key: str, trigger: str, limit: int, *, by_header: bool
    ) -> None:
        self._url, self._limit, self._by_header = (
            f"{address}/v1/triggers/{trigger}",
            limit,
            by_header,
        )
        self._headers = {"Authorization": f"Bearer {key}"}
        self.ids: list[str] = []
        self.numbers: list[int] = []
        self.polls = self.failures = 0
        self._cursor = 0
        self._end = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=f"reader of {trigger}")

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """End. Raises what went wrong meanwhile."""
        self._end.set()
        self._thread.join(PATIENCE)
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            with httpx.Client(headers=self._headers, trust_env=False, timeout=PATIENCE) as client:
                while not self._end.is_set():
                    if not self._poll(client):
                        self._end.wait(AGAIN_SECONDS)
        except BaseException as failed:
            self._failed = failed

    def _poll(self, client: httpx.Client) -> bool:
        """One poll; whether it brought something."""
        self.polls += 1
        query = {"after": self._cursor, "limit": self._limit}
        try:
            answer = client.get(self._url, params=query)
        except httpx.TransportError:
            self.failures += 1
            return False
        if answer.status_code in _TRY_LATER:
            self.failures += 1
            return False
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()
        self.ids += [item["id"] for item in items if not item["id"].startswith(OWN)]
        self.numbers += [item["seq"] for item in items]
        if self._by_header:
            self._cursor = int(answer.headers["X-Next-Cursor"])
        elif items:
            self._cursor = items[-1]["seq"]
        return bool(items)
