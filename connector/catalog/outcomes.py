"""The outcomes that several actions publish, and what they mean to a builder."""

from __future__ import annotations

AUTHORIZATION_REQUIRED = "authorization_required"
TOPUP_REQUIRED = "topup_required"
DECLINED = "declined"
UNKNOWN = "unknown"
"""Of an exactly-once action that nobody can tell whether it happened."""

MEANINGS = {
    AUTHORIZATION_REQUIRED: "The user must first allow this paywall to charge them: send them the "
    "Action Link.",
    TOPUP_REQUIRED: "The user has too little balance: send them the Action Link.",
    DECLINED: "The charge was refused for another reason: show the user the Message.",
}
"""Why a charge was refused."""
