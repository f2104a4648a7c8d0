"""The door of the console: who may see a page, and that a change comes from a page of one's own.

Every route of the console is declared with `seen` or `changed`; what goes wrong behind it becomes a
page that says what to do.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Response, g, redirect, request

from connector.api.authentication import Access, Caller, Right, admit, answered, identify
from connector.api.services import services
from connector.console import sessions
from connector.console.pages import page
from connector.console.sessions import Session
from connector.console.times import settings
from connector.errors import ConnectorError, KeyRefused
from connector.store import settings_rows

View = Callable[..., Response]
FIELD = "form_word"
_OTHER_SITE = (
    "This form did not come from a page of your session here, so nothing was changed. Go back, "
    "load the page again, and send it once more."
)


def seen(right: Right) -> Callable[[View], View]:
    """A page that is looked at: called with the caller, whose key is the chosen one."""
    return _door(right, Access.PAYWALL, changes=False)


def changed(right: Right, access: Access = Access.PAYWALL) -> Callable[[View], View]:
    """A form that changes something."""
    return _door(right, access, changes=True)


def from_elsewhere() -> bool:
    """Whether a form was sent by a page of another site, by what the browser says about itself."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    public = services().settings.public_url
    own = {request.host.casefold(), urlsplit(public or "").netloc.casefold()}
    return urlsplit(origin).netloc.casefold() not in own


def to_sign_in(said: str, status: int) -> Response:
    """Ask who it is, and lead back here after that; `said` is what went wrong, "" for nothing."""
    to = request.full_path.rstrip("?") if request.method == "GET" else ""
    return page("console/sign_in.html", status, said=said, to=to, private=True)


def _door(right: Right, access: Access, *, changes: bool) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @wraps(view)
        def called(**address: str) -> Any:
            try:
                session = sessions.current(services(), request)
                if session is None:
                    over = sessions.COOKIE in request.cookies
                    return to_sign_in("Your session is over. Sign in again." if over else "", 401)
                g.session = session
                if changes and not _is_own(session):
                    return problem(403, "Nothing was changed", _OTHER_SITE)
                identify(session.key, right)
                return answered(lambda: view(_known(admit(access)), **address))
            except KeyRefused as refused:
                sessions.forget_chosen(services(), g.session)
                g.error_code = refused.code
                return to_sign_in(f"{refused.message} Then sign in with it again.", 401)
            except ConnectorError as error:
                g.error_code = error.code
                return problem(error.status, error.title, error.message)

        called.access, called.right = access, right  # type: ignore[attr-defined]
        called.changes = changes  # type: ignore[attr-defined]
        return called

    return decorate


def _known(caller: Caller) -> Caller:
    """What the paywall's owner has set is known to the page."""
    g.paywall_settings = services().store.read(lambda c: settings_rows.get(c, caller.paywall.id))
    return caller


def _is_own(session: Session) -> bool:
    shown = request.form.get(FIELD, "")
    return not from_elsewhere() and secrets.compare_digest(
        shown.encode(), session.form_word.encode()
    )


def problem(status: int, title: str, message: str) -> Response:
    """A page that says what went wrong and what to do."""
    return console_page("console/problem.html", status, title=title, message=message)


def console_page(template: str, status: int = 200, **values: object) -> Response:
    """A page of the console, with the session's keys for the switcher, and in the paywall's time
    zone and currency."""
    session: Session | None = g.get("session")
    of_paywall = {"zone": settings().timezone, "currency": settings().currency_label}
    return page(template, status, session=session, private=True, **of_paywall, **values)


def see_other(path: str) -> Response:
    """Lead to another page, so that loading again sends nothing again."""
    response: Response = redirect(path, 303)  # type: ignore[assignment]
    response.headers["Cache-Control"] = "no-store"
    return response
