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
from connector.security.encryption import Sealer
from connector.store import event_rows, hook_rows
from connector.store.moments import now
from connector.store.trigger_tables import hooks
from connector.triggers.items import sample
from tests.support.delivery_setup import DEPLETED, Scene
from tests.support.processes import until

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def answers() -> Iterator[responses.RequestsMock]:
    """What targets answer."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


def test_an_event_is_pushed_once_as_the_flat_item_that_polls_show(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200, body="thanks")
    hook_id, secret = scene.hook(URL)
    event_id = scene.publish(user="ann")
    with scene.working():
        (delivery,) = scene.settled()
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
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=500, body="not now")
    answers.post(URL, status=200)
    hook_id, _ = scene.hook(URL)
    scene.publish()
    with scene.working() as worker:
        (failed,) = scene.settled()
        assert (failed.state, failed.attempts[0].problem) == (
            "pending",
            "The address answered 500.",
        )
        assert 2 < scene.waits(failed.id) <= 6
        assert scene.hooks.get(scene.paywall, hook_id).problem == "The address answered 500."
        scene.fast_forward()
        worker.wake()
        (taken,) = scene.settled(attempts=2)
    assert taken.state == "sent"
    assert [a.status for a in taken.attempts] == [500, 200]
    assert len({_request(answers, n).headers["webhook-id"] for n in (0, 1)}) == 1
    hook = scene.hooks.get(scene.paywall, hook_id)
    assert (hook.state, hook.problem, hook.failing_since) == ("active", "", None)


def test_the_whole_schedule_is_walked_and_then_it_is_given_up(
    emptied: str, answers: responses.RequestsMock
) -> None:
    scene = Scene(emptied, retry_schedule="100,2000")
    answers.post(URL, status=404)
    scene.hook(URL)
    scene.publish()
    with scene.working() as worker:
        for attempts, low, high in ((1, 70, 121), (2, 1500, 2401)):
            (waiting,) = scene.settled(attempts)
            assert waiting.state == "pending"
            assert low < scene.waits(waiting.id) < high
            scene.fast_forward()
            worker.wake()
        (given_up,) = scene.settled(attempts=3)
    assert given_up.state == "failed"
    assert scene.pending() == 0
    scene.close()


def test_retry_after_pauses_the_target_for_everything_else_too(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=429, headers={"Retry-After": "600"})
    scene.hook(URL)
    scene.publish()
    with scene.working() as worker:
        (asked,) = scene.settled()
        assert 550 < scene.waits(asked.id) <= 600
        scene.publish()
        other = f"{URL}/other"
        answers.post(other, status=200)
        scene.hook(other)
        scene.publish()
        worker.wake()
        until(lambda: scene.log(state="sent"))
    assert [call.request.url for call in answers.calls].count(URL) == 1


def test_410_switches_the_hook_off_at_once_and_says_so(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=410)
    hook_id, _ = scene.hook(URL)
    scene.publish()
    with scene.working():
        (gone,) = scene.settled()
        hook = scene.hooks.get(scene.paywall, hook_id)
        assert (hook.state, "410" in hook.problem) == ("off", True)
        assert gone.state == "failed"
        scene.publish()
    assert len(answers.calls) == 1
    assert len(scene.log()) == 1


def test_what_waits_for_a_hook_that_goes_off_is_given_up(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=410)
    scene.hook(URL)
    for _ in range(20):
        scene.publish()
    with scene.working():
        until(lambda: scene.pending() == 0)
    assert {d.state for d in scene.log()} == {"failed"}
    assert len(answers.calls) < 20


def test_five_days_of_nothing_but_failures_switch_a_hook_off(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=500)
    hook_id, _ = scene.hook(URL)
    scene.failing_for(hook_id, 5.01)
    scene.publish()
    with scene.working():
        until(lambda: scene.hooks.get(scene.paywall, hook_id).state == "off")
    assert "five days" in scene.hooks.get(scene.paywall, hook_id).problem


def test_less_than_five_days_do_not(scene: Scene, answers: responses.RequestsMock) -> None:
    answers.post(URL, status=500)
    hook_id, _ = scene.hook(URL)
    scene.failing_for(hook_id, 4.9)
    scene.publish()
    with scene.working():
        scene.settled()
    assert scene.hooks.get(scene.paywall, hook_id).state == "active"


def test_one_success_ends_the_five_days(scene: Scene, answers: responses.RequestsMock) -> None:
    answers.post(URL, status=200)
    hook_id, _ = scene.hook(URL)
    scene.failing_for(hook_id, 6)
    scene.publish()
    with scene.working():
        scene.settled()
    hook = scene.hooks.get(scene.paywall, hook_id)
    assert (hook.state, hook.failing_since) == ("active", None)


def test_a_hook_that_nobody_used_for_long_is_not_switched_off_by_one_failure(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    hook_id, _ = scene.hook(URL)
    for _ in range(2):
        scene.store.write(
            lambda c: hook_rows.note(c, well=[], failing={hook_id: "It failed."}, gone={})
        )
    _age_streak(scene, hook_id, days=30)
    off = scene.store.write(
        lambda c: hook_rows.note(c, well=[], failing={hook_id: "It failed."}, gone={})
    )
    assert off == []
    assert scene.hooks.get(scene.paywall, hook_id).state == "active"


def test_the_user_is_filled_in_when_it_is_sent(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200)
    scene.hook(URL)
    scene.publish(wallet="wallet_1")
    scene.store.write(lambda c: event_rows.learn_pair(c, scene.paywall.id, "wallet_1", "ann"))
    with scene.working():
        scene.settled()
    assert json.loads(_request(answers, 0).body or b"")["user"] == "ann"


def test_a_hook_for_one_user_waits_until_it_is_known_whose_event_it_is(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    answers.post(URL, status=200)
    scene.hook(URL, user="ann")
    for wallet in ("wallet_ann", "wallet_bob"):
        scene.publish(wallet=wallet)
    with scene.working() as worker:
        until(lambda: all(0 < scene.waits(d.id) < 10 for d in scene.log()))  # less than a lease
        assert scene.pending() == 2
        for wallet, user in (("wallet_ann", "ann"), ("wallet_bob", "bob")):
            scene.store.write(
                lambda c, w=wallet, u=user: event_rows.learn_pair(  # type: ignore[misc]
                    c, scene.paywall.id, w, u
                )
            )
        scene.fast_forward()
        worker.wake()
        until(lambda: scene.pending() == 0)
    assert [json.loads(call.request.body or b"")["user"] for call in answers.calls] == ["ann"]
    assert [d.state for d in scene.log()] == ["sent"]


def test_what_never_becomes_anybodys_is_skipped_in_the_end(
    emptied: str, answers: responses.RequestsMock
) -> None:
    scene = Scene(emptied, retry_schedule="100")
    scene.hook(URL, user="ann")
    scene.publish(wallet="wallet_1")
    with scene.working() as worker:
        until(lambda: all(scene.waits(d.id) > 70 for d in scene.log()))  # longer than a lease
        scene.fast_forward()
        worker.wake()
        until(lambda: scene.pending() == 0)
    (skipped,) = scene.log()
    assert (skipped.state, "whose" in skipped.attempts[0].problem) == ("skipped", True)
    assert len(answers.calls) == 0
    scene.close()


def test_an_event_that_is_not_kept_any_more_is_given_up_in_words(
    scene: Scene, answers: responses.RequestsMock
) -> None:
    scene.hook(URL)
    scene.publish()
    scene.store.write(lambda c: event_rows.purge(c, days=-1))
    with scene.working():
        (lost,) = scene.settled()
    assert (lost.state, lost.attempts[0].problem) == ("failed", "The event is not kept any more.")


def test_a_hook_sealed_under_a_lost_secret_is_not_sent_to(
    scene: Scene, answers: responses.RequestsMock
) -> None:

    scene.hook(URL)
    scene.publish()
    scene.sealer = Sealer(["another-server-secret-that-is-long-enough"])
    with scene.working():
        until(lambda: all(scene.waits(d.id) > 70 for d in scene.log()))  # longer than a lease
    assert len(answers.calls) == 0


def test_an_answer_with_a_nul_byte_is_kept(scene: Scene, answers: responses.RequestsMock) -> None:
    answers.post(URL, status=200, body=b"a\0b\xff")
    scene.hook(URL)
    scene.publish()
    with scene.working():
        (delivery,) = scene.settled()
    assert delivery.attempts[0].answer == "a\ufffdb\ufffd"


def _request(answers: responses.RequestsMock, number: int) -> PreparedRequest:
    return answers.calls[number].request


def _age_streak(scene: Scene, hook_id: str, days: int) -> None:
    moment = now(-days * 86_400)
    scene.store.write(
        lambda c: c.execute(
            update(hooks)
            .where(hooks.c.id == hook_id)
            .values(failing_since=moment, failed_at=moment)
        )
    )
