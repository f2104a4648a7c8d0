"""What the worker does with each kind of answer; the answers are made up, all else is real."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import responses
from requests import PreparedRequest
from sqlalchemy import update
from standardwebhooks import Webhook, WebhookVerificationError

from connector.catalog.events import EVENTS_BY_TYPE
from connector.security.encryption import Encryption
from connector.store import event_rows
from connector.store.timestamps import now
from connector.store.trigger_tables import hooks
from connector.triggers import switch_off
from connector.triggers.items import sample
from tests.support.delivery_setup import DEPLETED, DeliverySetup
from tests.support.processes import until

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    """What targets answer."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


def test_an_event_is_pushed_once_as_the_flat_item_that_polls_show(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200, body="thanks")
    hook_id, secret = delivery_setup.hook(URL)
    event_id = delivery_setup.publish(user="ann")
    with delivery_setup.working():
        (delivery,) = delivery_setup.settled()
    assert (delivery.state, delivery.hook_id, delivery.event_id) == ("sent", hook_id, event_id)
    (attempt,) = delivery.attempts
    assert (attempt.status, attempt.answer, attempt.problem) == (200, "thanks", "")
    assert len(answers.calls) == 1
    sent = _request(answers, 0)
    item = json.loads(sent.body or b"")
    shown = sample(EVENTS_BY_TYPE[DEPLETED])
    assert list(item) == list(shown)
    assert (item["id"], item["user"]) == (event_id, "ann")
    assert sent.headers["webhook-id"] == delivery.id
    Webhook(secret).verify(sent.body or b"", dict(sent.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", dict(sent.headers))


def test_a_refused_push_comes_again_under_the_same_id_until_it_is_taken(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=500, body="not now")
    answers.post(URL, status=200)
    hook_id, _ = delivery_setup.hook(URL)
    delivery_setup.publish()
    with delivery_setup.working() as worker:
        (failed,) = delivery_setup.settled()
        assert (failed.state, failed.attempts[0].problem) == (
            "pending",
            "The address answered 500.",
        )
        assert 2 < delivery_setup.waits(failed.id) <= 6
        assert (
            delivery_setup.hooks.get(delivery_setup.paywall, hook_id).problem
            == "The address answered 500."
        )
        delivery_setup.fast_forward()
        worker.wake()
        (taken,) = delivery_setup.settled(attempts=2)
    assert taken.state == "sent"
    assert [a.status for a in taken.attempts] == [500, 200]
    assert len({_request(answers, n).headers["webhook-id"] for n in (0, 1)}) == 1
    hook = delivery_setup.hooks.get(delivery_setup.paywall, hook_id)
    assert (hook.state, hook.problem, hook.failing_since) == ("active", "", None)


def test_the_whole_schedule_is_walked_and_then_it_is_given_up(
    emptied: str, answers: responses.RequestsMock
) -> None:
    delivery_setup = DeliverySetup(emptied, retry_schedule="100,2000")
    answers.post(URL, status=404)
    delivery_setup.hook(URL)
    delivery_setup.publish()
    with delivery_setup.working() as worker:
        for attempts, low, high in ((1, 70, 121), (2, 1500, 2401)):
            (waiting,) = delivery_setup.settled(attempts)
            assert waiting.state == "pending"
            assert low < delivery_setup.waits(waiting.id) < high
            delivery_setup.fast_forward()
            worker.wake()
        (given_up,) = delivery_setup.settled(attempts=3)
    assert given_up.state == "failed"
    assert delivery_setup.pending() == 0
    delivery_setup.close()


def test_retry_after_pauses_the_target_for_everything_else_too(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=429, headers={"Retry-After": "600"})
    delivery_setup.hook(URL)
    delivery_setup.publish()
    with delivery_setup.working() as worker:
        (asked,) = delivery_setup.settled()
        assert 550 < delivery_setup.waits(asked.id) <= 600
        delivery_setup.publish()
        other = f"{URL}/other"
        answers.post(other, status=200)
        delivery_setup.hook(other)
        delivery_setup.publish()
        worker.wake()
        until(lambda: delivery_setup.log(state="sent"))
    assert [call.request.url for call in answers.calls].count(URL) == 1


def test_410_switches_the_hook_off_at_once_and_says_so(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=410)
    hook_id, _ = delivery_setup.hook(URL)
    delivery_setup.publish()
    with delivery_setup.working():
        (gone,) = delivery_setup.settled()
        hook = delivery_setup.hooks.get(delivery_setup.paywall, hook_id)
        assert (hook.state, "410" in hook.problem) == ("off", True)
        assert gone.state == "failed"
        delivery_setup.publish()
    assert len(answers.calls) == 1
    assert len(delivery_setup.log()) == 1


def test_what_waits_for_a_hook_that_goes_off_is_given_up(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=410)
    delivery_setup.hook(URL)
    for _ in range(20):
        delivery_setup.publish()
    with delivery_setup.working():
        until(lambda: delivery_setup.pending() == 0)
    assert {d.state for d in delivery_setup.log()} == {"failed"}
    assert len(answers.calls) < 20


def test_five_days_of_nothing_but_failures_switch_a_hook_off(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=500)
    hook_id, _ = delivery_setup.hook(URL)
    delivery_setup.failing_for(hook_id, 5.01)
    delivery_setup.publish()
    with delivery_setup.working():
        until(lambda: delivery_setup.hooks.get(delivery_setup.paywall, hook_id).state == "off")
    assert "five days" in delivery_setup.hooks.get(delivery_setup.paywall, hook_id).problem


def test_less_than_five_days_do_not(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=500)
    hook_id, _ = delivery_setup.hook(URL)
    delivery_setup.failing_for(hook_id, 4.9)
    delivery_setup.publish()
    with delivery_setup.working():
        delivery_setup.settled()
    assert delivery_setup.hooks.get(delivery_setup.paywall, hook_id).state == "active"


def test_one_success_ends_the_five_days(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200)
    hook_id, _ = delivery_setup.hook(URL)
    delivery_setup.failing_for(hook_id, 6)
    delivery_setup.publish()
    with delivery_setup.working():
        delivery_setup.settled()
    hook = delivery_setup.hooks.get(delivery_setup.paywall, hook_id)
    assert (hook.state, hook.failing_since) == ("active", None)


def test_a_hook_that_nobody_used_for_long_is_not_switched_off_by_one_failure(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    hook_id, _ = delivery_setup.hook(URL)
    for _ in range(2):
        delivery_setup.store.write(
            lambda c: switch_off.note(c, well=[], failing={hook_id: "It failed."}, gone={})
        )
    _age_streak(delivery_setup, hook_id, days=30)
    off = delivery_setup.store.write(
        lambda c: switch_off.note(c, well=[], failing={hook_id: "It failed."}, gone={})
    )
    assert off == []
    assert delivery_setup.hooks.get(delivery_setup.paywall, hook_id).state == "active"


def test_the_user_is_filled_in_when_it_is_sent(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200)
    delivery_setup.hook(URL)
    delivery_setup.publish(wallet="wallet_1")
    delivery_setup.store.write(
        lambda c: event_rows.learn_pair(c, delivery_setup.paywall.id, "wallet_1", "ann")
    )
    with delivery_setup.working():
        delivery_setup.settled()
    assert json.loads(_request(answers, 0).body or b"")["user"] == "ann"


def test_a_hook_for_one_user_waits_until_it_is_known_whose_event_it_is(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200)
    delivery_setup.hook(URL, user="ann")
    for wallet in ("wallet_ann", "wallet_bob"):
        delivery_setup.publish(wallet=wallet)
    with delivery_setup.working() as worker:
        until(
            lambda: all(0 < delivery_setup.waits(d.id) < 10 for d in delivery_setup.log())
        )  # less than a lease
        assert delivery_setup.pending() == 2
        for wallet, user in (("wallet_ann", "ann"), ("wallet_bob", "bob")):
            delivery_setup.store.write(
                lambda c, w=wallet, u=user: event_rows.learn_pair(  # type: ignore[misc]
                    c, delivery_setup.paywall.id, w, u
                )
            )
        delivery_setup.fast_forward()
        worker.wake()
        until(lambda: delivery_setup.pending() == 0)
    assert [json.loads(call.request.body or b"")["user"] for call in answers.calls] == ["ann"]
    assert [d.state for d in delivery_setup.log()] == ["sent"]


def test_what_never_becomes_anybodys_is_skipped_in_the_end(
    emptied: str, answers: responses.RequestsMock
) -> None:
    delivery_setup = DeliverySetup(emptied, retry_schedule="100")
    delivery_setup.hook(URL, user="ann")
    delivery_setup.publish(wallet="wallet_1")
    with delivery_setup.working() as worker:
        until(
            lambda: all(delivery_setup.waits(d.id) > 70 for d in delivery_setup.log())
        )  # longer than a lease
        delivery_setup.fast_forward()
        worker.wake()
        until(lambda: delivery_setup.pending() == 0)
    (skipped,) = delivery_setup.log()
    assert (skipped.state, "whose" in skipped.attempts[0].problem) == ("skipped", True)
    assert len(answers.calls) == 0
    delivery_setup.close()


def test_an_event_that_is_not_kept_any_more_is_given_up_in_words(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    delivery_setup.hook(URL)
    delivery_setup.publish()
    delivery_setup.store.write(lambda c: event_rows.purge(c, days=-1))
    with delivery_setup.working():
        (lost,) = delivery_setup.settled()
    assert (lost.state, lost.attempts[0].problem) == ("failed", "The event is not kept any more.")


def test_a_hook_sealed_under_a_lost_secret_is_not_sent_to(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:

    delivery_setup.hook(URL)
    delivery_setup.publish()
    delivery_setup.encryption = Encryption(["another-server-secret-that-is-long-enough"])
    with delivery_setup.working():
        until(
            lambda: all(delivery_setup.waits(d.id) > 70 for d in delivery_setup.log())
        )  # longer than a lease
    assert len(answers.calls) == 0


def test_an_answer_with_a_nul_byte_is_kept(
    delivery_setup: DeliverySetup, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200, body=b"a\0b\xff")
    delivery_setup.hook(URL)
    delivery_setup.publish()
    with delivery_setup.working():
        (delivery,) = delivery_setup.settled()
    assert delivery.attempts[0].answer == "a\ufffdb\ufffd"


def _request(answers: responses.RequestsMock, number: int) -> PreparedRequest:
    return answers.calls[number].request


def _age_streak(delivery_setup: DeliverySetup, hook_id: str, days: int) -> None:
    moment = now(-days * 86_400)
    delivery_setup.store.write(
        lambda c: c.execute(
            update(hooks)
            .where(hooks.c.id == hook_id)
            .values(failing_since=moment, failed_at=moment)
        )
    )
