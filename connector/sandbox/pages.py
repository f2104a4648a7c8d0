"""The two pages that links open: pay (checkout), and allow charges (authorize)."""

from flask import Blueprint, Response, render_template, request

from connector.sandbox import billing
from connector.sandbox.calls import world
from connector.sandbox.errors import SandboxError
from connector.sandbox.money import formatted, read_amount
from connector.sandbox.world import Link, Scene

blueprint = Blueprint("pages", __name__, template_folder="templates")

PRESETS = ("5.00", "10.00", "25.00", "50.00")


@blueprint.get("/checkout/<link_id>")
def checkout(link_id: str) -> Response:
    """Show the amounts to choose from, or that this link was paid."""
    return _page("checkout.html", _link("checkout", link_id))


@blueprint.post("/checkout/<link_id>")
def pay(link_id: str) -> Response:
    """Credit the form's `amount` (or `other_amount`) to the link's user, once."""
    link = _link("checkout", link_id)
    chosen = request.form.get("other_amount", "").strip() or request.form.get("amount", "")
    try:
        amount = read_amount(chosen)
    except SandboxError:
        return _page("checkout.html", link, 400, problem="Please enter an amount such as 12.50.")
    with link.paywall.lock:
        if not link.outcome:
            billing.pay(_scene(link), link, amount)
    return _page("checkout.html", link)


@blueprint.get("/authorize/<link_id>")
def authorize(link_id: str) -> Response:
    """Ask whether the app may charge the user, or show what was chosen."""
    return _page("authorize.html", _link("authorize", link_id))


@blueprint.post("/authorize/<link_id>")
def decide(link_id: str) -> Response:
    """Take the form's `decision`, allow or decline, once."""
    link = _link("authorize", link_id)
    decision = request.form.get("decision")
    if decision not in ("allow", "decline"):
        return _page("authorize.html", link, 400, problem="Please choose Allow or Decline.")
    with link.paywall.lock:
        if not link.outcome:
            act = billing.allow if decision == "allow" else billing.decline
            act(_scene(link), link)
    return _page("authorize.html", link)


def not_found_page() -> Response:
    """Return the page for a link that is unknown, or was forgotten by a reset or restart."""
    return Response(render_template("gone.html"), 404, mimetype="text/html")


def _link(kind: str, link_id: str) -> Link:
    link = world().links.get(link_id)
    if link is None or link.kind != kind:
        raise SandboxError(404, "This link is not known here.")
    return link


def _scene(link: Link) -> Scene:
    return Scene(world(), link.paywall, f"{request.scheme}://{request.host}")


def _page(template: str, link: Link, status: int = 200, problem: str = "") -> Response:
    page = render_template(
        template,
        user=link.user.id,
        balance=formatted(link.user.balance, link.paywall.shared).replace(
            " ", "\N{NO-BREAK SPACE}"
        ),
        shared=link.paywall.shared,
        outcome=link.outcome,
        presets=PRESETS,
        problem=problem,
    )
    headers = {"Cache-Control": "no-store"}
    return Response(page, status, mimetype="text/html", headers=headers)
