"""Sending what the outbox holds: at least once, on schedule, fair to all targets.

One thread talks to the database: it claims what is due, hands it to a pool of threads that only
push, and writes down how that went. Any number of processes may do this at the same time; what one
of them drops is taken over when its lease ends.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Connection

from connector.config.settings import Settings
from connector.errors import ConnectorError
from connector.security.encryption import Encryption
from connector.store import Store, outbox_rows, outbox_turns
from connector.store.outbox_rows import DROPPED, FAILED, PENDING, SKIPPED, Attempt, Ended
from connector.store.task_rows import Task
from connector.telemetry.metrics import delivery_ended, outbox_measured
from connector.triggers.concurrency import QUICK_SECONDS, PushSlots
from connector.triggers.payloads import Bodies, Body
from connector.triggers.push_client import DEADLINE_SECONDS, PushAnswer, PushClient
from connector.triggers.result_buffer import Result, Results, write
from connector.triggers.retry_policy import Decision, delay_after, judge
from connector.triggers.signatures import headers

PLACES, YOUNG = 256, 48
"""How many pushes one process has under way at a time, and how many that began just now."""
POLL_SECONDS = 1.0
MEASURE_SECONDS = 15.0
_PAGE_MIN = 32
_AWAY_SECONDS = (0.5, 1.0, 2.0, 5.0)
_STOP_SECONDS = DEADLINE_SECONDS + 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Done:
    """A task that left the pool, with what it was answered."""

    task: Task
    answer: PushAnswer
    decision: Decision


class DeliveryWorker:
    """The worker of one process. Nothing runs before `start`, which belongs after any fork."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        encryption: Encryption,
        push_client: PushClient,
        *,
        places: int = PLACES,
        young: int = YOUNG,
    ) -> None:
        self._store, self._encryption, self._push_client = store, encryption, push_client
        self._schedule = settings.retry_schedule
        self._slots = PushSlots(places, young)
        self._pool = ThreadPoolExecutor(places, thread_name_prefix="push")
        self._done: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self._results = Results(store)
        self._last_paywall = ""
        self._cursors: dict[str, str] = {}
        self._measured = 0.0
        self._woken, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._loop, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wind_down(self) -> None:
        """Begin nothing more; returns at once, while what is under way goes on."""
        self._stopping.set()
        self._woken.set()

    def stop(self) -> None:
        """Begin nothing more, finish what is under way, write it down."""
        self.wind_down()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def wake(self) -> None:
        """Something was just committed to the outbox."""
        self._woken.set()

    def _loop(self) -> None:
        failures = 0
        while True:
            self._woken.clear()
            try:
                more = self._turn()
                failures = 0
            except ConnectorError as error:
                log.warning("delivery_waits", code=error.code)
                more, failures = False, failures + 1
            except Exception:
                log.exception("delivery_defect")
                more, failures = False, failures + 1
            if self._stopping.is_set() and not self._slots.under_way:
                if unwritten := len(self._results.fresh) + self._results.refused:
                    log.warning("deliveries_unwritten", count=unwritten)
                return
            if failures:
                time.sleep(_AWAY_SECONDS[min(failures, len(_AWAY_SECONDS)) - 1])
            elif not more:
                self._woken.wait(POLL_SECONDS)

    def _turn(self) -> bool:
        """Write down what is done, claim and begin what is due; whether there may be more."""
        self._collect()
        stopping = self._stopping.is_set()
        self._results.retry(at_once=stopping)
        idle = stopping or self._results.refused >= PLACES
        chosen, dead, more = ([], [], False) if idle else self._choose()
        tasks: list[Task] = []
        results = self._results.fresh
        try:
            if results or chosen or dead:
                tasks = self._store.write(lambda c: self._write(c, results, chosen, dead))
            self._results.written()
        except ConnectorError:
            raise  # and write it later
        except Exception:
            self._results.write_apart()
            raise
        finally:
            begun = {task.id for task in tasks}
            for delivery_id in chosen:
                if delivery_id not in begun:
                    self._slots.leave(delivery_id)
        self._begin_all(tasks)
        self._measure()
        return more or bool(self._results.fresh)

    def _collect(self) -> None:
        while True:
            try:
                done = self._done.get_nowait()
            except queue.Empty:
                return
            task, answer, decision = done.task, done.answer, done.decision
            attempt = Attempt(answer.status, answer.latency_ms, answer.text, decision.problem)
            self._results.add(
                Result(Ended(task, decision.state, decision.delay, attempt), decision)
            )
            quick = answer.status is not None and answer.latency_ms <= QUICK_SECONDS * 1000
            self._slots.leave(task.id)
            self._slots.learn(task.target, quick=quick, pause=decision.pause)
            delivery_ended("gone" if decision.gone else decision.state)

    def _choose(self) -> tuple[list[str], list[str], bool]:
        """Going round the paywalls, and in each round its hooks: deliveries to claim, for which
        places are taken already; hooks that are off but have something waiting; whether to go on
        at once."""
        chosen: list[str] = []
        dead: list[str] = []
        self._slots.age()
        if not self._slots.free:
            return chosen, dead, False
        begins = not self._last_paywall
        waiting = self._store.read(lambda c: outbox_turns.waiting(c, self._last_paywall))
        self._last_paywall, whole_round = waiting.last, begins and not waiting.last
        share = max(1, self._slots.free // max(1, len(waiting.paywalls)))
        for paywall_id in waiting.paywalls:
            self._choose_of(paywall_id, waiting.moment, share, chosen, dead)
            if not self._slots.free:
                self._last_paywall = paywall_id
                break
        self._cursors = {
            paywall_id: hook_id
            for paywall_id, hook_id in self._cursors.items()
            # Only a whole round shows that nothing of a paywall waits any more.
            if hook_id and (not whole_round or paywall_id in waiting.paywalls)
        }
        more = bool(chosen or dead or self._last_paywall or self._cursors)
        return chosen, dead, more and self._slots.free > 0

    def _choose_of(
        self, paywall_id: str, moment: datetime, share: int, chosen: list[str], dead: list[str]
    ) -> None:
        """At most `share` deliveries of one paywall, going on behind the hook that was last."""
        size = max(_PAGE_MIN, 2 * share)
        cursor = self._cursors.get(paywall_id, "")
        page = self._store.read(lambda c: outbox_turns.due(c, paywall_id, cursor, size, moment))
        self._cursors[paywall_id] = page[-1].hook_id if len(page) == size else ""
        for line in page:
            if not line.live:
                dead.append(line.hook_id)
                continue
            # Under way already: its lease ended early, or somebody wants it sent once more.
            due = [i for i in line.due if not (self._slots.holds(i) or self._results.holds(i))]
            room = min(share, self._slots.room(line.target, line.failing))
            for delivery_id in due[:room]:
                self._slots.begin(delivery_id, line.target, line.failing)
                chosen.append(delivery_id)
                share -= 1
            if not share or not self._slots.free:
                self._cursors[paywall_id] = line.hook_id
                return

    def _write(
        self,
        connection: Connection,
        results: Sequence[Result],
        chosen: list[str],
        dead: list[str],
    ) -> list[Task]:
        write(connection, results)
        for hook_id in dead:
            outbox_rows.drop_waiting(connection, hook_id)
        return outbox_rows.claim(connection, chosen) if chosen else []

    def _begin_all(self, tasks: Sequence[Task]) -> None:
        """Begin each, whatever happens to another: who cannot be begun gives its place back and is
        sent when its lease ends. Raises the last failure."""
        bodies = Bodies()
        failure: Exception | None = None
        for task in tasks:
            try:
                self._begin(task, bodies)
            except Exception as error:
                log.warning("push_not_begun", hook=task.hook_id, error=type(error).__name__)
                self._slots.leave(task.id)
                failure = error
        if failure is not None:
            raise failure

    def _begin(self, task: Task, bodies: Bodies) -> None:
        body = bodies.of(task)
        secret = self._encryption.open(task.secret)
        ended: Ended | None = None
        if body is None:
            ended = self._not_sent(task, FAILED, "The event is not kept any more.")
        elif secret is None:
            log.error("hook_secret_sealed_under_another_secret", hook=task.hook_id)
            ended = Ended(task, PENDING, self._schedule[-1])
        elif task.user_id and body.user != task.user_id:
            ended = self._of_another(task, body)
        else:
            self._pool.submit(self._push, task, secret, body.json)
        if ended is not None:
            self._slots.leave(task.id)
            self._results.add(Result(ended))

    def _of_another(self, task: Task, body: Body) -> Ended:
        """A hook for one user: another's event is not for it; somebody's may turn out to be."""
        if body.user:
            return Ended(task, DROPPED)
        delay = delay_after(task.tries, self._schedule)
        if delay is not None:
            return Ended(task, PENDING, delay)
        return self._not_sent(task, SKIPPED, "It never became known whose event this is.")

    def _not_sent(self, task: Task, state: str, problem: str) -> Ended:
        delivery_ended(state)
        return Ended(task, state, attempt=Attempt(None, 0, "", problem))

    def _push(self, task: Task, secret: str, body: bytes) -> None:
        """In the pool: one POST, outside any transaction."""
        try:
            signed = headers(task.id, [secret], body, self._store.clock.now())
            signed["Content-Type"] = "application/json"
            answer = self._push_client.post(task.target_url, body, signed)
            decision = judge(answer, task.tries, self._schedule)
        except Exception:
            log.exception("push_defect", hook=task.hook_id)
            answer = PushAnswer(None, 0, problem="The connector could not send this.")
            decision = judge(answer, task.tries, self._schedule)
        self._done.put(_Done(task, answer, decision))
        self._woken.set()

    def _measure(self) -> None:
        if time.monotonic() - self._measured >= MEASURE_SECONDS:
            self._measured = time.monotonic()
            outbox_measured(*self._store.read(outbox_rows.measure))
