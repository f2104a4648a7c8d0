"""References of one user, kept apart from those of the owner and of other users.

A token of one user must neither meet nor learn what others did under the same words.
"""

from __future__ import annotations

import hashlib

LONGEST = 222
"""Letters that a reference in a user's own space may have."""
_SPACE = "\x1f"


def spaced(reference: str, space: str) -> str:
    """The reference as it is kept; `space` is the user whose own it is, "" for the owner's."""
    if not space:
        return reference
    return spaced_beginning(reference) + hashlib.sha256(space.encode()).hexdigest()[:32]


def spaced_beginning(reference: str) -> str:
    """What a kept reference begins with in whichever user's own space it is."""
    return f"{reference}{_SPACE}"


def as_sent(kept: str) -> str:
    """A kept reference as it was sent."""
    return kept.partition(_SPACE)[0]
