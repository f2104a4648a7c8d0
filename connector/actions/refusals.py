"""Why a charge was refused: the outcome and the link, asked of upstream instead of read from words.

The owner of a paywall can customise the wording of a refusal, so only the links in it count. Costs
two to three questions upstream, on refusals only.
"""

from __future__ import annotations

import re
from decimal import Decimal

from connector.catalog.outcomes import AUTHORIZATION_REQUIRED, DECLINED, TOPUP_REQUIRED
from connector.errors import ConnectorError, StillInDoubt, StoredRefusal
from connector.money import number_in
from connector.upstream import Upstream

_ASK_AGAIN = (
    "It is not known yet whether this went through, and Paywalls cannot tell right now. Send the "
    "same again, with the same reference: it will not count twice."
)
_LINK = re.compile(r"https?://[^\s<>\"'`]+")
_ENDS = ".,;:!?)]}>*_”’»。，、！？；：）】」…"


def links_in(message: str) -> set[str]:
    """The links in a text, each as it stands and without the punctuation behind it."""
    raw_links = _LINK.findall(message)
    return {link for raw in raw_links for link in (raw, raw.rstrip(_ENDS))}


def explain(upstream: Upstream, user: str, message: str, amount: Decimal | None) -> tuple[str, str]:
    """The outcome and the link to open (or "") for a refusal of `amount` (None: anything above 0).

    A link in the message that is the user's connect or top-up link decides; else who is not
    connected must authorize; else who has enough was declined; else a top-up is needed. If
    upstream cannot be asked: declined, with the link of the message if it holds just one.
    """
    links = links_in(message)
    try:
        connection = upstream.connection(user)
        if connection.url and connection.url in links:
            return AUTHORIZATION_REQUIRED, connection.url
        if links:
            topup = upstream.topup_link(user)
            if topup in links:
                return TOPUP_REQUIRED, topup
        if not connection.connected:
            return AUTHORIZATION_REQUIRED, connection.url
        balance = number_in(upstream.balance(user).formatted)
        if balance is not None and (balance > 0 if amount is None else balance >= amount):
            return DECLINED, ""
        return TOPUP_REQUIRED, topup if links else upstream.topup_link(user)
    except ConnectorError:
        alone = {link.rstrip(_ENDS) for link in links}
        return DECLINED, alone.pop() if len(alone) == 1 else ""


def shortfall(upstream: Upstream, user: str, amount: Decimal) -> tuple[str, str] | None:
    """The outcome and the link to open if the user could not pay an amount now; None if they could,
    or it cannot be told. Takes nothing. Raises what the client raises."""
    connection = upstream.connection(user)
    if not connection.connected:
        return AUTHORIZATION_REQUIRED, connection.url
    balance = number_in(upstream.balance(user).formatted)
    if balance is not None and balance < amount:
        return TOPUP_REQUIRED, upstream.topup_link(user)
    return None


def doubt_a_refusal(upstream: Upstream, user: str, amount: Decimal) -> None:
    """Whether a "no" to a charge that was in doubt may be told to the user.

    Returns where the user cannot pay now, so that the "no" holds. Raises StoredRefusal where the
    user is connected and has enough: then upstream only repeated what it had said before; and
    StillInDoubt where upstream cannot be asked.
    """
    try:
        if not upstream.connection(user).connected:
            return
        balance = number_in(upstream.balance(user).formatted)
    except ConnectorError:
        raise StillInDoubt(_ASK_AGAIN, retry_after=5) from None
    if balance is not None and balance >= amount:
        raise StoredRefusal(_ASK_AGAIN)
