"""At most once: what stands between a builder's retry and a second question that is paid for.

The question runs in a thread of the process that got it, under a lease that is renewed while it
runs. Whoever sends the same waits for it, in any process; a lease that ran out leaves `unknown`.
Upstream protects no chat from being asked twice, so an answer that may have been paid for is never
asked for again (docs/long-chats.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection

from connector.catalog.actions import Values
from connector.catalog.verdicts import Verdict
from connector.chats import answers
from connector.chats.claims import claim, give_up, write
from connector.chats.heartbeat import Heartbeat
from connector.chats.places import Places
from connector.chats.questions import Lease, Question, Sealing
from connector.chats.waiting import Waiting
from connector.deadline import Deadline
from connector.errors import ConnectorError, TooManyAtOnce, Unavailable, UpstreamBroken
from connector.store import Store, chat_rows
from connector.store.chat_rows import ASKING, FREE, Chat
from connector.store.reference_spaces import as_sent

SHORT_WAIT = 30.0
"""Who waits longer than this many seconds takes a place; who finds none waits no longer."""
_WRITE_PAUSES = (0.5, 1.0, 2.0, 5.0)
_WRITE_SECONDS = 600.0
"""For how long an answer is kept in memory while the database is away."""
_STOP_MARGIN = 3.0

log = structlog.get_logger(__name__)


class Chats:
    """The chats that this process asks and waits for. `threads`: how many questions, and how many
    long waits, there may be at a time, a quarter of them for one paywall; `graceful_seconds`: how
    long a stop may take."""

    def __init__(
        self,
        store: Store,
        sealing: Sealing,
        threads: int,
        graceful_seconds: int,
    ) -> None:
        self._store, self._sealing = store, sealing
        self._wake: Callable[[], None] = lambda: None
        self._graceful = graceful_seconds
        self._questions, self._waits = Places(threads), Places(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="chat")
        self._under_way: set[Any] = set()
        self._heartbeat, self._waiting = Heartbeat(store), Waiting(store)
        self._stopping = False

    def on_push(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever there is something to be pushed."""
        self._wake = wake

    def answer(self, question: Question, ask: Callable[[], Values], seconds: float) -> Values:
        """What is told within `seconds`: the answer, or that it is pending; with a callback address
        always the latter. `ask` asks upstream; it runs in a thread of its own.

        Raises ReferenceReused, InvalidField, TooManyAtOnce, Unavailable, or what `ask` raises where
        nothing was paid for.
        """
        deadline = Deadline(seconds)
        claimed = self._store.write(lambda c: claim(c, question, self._sealing))
        chat = None if isinstance(claimed, Lease) else claimed
        if isinstance(claimed, Lease):
            self._begin(claimed, question, ask)
        if question.callback_url:
            self._wake()
            pending = answers.pending(chat, question.callback_url)
        else:
            chat_id = claimed.chat_id if isinstance(claimed, Lease) else claimed.id
            chat = self._settled(chat_id, chat, question.paywall_id, deadline)
            pending = answers.pending(None, "")
        verdict = Verdict(result=pending)
        if chat is not None and not question.callback_url:
            verdict = answers.verdict_of(chat, self._sealing)
        if verdict.error is not None:
            raise verdict.error
        reference = as_sent(question.kept_reference)
        duplicate = not isinstance(claimed, Lease)
        return answers.flat(verdict, question.user, reference, duplicate=duplicate)

    def give_up_abandoned(self) -> None:
        """What a process asked that has died since is unknown now, and is told where somebody wants
        to be called back. Raises Unavailable."""

        def work(connection: Connection) -> int:
            rows = chat_rows.abandoned(connection)
            for chat in rows:
                give_up(connection, chat, self._sealing)
            return len(rows)

        if self._store.read(chat_rows.any_abandoned) and self._store.write(work):
            self._wake()

    def wind_down(self) -> None:
        """This process is being stopped: begin no question, and let nobody wait until it is killed;
        they are told that it is pending. Returns at once."""
        self._stopping = True
        self._waiting.wind_down(max(0.0, self._graceful - _STOP_MARGIN))

    def stop(self) -> None:
        """Finish the questions that are under way, as long as that may take."""
        self._stopping = True
        self._waiting.wind_down(0)
        wait(set(self._under_way), self._graceful)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._heartbeat.stop()

    def _begin(self, lease: Lease, question: Question, ask: Callable[[], Values]) -> None:
        """Ask in a thread of its own. Raises TooManyAtOnce or Unavailable; then the reference is
        free."""
        refusal: ConnectorError | None = None
        if self._stopping:
            refusal = Unavailable("The connector is being restarted. Try again in a moment.")
        elif not self._questions.take(question.paywall_id):
            refusal = TooManyAtOnce(
                "Too many chats of this paywall are being answered at once. Try again in a few "
                "seconds.",
                retry_after=5,
            )
        if refusal is not None:
            self._write(lease, FREE, Verdict(error=refusal))
            raise refusal
        self._heartbeat.hold(lease)
        answered = self._waiting.begin(lease.chat_id)
        work = partial(self._asked, lease, question.paywall_id, ask, answered)
        future = self._pool.submit(copy_context().run, work)
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)

    def _asked(
        self,
        lease: Lease,
        paywall_id: str,
        ask: Callable[[], Values],
        answered: Callable[[Chat | None], None],
    ) -> None:
        """In the pool: ask, and write down what came of it."""
        seen: Chat | None = None
        try:
            verdict = _verdict(ask)
            seen = self._written(lease, answers.state_after(verdict), verdict)
            self._wake()
        except Exception:
            log.exception("chat_defect")
        finally:
            self._heartbeat.release(lease)
            self._questions.leave(paywall_id)
            answered(seen)

    def _written(self, lease: Lease, state: str, verdict: Verdict) -> Chat | None:
        """Written as soon as the database takes it: it may have been paid for. Raises Unavailable
        once it has refused for too long."""
        patience, pauses = Deadline(_WRITE_SECONDS), iter(_WRITE_PAUSES)
        while True:
            try:
                return self._write(lease, state, verdict)
            except Unavailable as error:
                log.warning("chat_answer_waits", code=error.code)
                if not patience.left():
                    raise
            time.sleep(next(pauses, _WRITE_PAUSES[-1]))

    def _write(self, lease: Lease, state: str, verdict: Verdict) -> Chat | None:
        return self._store.write(lambda c: write(c, lease, state, verdict, self._sealing))

    def _settled(
        self, chat_id: str, chat: Chat | None, paywall_id: str, deadline: Deadline
    ) -> Chat | None:
        """The row once nobody asks any more; None when the time is up first."""
        if chat is not None and chat.state != ASKING:
            return chat
        placed = deadline.left() > SHORT_WAIT and self._waits.take(paywall_id)
        within = deadline if placed else deadline.within(SHORT_WAIT)
        try:
            while True:
                seen = self._waiting.until_settled(chat_id, within)
                if seen is None or seen.state != ASKING:
                    return seen
                self.give_up_abandoned()
        finally:
            if placed:
                self._waits.leave(paywall_id)


def _verdict(ask: Callable[[], Values]) -> Verdict:
    try:
        return Verdict(result=ask())
    except ConnectorError as error:
        return Verdict(error=error)
    except Exception:
        log.exception("chat_ask_defect")
        return Verdict(error=UpstreamBroken("The answer could not be read."))
