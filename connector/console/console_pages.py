"""The console: what was charged, what needs somebody, and what became of one transaction."""

from __future__ import annotations

import secrets

from flask import Blueprint, Response, g, request

from connector.api.attention import attention
from connector.api.authentication import (
    EVERY_TOKEN,
    ONLY_THE_KEY,
    Access,
    Caller,
    Right,
    admit,
    answered,
    demands,
    identify,
)
from connector.api.flat_blueprint import filled
from connector.api.keys import checked_key
from connector.api.run_action import check_maximum, run_action
from connector.api.services import services
from connector.api.transaction_csv import table
from connector.api.transaction_story import decide, story
from connector.api.transactions import transactions
from connector.catalog.actions import by_key
from connector.console import connect_pages, day_pages, event_pages, sessions, webhook_pages
from connector.console.doors import (
    changed,
    console_page,
    from_elsewhere,
    problem,
    see_other,
    seen,
    to_sign_in,
)
from connector.console.looked_for import LookedFor, looked_for
from connector.console.sessions import SignedIn
from connector.console.times import local
from connector.errors import ConnectorError
from connector.security.rights import VIEW

HOME = "/console"
ROWS = 50
_LOOK = Right(("transactions", VIEW))
_SAID = {
    "happened": "It is written down that this went through.",
    "did_not": "It is written down that this did not happen. The reference may be used again.",
    "refunded": "The money was given back.",
}


def blueprint() -> Blueprint:
    """The routes under /console."""
    blp = Blueprint("console", __name__, url_prefix=HOME, template_folder="templates")

    @blp.get("/sign-in")
    @demands(Access.OPEN)
    def sign_in_page() -> Response:
        return to_sign_in("", 200)

    @blp.post("/sign-in")
    @demands(Access.OPEN)
    def sign_in() -> Response:
        """The key is proved before anything is kept."""
        if from_elsewhere():
            return to_sign_in("This form came from another site. Type the key here once more.", 403)
        key = request.form.get("key", "").strip()
        if not key:
            return to_sign_in("Fill in the secret key of your paywall, or a token.", 400)
        try:
            key = checked_key(key)
            services().rate_limits.check_guessing(key, request.remote_addr or "")
            identify(key, EVERY_TOKEN)
            answered(lambda: _nothing(admit(Access.PAYWALL)))
        except ConnectorError as error:
            g.error_code = error.code
            return to_sign_in(error.message, error.status)
        label = request.form.get("label", "").strip()[:60] or f"Key ending in {key[-4:]}"
        parts = services()
        before = sessions.current(parts, request)
        session = sessions.sign_in(parts, before, SignedIn(key, label))
        to = request.form.get("to", "")
        led = see_other(to if to.startswith(f"{HOME}/") or to == HOME else HOME)
        return sessions.hand_over(led, session, https=_is_https())

    @blp.post("/sign-out")
    @changed(EVERY_TOKEN)
    def sign_out(_: Caller) -> Response:
        sessions.sign_out(services(), g.session)
        return sessions.take_back(see_other(f"{HOME}/sign-in"))

    @blp.post("/choose")
    @changed(EVERY_TOKEN)
    def choose(_: Caller) -> Response:
        number = request.form.get("number", "")
        if number.isascii() and number.isdigit() and len(number) < 4:
            sessions.choose(services(), g.session, int(number))
        return see_other(HOME)

    @blp.get("")
    @seen(_LOOK)
    def home(caller: Caller) -> Response:
        """What somebody has to look at."""
        return console_page(
            "console/attention.html",
            found=attention(services(), caller),
        )

    @blp.get("/transactions")
    @seen(_LOOK)
    def find(caller: Caller) -> Response:
        asked: LookedFor = looked_for(request.args, caller.user)
        rows = []
        if not asked.problem:
            rows = transactions(services(), caller.paywall, asked.values | {"limit": ROWS})
        return console_page(
            "console/transactions.html",
            400 if asked.problem else 200,
            asked=asked,
            rows=rows,
            more=asked.older(rows[-1]["id"]) if len(rows) == ROWS else "",
        )

    @blp.get("/transactions.csv")
    @seen(_LOOK)
    def csv(caller: Caller) -> Response:
        asked = looked_for(request.args, caller.user)
        if asked.problem:
            return problem(400, "This table cannot be made", asked.problem)
        return table(services(), caller, asked.values)

    @blp.get("/transactions/<entry_id>")
    @seen(_LOOK)
    def one(caller: Caller, entry_id: str) -> Response:
        return console_page(
            "console/transaction.html",
            story=story(services(), caller, entry_id),
            said=_SAID.get(request.args.get("said", ""), ""),
            nonce=secrets.token_hex(6),
        )

    @blp.post("/transactions/<entry_id>/decide")
    @changed(ONLY_THE_KEY)
    def decided(caller: Caller, entry_id: str) -> Response:
        happened = request.form.get("happened", "")
        if happened not in ("yes", "no") or request.form.get("sure") != "yes":
            return problem(
                400, "Nothing was changed", "Tick that you have looked it up, and choose one."
            )
        if not decide(services(), caller, entry_id, happened=happened == "yes"):
            return problem(
                409,
                "This was decided before",
                "Somebody else, or an event, has decided this transaction meanwhile. Open it again "
                "to see how.",
            )
        said = "happened" if happened == "yes" else "did_not"
        return see_other(f"{HOME}/transactions/{entry_id}?said={said}")

    @blp.post("/transactions/<entry_id>/refund")
    @changed(Right(("refund",), one_user=False))
    def refund(caller: Caller, entry_id: str) -> Response:
        if request.form.get("sure") != "yes":
            return problem(400, "Nothing was given back", "Tick that it is to be given back now.")
        found = story(services(), caller, entry_id)
        action = by_key("refund")
        if action is None:
            raise LookupError("there is no action called refund")
        sent = {"reference": found.row["reference"], "feature": found.row["feature"]}
        sent |= {name: request.form.get(name, "").strip() for name in ("amount", "reason")}
        if sent["amount"]:
            sent["refund_reference"] = f"console-{request.form.get('nonce', '')[:32]}"
        values = filled(action.input(), {name: value for name, value in sent.items() if value})
        check_maximum(services(), action, values)
        result = run_action(services(), caller, action, values)
        if not result["success"]:
            return problem(200, "Nothing was given back", str(result["message"]))
        return see_other(f"{HOME}/transactions/{entry_id}?said=refunded")

    blp.add_app_template_filter(local, "local")
    webhook_pages.add_to(blp)
    event_pages.add_to(blp)
    connect_pages.add_to(blp)
    day_pages.add_to(blp)
    return blp


def _nothing(_: Caller) -> Response:
    return Response()


def _is_https() -> bool:
    return (services().settings.public_url or "").startswith("https://") or request.is_secure
