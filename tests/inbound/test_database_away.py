"""While the database is away upstream is told to come again, at once, and then it is all there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from werkzeug.test import TestResponse

from connector.circuit_breaker import CircuitBreaker, CircuitOpen
from connector.errors import InvalidField, Unavailable
from connector.inbound.receiver import PROBE_SECONDS
from tests.store.away import away
from tests.support.connected_app import ConnectedApp
from tests.support.processes import until


def test_nobody_piles_up_while_the_database_is_away(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    numbers = [str(number) for number in range(40)]

    def take(event_id: str) -> TestResponse:
        return owner.take(owner.event(id=event_id))

    with away(connected_app.database_url), ThreadPoolExecutor(40) as callers:
        assert take("first").status_code == 503
        began = monotonic()
        answers = list(callers.map(take, numbers))
        waited = monotonic() - began
    assert [answer.status_code for answer in answers] == [503] * 40
    assert all(answer.headers["Retry-After"] for answer in answers)
    assert waited < 8, "one may try, which takes five seconds at most; the others are sent away"
    until(lambda: take("first").status_code == 200)
    assert [take(event_id).status_code for event_id in numbers] == [200] * 40
    assert sorted(owner.stored()) == sorted(["first", *numbers])


def test_what_was_refused_meanwhile_is_sent_again(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    with away(connected_app.database_url):
        (event_id,) = owner.emit()
        until(lambda: [posted.status for posted in connected_app.posted] == [503])
    until(lambda: connected_app.owner().take(owner.event(id="back")).status_code == 200)
    owner.control("POST", "clock", {"advance": 60})
    until(lambda: not owner.log("pending"))
    assert set(owner.ids()) == {"back", event_id}


def test_only_one_tries_whether_it_is_back() -> None:
    outage = CircuitBreaker(Unavailable, PROBE_SECONDS)
    with pytest.raises(Unavailable, match="first"), outage.watched():
        raise Unavailable("first")
    with pytest.raises(CircuitOpen), outage.watched():
        pytest.fail("too early for another try")
    began = monotonic()
    until(lambda: monotonic() - began > PROBE_SECONDS)
    with outage.watched(), pytest.raises(CircuitOpen), outage.watched():
        pytest.fail("another one tries already")
    with outage.watched():
        pass


def test_other_failures_do_not_count_as_an_outage() -> None:
    outage = CircuitBreaker(Unavailable, PROBE_SECONDS)
    with pytest.raises(InvalidField), outage.watched():
        raise InvalidField("theirs")
    with outage.watched():
        pass
