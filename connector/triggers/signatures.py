"""Signing pushes by Standard Webhooks, so that receivers can tell them from anybody else's.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import secrets as randomness
from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook


def new_secret() -> str:
    """A secret for a hook, `whsec_…`; its owner sees it once."""
    return "whsec_" + base64.b64encode(randomness.token_bytes(32)).decode()


def headers(
    delivery_id: str, secrets: Sequence[str], body: bytes, moment: datetime
) -> dict[str, str]:
    """The three headers of a push that is sent at `moment`, signed with each of these secrets; the
    id stays the same when it is repeated."""
    signed = [Webhook(secret).sign(delivery_id, moment, body.decode()) for secret in secrets]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signed),
    }
