"""gunicorn's worker of ours: a poller that collects whole requests, and threads that answer them.

gunicorn's own threaded worker gives a thread to whoever connects, so that some hundred strangers
who send nothing, or slowly, or do not read, stop it for everybody. Here only a whole request gets
a thread, in turn sender by sender; what is slow waits in the poller, and nothing waits for ever.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Any

from gunicorn.workers.base import Worker  # type: ignore[import-untyped]

from connector.errors import TooManyAtOnce
from connector.serving import plain, refusals
from connector.serving.addresses import Lane, RuleBook
from connector.serving.answering import answer
from connector.serving.bodies import NoRoom, Room
from connector.serving.connection import Connection
from connector.serving.incoming import Incoming
from connector.serving.limits import Limits
from connector.serving.poller import READ, WRITE, Poller
from connector.telemetry import logs
from connector.turns import Ticket, Turns

BACKLOG = 2048  # connections that wait to be accepted; the kernel may allow fewer
_AT_A_TIME = 100  # connections that are accepted before others are looked after
_STAY_MILLISECONDS = 5
_FEW = 4
"""While more threads than this answer, none stays with its connection: among many that could go
on, Python's lock is dealt out so unevenly that some wait ten times as long as others."""
_SWITCH_SECONDS = 0.02
"""Threads that wait for Python's lock ask for it this often; with hundreds of them, asking at the
default of 0.005 s costs more than what they do."""

_OWN = (Lane.ALIVE, Lane.READY)

Request = Ticket[Connection]


class CollectingWorker(Worker):  # type: ignore[misc]
    """One process. `app` (gunicorn's) brings `limits`, `connections`, `rules` and `wind_down`."""

    def init_process(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        self.limits: Limits = self.app.limits
        self.poller = Poller()
        self.room = Room(self.limits.held_bytes)
        self.plain = plain.reader(self.cfg)
        self.turns: Turns[Connection] = Turns(self.cfg.threads, self.limits.turn_seconds)
        self.threads = ThreadPoolExecutor(self.cfg.threads, "request")
        self.own_lanes = {lane: ThreadPoolExecutor(1, lane.value) for lane in _OWN}
        self.open: set[Connection] = set()
        self.collecting: dict[Connection, None] = {}  # those who came first stand first
        super().init_process()

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.rules: RuleBook = self.app.rules()

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM: finish what is in flight, take nothing new."""
        super().handle_exit(sig, frame)
        self.poller.call(lambda: None)

    def run(self) -> None:
        for listener in self.sockets:
            listener.setblocking(False)
            self.poller.listen(listener, partial(self._accept, listener))
        while self.alive and self.ppid == os.getppid():
            self._go_on(None)
        self._stop()

    def _stop(self) -> None:
        self.alive = False
        self.app.wind_down()
        for listener in self.sockets:
            while self._accept(listener) == _AT_A_TIME:
                pass
            self.poller.deafen(listener)
            listener.close()
        self._go_on(monotonic())  # a request may have come just now
        for connection in list(self.collecting):
            if not connection.incoming.begun:
                self._close(connection)
        end = monotonic() + self.cfg.graceful_timeout
        while self.open and monotonic() < end:
            self._go_on(end)
        for pool in (self.threads, *self.own_lanes.values()):
            pool.shutdown(wait=False)
        self.poller.close()

    def _go_on(self, until: float | None) -> None:
        """Do what can be done now, and wait for more until `until` at most."""
        self.notify()
        ends = [time for time in (until, self.turns.next_expiry()) if time is not None]
        self.poller.wait(min(ends) if ends else None, monotonic())
        now = monotonic()
        for connection in self.poller.overdue(now):
            self._too_late(connection)
        for ticket in self.turns.expired(now):
            text = (
                "Too many requests with this key are being answered at once. Try again in a few "
                "seconds; it will not count twice with the same reference."
            )
            self._answer_apart(Lane.ALIVE, ticket.who, TooManyAtOnce(text, retry_after=5))
        while (ticket := self.turns.take()) is not None:  # type: ignore[assignment]
            self.threads.submit(self._answer_in_thread, ticket)

    # What the poller does.

    def _accept(self, listener: socket.socket) -> int:
        """Take who knocks; how many they were."""
        for taken in range(_AT_A_TIME):
            if len(self.open) >= self.app.connections and not self._make_room():
                return taken
            try:
                client, peer = listener.accept()
            except BlockingIOError:
                return taken
            except OSError:
                # Too many open files, or the client has gone: the next one may be taken later.
                self._make_room()
                return taken
            local = listener.getsockname()
            connection = Connection(client, peer, local, self._begin, self.room, self.limits)
            self.open.add(connection)
            connection.receive()
            self._look_at(connection)
        return _AT_A_TIME

    def _begin(self, peer: Any) -> Incoming:
        return Incoming(self.cfg, peer, self.rules.of, self.room, self.limits, self.plain)

    def _make_room(self) -> bool:
        """Close a connection on which nothing goes on, the oldest first."""
        idle = next((one for one in self.collecting if not one.incoming.begun), None)
        oldest = idle or next(iter(self.collecting), None)
        if oldest is not None:
            self._close(oldest)
        return oldest is not None

    def _look_at(self, connection: Connection) -> None:
        """Whatever the connection needs next."""
        if connection.left:
            try:
                connection.count_left()
            except NoRoom:
                connection.abort()
                self._close(connection)
                return
            due = connection.sending_deadline()
            self.poller.watch(connection, WRITE, partial(self._send, connection), due)
        elif connection.closing:
            self._say_goodbye(connection)
        elif connection.trouble is not None:
            self._refuse(connection, connection.trouble)
        elif connection.incoming.whole:
            self._queue(connection)
        elif connection.hung_up and connection.incoming.begun:
            self._refuse(connection, refusals.CutShort("ended before it was whole"))
        elif connection.hung_up or not (self.alive or connection.incoming.begun):
            self._close(connection)
        else:
            self.collecting[connection] = None
            ready = partial(self._receive, connection)
            self.poller.watch(connection, READ, ready, connection.deadline())

    def _receive(self, connection: Connection) -> None:
        connection.receive()
        if connection.trouble or connection.incoming.whole or connection.hung_up:
            self._put_away(connection)
            self._look_at(connection)
        else:
            self.poller.postpone(connection, connection.deadline())

    def _queue(self, connection: Connection) -> None:
        """Let it wait for its turn, or answer it on a lane of its own."""
        rules = connection.incoming.rules
        if rules.lane in _OWN:
            self._answer_apart(rules.lane, connection)
            return
        long = rules.lane is Lane.LONG
        self.turns.wait(Ticket(connection, rules.sender, long, monotonic()))

    def _answer_apart(
        self, lane: Lane, connection: Connection, refused: TooManyAtOnce | None = None
    ) -> None:
        def work() -> None:
            self._answer(connection, refused)
            self.poller.call(partial(self._look_at, connection))

        self.own_lanes[lane].submit(work)

    def _send(self, connection: Connection) -> None:
        connection.send()
        if not connection.left:
            connection.count_left()
            self._put_away(connection)
            self._look_at(connection)

    def _refuse(self, connection: Connection, cause: Exception) -> None:
        """Tell why its request cannot be answered, then close it."""
        logs.new_request_id()
        if refusals.is_the_clients(cause):
            self.log.info("Unreadable request: %s", cause)
        else:
            self.log.error("Unhandled exception", exc_info=cause)
        connection.left = bytearray(refusals.answer_to(cause))
        connection.closing = True
        connection.send()
        self._look_at(connection)

    def _say_goodbye(self, connection: Connection) -> None:
        """Close it; a client that is still sending is heard out first, or it would see a broken
        connection instead of the answer."""
        still_sending = connection.trouble is not None or connection.incoming.skipped
        if connection.hung_up or not still_sending:
            connection.end_sending()
            self._close(connection)
            return
        connection.end_sending()
        due = monotonic() + self.limits.drain_seconds
        self.poller.watch(connection, READ, partial(self._skim, connection), due)

    def _skim(self, connection: Connection) -> None:
        connection.skim()
        if connection.hung_up:
            self._close(connection)

    def _too_late(self, connection: Connection) -> None:
        self.collecting.pop(connection, None)
        if connection.left:
            connection.abort()
        if connection.closing or connection.left or not connection.incoming.begun:
            self._close(connection)
        else:
            connection.trouble = refusals.TooSlow("not whole in time")
            self._look_at(connection)

    def _put_away(self, connection: Connection) -> None:
        """It does not wait in the poller any more."""
        self.poller.forget(connection)
        self.collecting.pop(connection, None)

    def _close(self, connection: Connection) -> None:
        self._put_away(connection)
        self.open.discard(connection)
        connection.close()

    # What threads do.

    def _answer_in_thread(self, ticket: Request) -> None:
        for connection in self._requests_of(ticket):
            self._answer(connection)
        self.poller.call(partial(self._answered, ticket))

    def _requests_of(self, ticket: Request) -> Iterator[Connection]:
        """The connection, once for every request on it that this thread can answer right away: a
        busy connection keeps its thread while nobody waits for one, for handing it over costs more
        than many an answer."""
        connection = ticket.who
        yield connection
        while not (ticket.long or connection.left or connection.closing or connection.trouble):
            if self.turns.waiting or self.turns.running > _FEW or not self.alive:
                return
            if not connection.incoming.whole and connection.readable(_STAY_MILLISECONDS):
                connection.receive()
            rules = connection.incoming.rules
            if connection.trouble or not connection.incoming.whole:
                return
            if rules.lane is not Lane.SHORT or rules.sender != ticket.sender:
                return
            yield connection

    def _answer(self, connection: Connection, refused: TooManyAtOnce | None = None) -> None:
        try:
            last = not self.alive
            answer(connection, self.wsgi, self.cfg, self.log, last=last, refused=refused)
            if not connection.closing:
                connection.next_request()
        except Exception:
            self.log.exception("Error answering a request")
            connection.closing = True

    def _answered(self, ticket: Request) -> None:
        self.turns.done(ticket)
        self._look_at(ticket.who)
