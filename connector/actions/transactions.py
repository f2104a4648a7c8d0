"""Find Transaction: what became of a charge or deposit, by its reference, its user or its state."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, ValidationError, validates_schema

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Values, action
from connector.catalog.fields import (
    PAGE_MAX,
    USER_MAX,
    Amount,
    Count,
    Flag,
    Identifier,
    Text,
    UserId,
)
from connector.catalog.log_fields import Moment, one_of
from connector.catalog.references import REFERENCE_MAX

STATES = ("done", "refused", "in_doubt", "unknown")


class TransactionsInput(Input):
    reference = Identifier(
        "Reference",
        "The reference that was charged, used, refunded or deposited. Leave it empty to see all.",
        example="order-1001",
        max_length=REFERENCE_MAX,
    )
    begins = Identifier(
        "Reference Begins With",
        "Only those whose reference begins like this, in the order of their references; no more "
        "than 1,000 are looked at.",
        example="order-",
        max_length=REFERENCE_MAX,
        in_forms=False,
    )
    user = UserId("User ID", "Only those of this user.", example="user_42", max_length=USER_MAX)
    state = Identifier(
        "State",
        "Only those that are done, refused, in_doubt (not decided yet) or unknown (nobody can "
        "tell).",
        example="done",
        max_length=16,
        validate=one_of("State", STATES),
    )
    since = Moment("Since", "Only from this time on.", example="2026-01-01T00:00:00Z")
    until = Moment("Until", "Only before this time.", example="2036-01-01T00:00:00Z")
    before = Identifier(
        "Before",
        "Only older ones than this transaction: the id of the last one that you have.",
        example="led_3ac4170b2f6e",
        max_length=32,
    )
    limit = Count("Limit", "How many at most.", example=25, low=1, high=PAGE_MAX)

    @validates_schema
    def _a_beginning_has_no_pages(self, values: Values, **_: Any) -> None:
        if "begins" in values and "before" in values:
            raise ValidationError(
                "What begins alike is not cut into pages: leave “Before” out, and write more of "
                "the reference into “Reference Begins With”.",
                "before",
            )


class Transaction(Schema):
    id = Text("Transaction", "The transaction's id.", example="led_3ac4170b2f6e")
    action = Text("Action", "What was asked for: charge, use, refund or deposit.", example="charge")
    reference = Text("Reference", "What it was for.", example="order-1001")
    user = Text("User ID", "Whose balance it was about.", example="user_42")
    amount = Amount("Amount", "The amount that was asked for.", example="0.5")
    feature = Text("Feature", "The feature that was used, or empty.", example="pdf-parse")
    happened = Flag("Went Through", "Yes when the money was moved.", example=True)
    state = Text("State", "Whether it is done, refused, in_doubt or unknown.", example="done")
    result = Text("Result", "How it ended, in one word, or empty.", example="charged")
    explanation = Text(
        "Explanation", "How it ended, in a sentence.", example="The charge went through."
    )
    description = Text(
        "Description", "The note that was sent with it, or empty.", example="One image"
    )
    created_at = Text(
        "Created At", "When it was asked for first.", example="2026-01-31T12:00:00.000Z"
    )
    updated_at = Text("Updated At", "When it changed last.", example="2026-01-31T12:00:01.000Z")


@action(
    key="transactions",
    label="Find Transaction",
    sentence="Finds charges, refunds and deposits, and tells whether they went through.",
    kind=Kind.SEARCH,
    input=TransactionsInput,
    output=Transaction,
    outcomes={},
    many=True,
    stored=True,
)
def transactions(call: Call, values: Values) -> Values:
    """`{"items": […]}`: the transactions of the caller's paywall that fit, the newest first."""
    return {"items": call.transactions(values)}
