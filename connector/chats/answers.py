"""What is told of a chat with a reference, and how that is kept: sealed, for a day."""

from __future__ import annotations

from connector import jsontext
from connector.catalog.actions import Action, Values, by_key
from connector.catalog.outcomes import (
    ANSWERED,
    AUTHORIZATION_REQUIRED,
    PENDING,
    TOPUP_REQUIRED,
    UNKNOWN,
)
from connector.catalog.verdicts import Verdict
from connector.chats.questions import Sealing
from connector.store import chat_rows
from connector.store.chat_rows import Chat

_STATES = {AUTHORIZATION_REQUIRED: chat_rows.FREE, TOPUP_REQUIRED: chat_rows.FREE}
LOST: Values = {
    "success": False,
    "outcome": UNKNOWN,
    "message": "The answer did not come, and nobody can tell whether it was paid for. It is not "
    "asked again under this reference; take a new reference to ask again.",
}
_NOT_KEPT: Values = {
    "success": False,
    "outcome": ANSWERED,
    "message": "This was answered before, and the answer is no longer kept. Take a new reference "
    "to ask again.",
}
_STILL_WRITTEN = (
    "The answer is still being written. Send the same again, with the same reference, to go on "
    "waiting: it is asked and paid for only once."
)
_CALLED_BACK = "The answer is sent to the callback address as soon as it is there."
_OTHER_ADDRESS = (
    "The answer is sent to the callback address that came first with this reference. To get it "
    "here, send the same again without a callback address."
)


def pending(chat: Chat | None, callback_url: str) -> Values:
    """What is told while there is no answer, or where it goes to a callback address."""
    message = _STILL_WRITTEN
    if callback_url:
        first = chat is None or chat.callback_url in ("", callback_url)
        message = _CALLED_BACK if first else _OTHER_ADDRESS
    return {"success": False, "outcome": PENDING, "message": message}


def state_after(verdict: Verdict) -> str:
    """The state of a row after a question that ended so: a refusal, and what was never asked, leave
    the reference free; whatever may have been paid for does not."""
    if verdict.unanswered:
        return chat_rows.UNKNOWN
    if verdict.result is None:
        return chat_rows.FREE
    return _STATES.get(str(verdict.result.get("outcome")), chat_rows.DONE)


def verdict_of(chat: Chat, sealing: Sealing) -> Verdict:
    """What is told of a row that nobody asks any more."""
    if chat.state == chat_rows.UNKNOWN:
        return Verdict(result=LOST)
    opened = sealing.open(chat.answer) if chat.answer and chat.fresh else None
    return Verdict.from_json(opened) if opened else Verdict(result=_NOT_KEPT)


def flat(verdict: Verdict, user: str, reference: str, *, duplicate: bool) -> Values:
    """A result with the values that it was asked with."""
    told = {"user": user, "reference": reference, "duplicate": duplicate}
    return (verdict.result or {}) | told


def pushed(verdict: Verdict, chat: Chat) -> str:
    """The body of a push: all that the call would have been answered with. An error has the form
    that `errors=soft` gives it, and names no request, for there is none that waits."""
    told = flat(verdict, chat.user_id, chat.reference, duplicate=False)
    if verdict.unanswered:
        told = LOST | told
    elif verdict.error is not None:
        problem = verdict.error.problem("", reference=chat.reference)
        told = {"success": False, "outcome": "error", "message": verdict.error.message} | told
        return jsontext.dumps(_action().answer(told) | problem).decode()
    return jsontext.dumps(_action().answer(told)).decode()


def _action() -> Action:
    action = by_key("chat")
    if action is None:
        raise LookupError("there is no action called chat")
    return action
