"""How long a caller can wait for an answer, and where it is sent to if that takes longer."""

from __future__ import annotations

from connector.catalog.fields import Count, Identifier

CALLBACK_MAX = 2_048
WAIT_MAX = 280
WAIT_USUAL = 24


def wait() -> Count:
    """Seconds for which the caller can wait."""
    return Count(
        "Wait",
        f"With a reference: how many seconds to wait for the answer. {WAIT_USUAL} if empty.",
        example=90,
        high=WAIT_MAX,
        in_forms=False,
    )


def callback_url() -> Identifier:
    """Where the answer is pushed to."""
    return Identifier(
        "Callback Address",
        "With a reference: the https address that the answer is sent to when it is there. The call "
        "itself does not wait then.",
        example="https://example.com/answers",
        max_length=CALLBACK_MAX,
        in_forms=False,
    )
