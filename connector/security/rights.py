"""What a connector token may do: the names that its maker picks from, and what they open."""

from __future__ import annotations

from collections.abc import Iterable

from connector.catalog.actions import actions
from connector.errors import InvalidField, quoted

OPENAI, TRIGGERS, VIEW = "openai", "triggers", "view"
_ALWAYS = "me"
UNLESS_NAMED = ("charge", "use", "usage", "balance", "topup_link", "connection", "models")
_CREDITS = ("deposit", "refund")
_UNKNOWN_PRICE = ("chat", OPENAI)


def known() -> tuple[str, ...]:
    """All names, in the order in which they are told."""
    named = [action.key for action in actions() if action.key != _ALWAYS]
    return (*named, OPENAI, TRIGGERS, VIEW)


def unless_named() -> tuple[str, ...]:
    """What a token may do whose maker named nothing."""
    return tuple(name for name in known() if name in UNLESS_NAMED)


def parsed(text: str) -> tuple[str, ...]:
    """Names separated by commas, each once; nothing named means the usual ones.

    Raises InvalidField for a name that is not known.
    """
    asked = [part.strip().replace("-", "_").casefold() for part in text.split(",") if part.strip()]
    for name in asked:
        if name not in (*known(), _ALWAYS):
            raise InvalidField(
                f"“{quoted(name)}” is nothing that a token can be allowed to do. "
                f"The names are: {', '.join(known())}.",
                field="actions",
            )
    return tuple(name for name in known() if name in asked) if asked else unless_named()


def check(names: Iterable[str], *, user: str, has_daily_limit: bool) -> None:
    """Raises InvalidField for what must not go together."""
    chosen = set(names)
    credits = sorted(chosen & set(_CREDITS))
    if user and credits:
        raise InvalidField(
            f"A token of one user cannot have {' or '.join(credits)}: whoever holds it could give "
            "themselves money. Leave the user away, or take that out of the actions.",
            field="actions",
        )
    unpriced = sorted(chosen & set(_UNKNOWN_PRICE))
    if has_daily_limit and unpriced:
        raise InvalidField(
            f"A token with a limit per day cannot have {' or '.join(unpriced)}, whose price is not "
            "known before. Leave the limit away, or take that out of the actions.",
            field="actions",
        )


def allows(names: Iterable[str], any_of: Iterable[str]) -> bool:
    """Whether a token with these names may do what one of `any_of` opens."""
    wanted = set(any_of)
    return _ALWAYS in wanted or bool(wanted & set(names))


def told(names: Iterable[str]) -> str:
    """What a token may do, for people."""
    return ", ".join(names) or _ALWAYS
