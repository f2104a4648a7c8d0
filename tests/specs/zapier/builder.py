"""A builder who has connected our app in Zapier and runs its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from tests.specs.zapier.platform import Core, Failed
from tests.support.processes import PATIENCE, SandboxPaywall
from tests.triggers.delivery.receiver import Push, Receiver


@dataclass(frozen=True)
class Builder:
    """What a builder does with the app, connected to `address` with `key`."""

    core: Core
    address: str
    key: str

    @property
    def auth(self) -> dict[str, str]:
        """What the connection holds."""
        return {"api_key": self.key, "base_url": self.address}

    def at(self, address: str) -> Builder:
        """The same with another address in the connection."""
        return replace(self, address=address)

    def keyed(self, key: str) -> Builder:
        """The same with another key in the connection."""
        return replace(self, key=key)

    def connect(self) -> Any:
        """Test the connection."""
        return self.core.execute("authentication.test", authData=self.auth)

    def create(self, name: str, **filled_in: Any) -> dict[str, Any]:
        """Run an action."""
        result: dict[str, Any] = self._step(f"creates.{name}", filled_in)
        return result

    def begin(self, name: str, callback_url: str, **filled_in: Any) -> tuple[dict[str, Any], str]:
        """Run an action that may go on later; what it gives, and how Zapier takes that."""
        step = f"creates.{name}.operation.perform"
        return self.core.begin(step, callback_url, authData=self.auth, inputData=filled_in)

    def resume(self, name: str, push: Push, begun: Any, **filled_in: Any) -> dict[str, Any]:
        """Go on with an action once its callback came."""
        result: dict[str, Any] = self._step(
            f"creates.{name}",
            filled_in,
            "performResume",
            outputData=begun,
            cleanedRequest=push.item,
        )
        return result

    def try_out(self, name: str, **filled_in: Any) -> dict[str, Any]:
        """Test an action's step in the editor."""
        result: dict[str, Any] = self._step(
            f"creates.{name}", filled_in, meta={"isLoadingSample": True}
        )
        return result

    def search(self, name: str, **filled_in: Any) -> list[dict[str, Any]]:
        """Run a search."""
        result: list[dict[str, Any]] = self._step(f"searches.{name}", filled_in)
        return result

    def options(self, name: str) -> list[dict[str, Any]]:
        """Open a dropdown."""
        result: list[dict[str, Any]] = self._step(f"triggers.{name}", {})
        return result

    def subscribe(self, name: str, target_url: str, **filled_in: Any) -> dict[str, Any]:
        """Switch a Zap on; what Zapier keeps about its hook."""
        result: dict[str, Any] = self._step(
            f"triggers.{name}", filled_in, "performSubscribe", targetUrl=target_url
        )
        return result

    def unsubscribe(self, name: str, hook: dict[str, Any]) -> Any:
        """Switch a Zap off."""
        return self._step(f"triggers.{name}", {}, "performUnsubscribe", subscribeData=hook)

    def received(self, name: str, push: Push, **filled_in: Any) -> list[dict[str, Any]]:
        """What a Zap starts with when a push comes."""
        result: list[dict[str, Any]] = self._step(
            f"triggers.{name}",
            filled_in,
            cleanedRequest=push.item,
            rawRequest={"method": "POST", "headers": push.headers, "content": push.raw.decode()},
        )
        return result

    def recent(self, name: str, **filled_in: Any) -> list[dict[str, Any]]:
        """What the editor shows when the trigger is tested."""
        result: list[dict[str, Any]] = self._step(f"triggers.{name}", filled_in, "performList")
        return result

    def hooks(self) -> list[dict[str, Any]]:
        """The hooks that the connector knows."""
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.get(
            f"{self.address}/v1/hooks", headers=headers, timeout=PATIENCE, trust_env=False
        )
        body: list[dict[str, Any]] = answer.json()
        return body

    def _step(
        self, step: str, filled_in: dict[str, Any], method: str = "perform", **bundle: Any
    ) -> Any:
        return self.core.execute(
            f"{step}.operation.{method}", authData=self.auth, inputData=filled_in, **bundle
        )


def failure(call: Callable[[], object]) -> Failed:
    """What a call throws. Raises AssertionError if it throws nothing."""
    try:
        answer = call()
    except Failed as failed:
        return failed
    raise AssertionError(f"it did not fail but gave {answer}")


def emit(paywall: SandboxPaywall, type: str, **more: object) -> str:
    """Have an event happen; its id."""
    answer = httpx.post(
        f"{paywall.address}/_sandbox/events",
        json={"type": type, **more},
        headers=paywall.bearer,
        timeout=PATIENCE,
        trust_env=False,
    )
    answer.raise_for_status()
    return str(answer.json()["ids"][0])


def pushed(target: Receiver, event_id: str) -> Push:
    """The push of an event, once it came."""
    count = 1
    while True:
        for push in target.wait(count):
            if push.item["id"] == event_id:
                return push
        count = len(target.pushes) + 1
