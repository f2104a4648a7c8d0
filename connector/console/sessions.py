"""Who is signed in: the browser holds a random word, the database the keys of it, sealed.

The keys never reach the browser again. A session ends after eight hours, or with a click; its row
ends with it, so this works also where no keys are kept. What changes something has to show that it
comes from a page of this very session: a word made from the session's own, in a hidden field.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace

from flask import Request, Response

from connector import jsontext
from connector.api.services import Services
from connector.store import session_rows

COOKIE = "connector_session"
PATH = "/console"
SECONDS = 8 * 3600
MOST_KEYS = 20


@dataclass(frozen=True)
class SignedIn:
    """A key or token that was signed in with, and what the switcher calls it."""

    key: str = field(repr=False)
    label: str


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in; `word` is what the browser holds."""

    word: str = field(repr=False)
    keys: tuple[SignedIn, ...]
    chosen: int

    @property
    def key(self) -> str:
        """The key that is looked at."""
        return self.keys[self.chosen].key

    @property
    def form_word(self) -> str:
        """What the forms of this session show, and nobody else knows."""
        return hashlib.sha256(f"form:{self.word}".encode()).hexdigest()


def current(parts: Services, request: Request) -> Session | None:
    """The session that a browser shows, or None if it has ended, or its keys cannot be read under
    the server secrets of now."""
    word = request.cookies.get(COOKIE, "")
    if not word:
        return None
    row = parts.store.read(lambda connection: session_rows.find(connection, _id(word)))
    opened = parts.encryption.open(row.keys) if row else None
    if row is None or opened is None:
        return None
    keys = tuple(SignedIn(**one) for one in jsontext.loads(opened))
    return Session(word, keys, min(row.chosen, len(keys) - 1))


def sign_in(parts: Services, before: Session | None, new: SignedIn) -> Session:
    """A session with one key more, which is chosen; under a new word each time, so that a word that
    somebody planted is worth nothing."""
    others = [one for one in before.keys if one.key != new.key] if before else []
    keys = (new, *others[: MOST_KEYS - 1])
    session = Session(secrets.token_urlsafe(32), keys, 0)
    sealed = _sealed(parts, keys)
    parts.store.write(
        lambda connection: session_rows.insert(connection, _id(session.word), sealed, SECONDS)
    )
    if before is not None:
        sign_out(parts, before)
    return session


def choose(parts: Services, session: Session, number: int) -> None:
    """Look at another of the keys; one that is not there changes nothing."""
    if 0 <= number < len(session.keys):
        _change(parts, replace(session, chosen=number))


def forget_chosen(parts: Services, session: Session) -> None:
    """Take the chosen key out, because upstream refuses it; without any the session ends."""
    keys = tuple(one for place, one in enumerate(session.keys) if place != session.chosen)
    if not keys:
        sign_out(parts, session)
    else:
        _change(parts, replace(session, keys=keys, chosen=0))


def sign_out(parts: Services, session: Session) -> None:
    """End a session."""
    parts.store.write(lambda connection: session_rows.delete_one(connection, _id(session.word)))


def hand_over(response: Response, session: Session, *, https: bool) -> Response:
    """Let the browser hold the session's word, out of reach of scripts and of other sites."""
    response.set_cookie(
        COOKIE,
        session.word,
        max_age=SECONDS,
        path=PATH,
        secure=https,
        httponly=True,
        samesite="Lax",
    )
    return response


def take_back(response: Response) -> Response:
    """Let the browser forget it."""
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _change(parts: Services, session: Session) -> None:
    sealed = _sealed(parts, session.keys)
    parts.store.write(
        lambda connection: session_rows.change(
            connection, _id(session.word), sealed, session.chosen
        )
    )


def _sealed(parts: Services, keys: tuple[SignedIn, ...]) -> str:
    written = [{"key": one.key, "label": one.label} for one in keys]
    return parts.encryption.seal(jsontext.dumps(written).decode())


def _id(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
