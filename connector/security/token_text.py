"""How a connector token is written: `pwc_`, 30 random letters, and a checksum of them.

The fixed beginning and the checksum let scanners of code and logs find a leaked one, and tell a
misspelled one from one that was revoked without asking the database.
"""

from __future__ import annotations

import re
import secrets
import zlib

PREFIX = "pwc_"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECK = 30, 6
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}")


def new_token() -> str:
    """A token that nobody has: 178 random bits."""
    body = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    return PREFIX + body + _checksum(body)


def is_token(text: str) -> bool:
    """Whether this is meant to be a token and not a Paywalls key."""
    return text.startswith(PREFIX)


def is_whole(text: str) -> bool:
    """Whether every letter of a token is in its place, as far as its checksum tells."""
    if not _FORM.fullmatch(text):
        return False
    body, check = text[len(PREFIX) : -_CHECK], text[-_CHECK:]
    return _checksum(body) == check


def _checksum(body: str) -> str:
    """CRC32 in Base62, six letters, the highest place first."""
    rest, letters = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        rest, place = divmod(rest, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return letters
