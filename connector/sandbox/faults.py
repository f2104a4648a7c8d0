"""Faults on demand: what to do to the next requests of an operation.

A request meets at most one answer fault, the oldest armed one. `forget_keys` is counted apart,
so that it can be combined with the others.
"""

import threading
from dataclasses import dataclass

OPERATIONS = (
    "charge",
    "deposit",
    "balance",
    "topup",
    "connect",
    "disconnect",
    "chat",
    "models",
    "subscriptions",
    "logs",
)
KINDS = (
    "http_500",
    "http_429",
    "http_400",
    "http_401",
    "http_403",
    "http_404",
    "http_409",
    "http_422",
    "redirect",
    "slow",
    "hold",
    "drop_before_commit",
    "drop_after_commit",
    "garbage",
    "forget_keys",
)
WITH_KEYS = ("charge", "deposit")


@dataclass(slots=True)
class Fault:
    """`kind` for the next `times` requests; `seconds` is the wait of slow, the longest wait of
    hold, or the Retry-After."""

    operation: str
    kind: str
    times: int
    seconds: float


class Faults:
    """The faults armed for one paywall, in the order in which they will be met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._barrier = threading.Condition()
        self._held = self._releases = 0

    def arm(self, fault: Fault) -> None:
        """Arm the fault in place of an armed one of the same operation and kind; 0 times disarms.

        Where the fault is already armed, it keeps its place in the order.
        """
        same = (fault.operation, fault.kind)
        with self._lock:
            places = [i for i, f in enumerate(self._armed) if (f.operation, f.kind) == same]
            place = places[0] if places else len(self._armed)
            self._armed[place : place + len(places)] = [fault] if fault.times else []

    def take(self, operation: str) -> Fault | None:
        """Return the answer fault that the current request meets, and count it as met."""
        return self._take(operation, forget=False)

    def take_forget(self, operation: str) -> bool:
        """Tell whether the current request's idempotency key is to be ignored, and count it."""
        return self._take(operation, forget=True) is not None

    def hold(self, seconds: float) -> None:
        """Let the current request wait until it is released, `seconds` at most."""
        with self._barrier:
            before, self._held = self._releases, self._held + 1
            self._barrier.wait_for(lambda: self._releases != before, seconds)
            self._held -= 1

    def release(self) -> int:
        """Let every request go on that is held right now; how many there were."""
        with self._barrier:
            self._releases += 1
            self._barrier.notify_all()
            return self._held

    def armed(self) -> list[dict[str, str | int | float]]:
        """Return what is still armed, oldest first."""
        with self._lock:
            return [
                {"operation": f.operation, "kind": f.kind, "times": f.times, "seconds": f.seconds}
                for f in self._armed
            ]

    def _take(self, operation: str, *, forget: bool) -> Fault | None:
        if not self._armed:
            return None
        with self._lock:
            for fault in self._armed:
                if fault.operation == operation and (fault.kind == "forget_keys") == forget:
                    fault.times -= 1
                    if fault.times == 0:
                        self._armed.remove(fault)
                    return fault
        return None
