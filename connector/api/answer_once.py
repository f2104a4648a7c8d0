"""Calls with a reference that are answered at most once, may take long and are waited for."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from connector.actions.call import Call
from connector.api.authentication import Caller
from connector.api.services import BUDGET_SECONDS, Services
from connector.catalog.actions import Action, Values
from connector.catalog.callbacks import WAIT_USUAL
from connector.chats.questions import Question
from connector.errors import InvalidField, KeyRefused
from connector.store.paywall_rows import Paywall
from connector.store.reference_spaces import spaced
from connector.upstream import Upstream


def answer_once(
    parts: Services,
    caller: Caller,
    action: Action,
    values: Values,
    call: Callable[[Upstream], Call],
) -> Values:
    """The answer, or that it is pending, within the seconds that the caller can wait.

    Raises what admission and `Chats.answer` raise, and InvalidField for a callback address that
    nothing may be sent to.
    """
    values = dict(values)
    seconds = float(values.pop("wait", WAIT_USUAL))
    target = values.pop("callback_url", "")
    paywall = caller.known_paywall or parts.admission.admit(caller.key, caller.upstream)
    if target:
        target = _checked(parts, paywall, target)
    line = caller.upstream.with_long_chats(parts.settings.openai_idle)
    question = Question(
        paywall_id=paywall.id,
        kept_reference=spaced(values["reference"], caller.user),
        user=values["user"],
        hashes=parts.identity.keyed_hashes("chat", _same(action, values)),
        callback_url=target,
        token_id=caller.token_id,
    )
    spent = BUDGET_SECONDS - caller.upstream.deadline.left()
    try:
        return parts.chats.answer(
            question, partial(action.perform, call(line), values), max(0.0, seconds - spent)
        )
    except KeyRefused:
        parts.identity.distrust(caller.key)
        raise


def _same(action: Action, values: Values) -> bytes:
    """What makes two calls the same: all that is sent upstream, whatever the order of names."""
    sent = action.at_most_once(values) if action.at_most_once else {}
    return json.dumps(sent, sort_keys=True, default=str).encode()


def _checked(parts: Services, paywall: Paywall, target: str) -> str:
    """A callback address in its usual spelling. Raises InvalidField."""
    try:
        return parts.push_client.check(target, paywall.id)
    except InvalidField as refused:
        raise InvalidField(refused.message, field="callback_url") from None
