"""The outcomes that several actions publish, and what they mean to a builder."""

from __future__ import annotations

AUTHORIZATION_REQUIRED = "authorization_required"
TOPUP_REQUIRED = "topup_required"
DECLINED = "declined"
FREE = "free"
"""Of an exactly-once action whose price was nothing."""
UNKNOWN = "unknown"
"""Of an exactly-once action that nobody can tell whether it happened."""

ANSWERED = "answered"
PENDING = "pending"
"""Of a chat whose answer is still being written, or goes to a callback address."""

REFUNDED = "refunded"
"""Of a refund that went through; and of a charge that was given back whole since."""
NOTHING_TO_REFUND = "nothing_to_refund"
GOES_ON = (NOTHING_TO_REFUND,)
"""With these `success` is false, and a flow goes on all the same: nothing has to be done."""

QUOTA_REACHED = "quota_reached"
CAP_REACHED = "cap_reached"

LIMITS = {
    QUOTA_REACHED: "The free uses of today are used up, and more are not sold: show the user the "
    "Message.",
    CAP_REACHED: "This would be more than may be spent today: show the user the Message.",
}
"""Why a feature cannot be used any more today."""

MEANINGS = {
    AUTHORIZATION_REQUIRED: "The user must first allow this paywall to charge them: send them the "
    "Action Link.",
    TOPUP_REQUIRED: "The user has too little balance: send them the Action Link.",
    DECLINED: "The charge was refused for another reason: show the user the Message.",
}
"""Why a charge was refused."""

GIVEN_BACK = {
    REFUNDED: "This was charged before and given back since, so nothing is charged now: take a new "
    "reference for a new purchase.",
}
"""Why a reference that was charged is not answered as charged any more."""

REFUSED = {
    AUTHORIZATION_REQUIRED: "User {user} has not allowed charges yet",
    TOPUP_REQUIRED: "User {user} has too little balance for {what}",
    QUOTA_REACHED: "User {user} has used up what is free today",
    CAP_REACHED: "User {user} has reached the limit of today",
    REFUNDED: "What user {user} paid under this reference was given back since, so nothing is "
    "charged now. Take a new reference for a new purchase",
    DECLINED: "Paywalls declined to charge user {user} for {what}, and said: {message}",
}
"""The same, told to the builder who watches a flow stop: `{user}` as it was sent, `{what}` the
amount or "an answer". The action's own `{message}` is for the user; why somebody was declined only
it can say."""
THE_LINK = "Send them this link:"
ANSWER_PRICE = "an answer"
"""What is paid for where no amount is sent."""
