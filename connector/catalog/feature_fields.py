"""The fields that tell of a feature: its name, and what is left of it today."""

from __future__ import annotations

from connector.catalog.fields import Amount, Count, Identifier, Text

FEATURE_MAX = 64


def feature_name() -> Identifier:
    """The name of a feature of the caller's paywall."""
    return Identifier(
        "Feature",
        "The name of the feature, as it was set up with its price and its free uses.",
        missing="Fill in “Feature”: the name of the feature that is used.",
        example="pdf-parse",
        max_length=FEATURE_MAX,
        required=True,
    )


def free_left() -> Count:
    """How many uses are free today."""
    return Count("Free Left", "How many more uses are free today.", example=2)


def spent_today() -> Amount:
    """What the user has spent today."""
    return Amount("Spent Today", "What the user has spent on this feature today.", example="0.25")


def cap_left() -> Amount:
    """What may be spent today."""
    return Amount(
        "Cap Left",
        "How much more the user may spend on this feature today; empty when there is no cap.",
        example="2.25",
    )


def resets_at() -> Text:
    """When the next day begins."""
    return Text(
        "Resets At",
        "When the next day begins, and free uses and caps with it.",
        example="2026-01-31T23:00:00.000Z",
    )
