"""Pushing the answers of chats to the addresses that callers gave: at least once, on schedule.

One thread looks for what is due; a few others push. Any number of processes may do this at the same
time; what one of them drops is taken over when its lease ends.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from connector.errors import ConnectorError
from connector.security.callback_secrets import CallbackSecrets
from connector.security.encryption import Encryption
from connector.store import Store, callback_rows, paywall_rows, token_rows
from connector.store.callback_rows import FAILED, PENDING, Callback
from connector.triggers.push_client import DEADLINE_SECONDS, PushClient
from connector.triggers.retry_policy import judge
from connector.triggers.signatures import headers

PLACES, PER_PAYWALL = 16, 4
"""How many pushes are under way at a time, and how many of one paywall."""
POLL_SECONDS = 1.0
LOST_SECONDS = 5.0
"""How often chats are looked for whose process has died."""
_AWAY_SECONDS = 2.0
_STOP_SECONDS = DEADLINE_SECONDS + 10.0

log = structlog.get_logger(__name__)


class CallbackWorker:
    """The worker of one process. Nothing runs before `start`, which belongs after any fork.
    `give_up_abandoned` makes what was lost with its process known (connector.chats)."""

    def __init__(
        self,
        store: Store,
        encryption: Encryption,
        secrets: CallbackSecrets,
        push_client: PushClient,
        schedule: Sequence[int],
        give_up_abandoned: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._encryption, self._secrets = store, encryption, secrets
        self._push_client, self._schedule = push_client, schedule
        self._give_up_abandoned = give_up_abandoned
        self._looked = 0.0
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(PLACES, thread_name_prefix="callback")
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="callbacks", daemon=True)

    def start(self) -> None:
        """Begin to push."""
        self._thread.start()

    def wake(self) -> None:
        """Something was just committed."""
        self._woken.set()

    def wind_down(self) -> None:
        """Begin nothing more; returns at once, while what is under way goes on."""
        self._stopping.set()
        self._woken.set()

    def stop(self) -> None:
        """Begin nothing more, finish what is under way."""
        self.wind_down()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            pause = POLL_SECONDS
            try:
                self._turn()
            except ConnectorError as error:
                log.warning("callbacks_wait", code=error.code)
                pause = _AWAY_SECONDS
            except Exception:
                log.exception("callbacks_defect")
                pause = _AWAY_SECONDS
            self._woken.wait(pause)

    def _turn(self) -> None:
        if time.monotonic() - self._looked >= LOST_SECONDS:
            self._looked = time.monotonic()
            self._give_up_abandoned()
        with self._lock:
            room = PLACES - self._under_way.total()
            full = [one for one, count in self._under_way.items() if count >= PER_PAYWALL]
        if room <= 0:
            return
        due = self._store.read(lambda connection: callback_rows.due(connection, full, room))
        chosen = []
        with self._lock:
            for one in due:
                if self._under_way[one.paywall_id] < PER_PAYWALL:
                    self._under_way[one.paywall_id] += 1
                    chosen.append(one)
        claimed: list[Callback] = []
        try:
            if chosen:
                ids = [one.id for one in chosen]
                claimed = self._store.write(lambda connection: callback_rows.claim(connection, ids))
        finally:
            begun = {one.id for one in claimed}
            for one in chosen:
                if one.id not in begun:
                    self._leave(one.paywall_id)
        for callback in claimed:
            self._pool.submit(self._push, callback)

    def _leave(self, paywall_id: str) -> None:
        with self._lock:
            self._under_way[paywall_id] -= 1
            if not self._under_way[paywall_id]:
                del self._under_way[paywall_id]

    def _push(self, callback: Callback) -> None:
        """In the pool: one POST, outside any transaction; then how it went is written down."""
        try:
            state, delay = self._pushed(callback)
            self._store.write(lambda c: callback_rows.settle(c, callback, state, delay))
        except ConnectorError as error:  # it is pushed once more when its lease ends
            log.warning("callback_unwritten", callback=callback.id, code=error.code)
        except Exception:
            log.exception("callback_defect", callback=callback.id)
        finally:
            self._leave(callback.paywall_id)
            self._woken.set()

    def _pushed(self, callback: Callback) -> tuple[str, int]:
        """The state after one try, and after how many seconds it is due again."""
        ids, revoked = self._store.read(
            lambda c: (
                paywall_rows.all_of(c, callback.paywall_id),
                callback.token_id != "" and not token_rows.stands(c, callback.token_id),
            )
        )
        if revoked:
            log.info("callback_of_a_revoked_token", callback=callback.id)
            return FAILED, 0
        body = self._encryption.open(callback.answer)
        if body is None:
            log.error("callback_sealed_under_another_secret", callback=callback.id)
            return PENDING, self._schedule[-1]
        raw = body.encode()
        now = self._store.clock.now()
        signed = headers(callback.id, self._secrets.all_of(ids), raw, now)
        signed["Content-Type"] = "application/json"
        answer = self._push_client.post(callback.target_url, raw, signed)
        decision = judge(answer, callback.tries, self._schedule)
        if decision.problem:
            log.warning("callback_not_taken", callback=callback.id, problem=decision.problem)
        return decision.state, decision.delay
