"""Values that a tool lost: what JavaScript, Python and spreadsheets write for "nothing".

Whoever sends `order-undefined` meant another order each time; as a reference it would pay for all
of them once, as a user id everybody would share one wallet.
"""

from __future__ import annotations

import re

_NOTHING = frozenset(("undefined", "null", "None", "NaN"))
"""These spellings only: `none` and `Null` are names."""
_OBJECT = re.compile(r"\[object [A-Za-z]+\]")
_PLACEHOLDER = re.compile(
    r"\$\{[^{}]*\}"  # ${id}
    r"|\{(?:[A-Za-z_$][\w.$ \[\]'\"-]*)?\}"  # {id}, {order.id}, {}
    r"|<[^\W\d][\w. -]*>"  # <your user id>; not <anna@example.com>
)
_GUID = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")
_SHEET_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|NULL!|DIV/0!|NUM!|ERROR!|SPILL!|CALC!)")
_NOT_AVAILABLE = re.compile(r"(?:.*[^\w/])?n/a", re.IGNORECASE | re.DOTALL)
_SEPARATORS = "-_:;#/\\.,=+|~@&*№–—‑·"
_CUT = re.compile(r"[\W_]+")


def lost(text: str) -> bool:
    """Whether `text` is, or ends in, a value that was lost."""
    if _OBJECT.search(text) or _SHEET_ERROR.search(text):
        return True
    if any(not _GUID.fullmatch(found[0]) for found in _PLACEHOLDER.finditer(text)):
        return True
    parts = _parts(text)
    while parts and parts[-1].isdecimal():
        parts.pop()
    return bool(parts) and parts[-1] in _NOTHING


def lost_user(user: str) -> bool:
    """Whether a user id was lost. In an e-mail address `null` is a name."""
    return user in _NOTHING if "@" in user and not _OBJECT.search(user) else lost(user)


def lost_reference(reference: str) -> bool:
    """Whether a reference was lost, or only its beginning is there: words, and a separator with
    nothing behind it. Ids made by machines may end in a separator."""
    text = reference.strip()
    if lost(text) or _NOT_AVAILABLE.fullmatch(text):
        return True
    return (
        text[-1:] in _SEPARATORS
        and all(
            map(
                _written_by_people,
                _parts(text[:-1]),
            )
        )
        and not (text[-1:] == "." and text[-2:-1].isdecimal())
    )


def _parts(text: str) -> list[str]:
    return [part for part in _CUT.split(text) if part]


def _written_by_people(part: str) -> bool:
    """A word or a number, rather than a piece of a random id."""
    if part.isdecimal():
        return True
    return part.isalpha() and (part.isupper() or part[1:] == part[1:].lower())
