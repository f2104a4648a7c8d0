"""The payload fields that events carry, each described once.

A field that several events share is one constant here, so that it has the same words everywhere.
Names are those of the `webhooks` section of the Paywalls.ai OpenAPI document, but for those of
the connector's own events.
"""

import re
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["text", "amount", "integer", "date", "url", "list"]


@dataclass(frozen=True, slots=True)
class Field:
    """One payload field: its upstream `name` (camelCase), its words, its type and a sample.

    The sample of an `amount` is a decimal string, of a `list` a tuple of texts,
    of a `date` a day written 2025-11-20.
    """

    name: str
    label: str
    type: FieldType
    sample: str | int | tuple[str, ...]

    @property
    def key(self) -> str:
        """The name in snake_case, as builders see it: `walletUserId` gives `wallet_user_id`."""
        return re.sub(r"(?<!^)([A-Z])", r"_\1", self.name).lower()


PAYWALL_ID = Field("paywallId", "Paywall ID", "text", "pw_2fd81c")
OWNER_USER_ID = Field("ownerUserId", "Owner ID", "text", "owner_7d1e")
WALLET_USER_ID = Field("walletUserId", "Wallet ID", "text", "wallet_58c1f0")
EXTERNAL_USER_ID = Field("externalUserId", "User ID", "text", "customer-42")

AMOUNT = Field("amount", "Amount", "amount", "4.50")
CURRENCY = Field("currency", "Currency", "text", "USD")
SOURCE = Field("source", "Source", "text", "stripe.checkout")
COST = Field("cost", "Cost", "amount", "0.0125")
CREDITS = Field("credits", "Credits", "amount", "5")
PROCESSING_FEE = Field("processingFeeAmount", "Processing Fee", "amount", "0.15")
REQUESTED_AMOUNT = Field("requestedAmount", "Requested Amount", "amount", "4.50")
AVAILABLE_BALANCE = Field("availableBalance", "Available Balance", "amount", "1.20")

ACTIVITY_ID = Field("activityId", "Activity ID", "text", "act_6b90d2")
REQUEST_ID = Field("requestId", "Request ID", "text", "req_3ac417")
DEFERRED_REQUEST_ID = Field("deferredRequestId", "Deferred Request ID", "text", "req_3ac417")
CONNECTION_ID = Field("connectionId", "Connection ID", "text", "conn_91be05")
CHECKOUT_SESSION_ID = Field("checkoutSessionId", "Checkout Session ID", "text", "cs_e07f33")
SETTLEMENT_REFERENCE = Field(
    "settlementReference", "Settlement Reference", "text", "settlement_2025_11_20"
)

APPROVAL_URL = Field(
    "approvalUrl", "Approval Link", "url", "https://paywalls.example/authorize/req_3ac417"
)
REDIRECT_URL = Field(
    "redirectUrl", "Top-Up Link", "url", "https://paywalls.example/checkout/cs_e07f33"
)
MODE = Field("mode", "Mode", "text", "live")
REASON = Field("reason", "Reason", "text", "authorization_required")
ERROR_CODE = Field("errorCode", "Error Code", "text", "insufficient_funds")

MODEL = Field("model", "Model", "text", "gpt-4o-mini")
PROMPT_TOKENS = Field("promptTokens", "Prompt Tokens", "integer", 640)
COMPLETION_TOKENS = Field("completionTokens", "Completion Tokens", "integer", 210)
LIMIT = Field("limit", "Limit", "integer", 100)
DATE = Field("date", "Date", "date", "2025-11-20")

CHANGED_FIELDS = Field("changedFields", "Changed Settings", "list", ("pricing.mode", "name"))
SUMMARY_SECTIONS = Field(
    "summarySections", "What Changed", "list", ("Pricing is now per request", "New name: Lingo")
)
SECRET_LAST_FOUR = Field("secretLastFour", "Last Four of the New Key", "text", "a41c")
ACTOR_ID = Field("actorId", "Changed By", "text", "owner_7d1e")
ACTOR_TYPE = Field("actorType", "Changed By (Kind)", "text", "user")
INTEGRATION_KEY = Field("integrationKey", "Integration", "text", "posthog")
ENABLED_BY = Field("enabledBy", "Turned On By", "text", "owner_7d1e")
DISABLED_BY = Field("disabledBy", "Turned Off By", "text", "owner_7d1e")
WEBHOOK_ID = Field("webhookId", "Stripe Webhook ID", "text", "we_5f2a")
URL = Field("url", "Webhook Address", "url", "https://paywalls.example/stripe/5f2a")
SECRET_SUFFIX = Field("secretSuffix", "End of the New Secret", "text", "d07b")

# Those of the connector's own events.
CAUSE = Field("cause", "What Happened", "text", "charge_in_doubt")
MESSAGE = Field(
    "message",
    "Message",
    "text",
    "For an hour nobody has known whether “order-1001” of customer-42 went through.",
)
REFERENCE = Field("reference", "Reference", "text", "order-1001")
TRANSACTION_ID = Field("transactionId", "Transaction ID", "text", "6f0d2c51")
CONSOLE_URL = Field("consoleUrl", "Console Link", "url", "https://connector.example/console")
