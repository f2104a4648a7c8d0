"""Taking a reference: in one transaction, the right to ask, or the chat as it stands.

The decisions that need the row locked.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from connector.catalog.references import refuse_lost_reference
from connector.catalog.verdicts import Verdict
from connector.chats import answers
from connector.chats.questions import Lease, Question, Sealing
from connector.errors import ReferenceReused, Unavailable
from connector.store import callback_rows, chat_rows, paywall_rows
from connector.store.chat_rows import DONE, FREE, UNKNOWN, Chat
from connector.store.reference_spaces import as_sent

_REUSED = (
    "This reference was used before for another message, model or user. Use a new reference for "
    "something new, or send exactly the same again to get its answer."
)

log = structlog.get_logger(__name__)


def claim(connection: Connection, question: Question, sealing: Sealing) -> Lease | Chat:
    """The right to ask, if the reference is new or was freed; or the chat as it stands.

    Raises ReferenceReused, or InvalidField for a reference whose number was lost.
    """
    ids = paywall_rows.hold(connection, question.paywall_id)
    chat = chat_rows.find(connection, ids, question.kept_reference)
    if chat is None or chat.state == FREE:
        _refuse_lost(question)
        lease = _lease(connection, ids[0], question, chat)
        if lease is not None:
            return lease
        chat = chat_rows.find(connection, ids, question.kept_reference)  # written since we looked
    if chat is None or chat.state == FREE:
        raise Unavailable("The reference is being written. Try again in a moment.")
    tag = chat.secret_tag
    if tag in question.hashes and question.hashes[tag] != chat.values_hash:
        raise ReferenceReused(_REUSED, field="reference", reference=chat.reference)
    if chat.abandoned:
        chat = give_up(connection, chat, sealing)
    if question.callback_url and not chat.callback_url:
        chat = _called_back(connection, chat, question, sealing)
    return chat


def give_up(connection: Connection, chat: Chat, sealing: Sealing) -> Chat:
    """Who asked has gone, and nobody can tell what came of it; the row is locked. It is never asked
    again."""
    log.error("chat_unknown", chat_id=chat.id, reference=chat.reference)
    verdict = Verdict(result=answers.LOST)
    return write(connection, Lease(chat.id, chat.token), UNKNOWN, verdict, sealing) or chat


def write(
    connection: Connection, lease: Lease, state: str, verdict: Verdict, sealing: Sealing
) -> Chat | None:
    """Write what came of a question, and push it where that was asked for; the row as it is then,
    None if it is gone."""
    sealed = sealing.seal(verdict.to_json())
    written = chat_rows.settle(connection, lease.chat_id, lease.token, state, sealed)
    chat = chat_rows.get(connection, lease.chat_id)
    if written and chat is not None and chat.callback_url:
        callback_rows.put(connection, chat, sealing.seal(answers.pushed(verdict, chat)))
    return chat


def _lease(
    connection: Connection, paywall_id: str, question: Question, chat: Chat | None
) -> Lease | None:
    tag, values_hash = question.signed
    if chat is not None:
        token = chat_rows.take_lease(
            connection,
            chat,
            user_id=question.user,
            values_hash=values_hash,
            secret_tag=tag,
            callback_url=question.callback_url,
            token_id=question.token_id,
        )
        return Lease(chat.id, token)
    chat_id = chat_rows.insert(
        connection,
        paywall_id=paywall_id,
        reference=question.kept_reference,
        user_id=question.user,
        values_hash=values_hash,
        secret_tag=tag,
        callback_url=question.callback_url,
        token_id=question.token_id,
    )
    return None if chat_id is None else Lease(chat_id, 1)


def _called_back(connection: Connection, chat: Chat, question: Question, sealing: Sealing) -> Chat:
    """Nobody wanted to be called back until now; an answer that is there is pushed at once."""
    chat_rows.set_callback(connection, chat.id, question.callback_url, question.token_id)
    known = chat_rows.get(connection, chat.id)
    if known is not None and known.state in (DONE, UNKNOWN):
        body = answers.pushed(answers.verdict_of(known, sealing), known)
        callback_rows.put(connection, known, sealing.seal(body))
    return chat


def _refuse_lost(question: Question) -> None:
    """Raises InvalidField: all chats whose number was lost would share one answer."""
    refuse_lost_reference(as_sent(question.kept_reference))
