"""Every event that Paywalls.ai sends, and those of the connector itself, one row each.

From these rows come the triggers, their words, their fields and their samples.
A new event is one new row in `EVENTS`; a field nobody has yet is one constant in `event_fields`.
What starts most flows stands first: every platform shows the events in this order. A test compares
those of Paywalls.ai with the `webhooks` section of its OpenAPI document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connector.brands import PAYWALLS
from connector.catalog import event_fields as f
from connector.catalog.event_fields import Field

OWN_PREFIX = "connector."
"""What the types of the connector's own events begin with; none of upstream's is written so."""
ATTENTION_NEEDED = f"{OWN_PREFIX}attention_needed"


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of event: upstream `type` (as `brands.canonical` writes it), words for builders, and
    what its payload holds.

    `own_fields` are the fields beyond the paywall's and its owner's id, which every event of
    upstream has; those of the connector do not know the owner.
    `of_interest` is False for what rarely starts a flow: settings, integrations, proxy internals.
    """

    type: str
    label: str
    sentence: str
    own_fields: tuple[Field, ...]
    of_interest: bool = True

    @property
    def key(self) -> str:
        """The trigger's key: `paywall.balance.depleted` gives `balance_depleted`."""
        bare = self.type.removeprefix(PAYWALLS.event_prefix).removeprefix(OWN_PREFIX)
        return bare.replace(".", "_")

    @property
    def is_own(self) -> bool:
        """Whether the connector makes it, not upstream."""
        return self.type.startswith(OWN_PREFIX)

    @property
    def fields(self) -> tuple[Field, ...]:
        """All payload fields, the shared ones first."""
        shared = (f.PAYWALL_ID,) if self.is_own else (f.PAYWALL_ID, f.OWNER_USER_ID)
        return (*shared, *self.own_fields)

    @property
    def sample(self) -> dict[str, str | int | list[str]]:
        """Sample payload as builders see it: snake_case keys, amounts as decimal strings."""
        return {field.key: _plain(field) for field in self.fields}

    @property
    def upstream_sample(self) -> dict[str, str | int | float | list[str]]:
        """Sample payload as upstream sends it: camelCase names, amounts as JSON numbers."""
        return {
            field.name: float(str(field.sample)) if field.type == "amount" else _plain(field)
            for field in self.fields
        }


def _plain(field: Field) -> str | int | list[str]:
    return list(field.sample) if isinstance(field.sample, tuple) else field.sample


EVENTS: tuple[Event, ...] = (
    Event(
        "paywall.balance.charge.created",
        "Charge Created",
        "Triggers when an amount is taken from a user's balance.",
        (f.WALLET_USER_ID, f.ACTIVITY_ID, f.AMOUNT, f.PROCESSING_FEE),
    ),
    Event(
        "paywall.balance.charge.failed",
        "Charge Failed",
        "Triggers when a user could not be charged.",
        (f.WALLET_USER_ID, f.ACTIVITY_ID, f.AMOUNT, f.ERROR_CODE),
    ),
    Event(
        "paywall.balance.depleted",
        "Balance Depleted",
        "Triggers when a user has too little balance left for a charge.",
        (f.WALLET_USER_ID, f.REQUESTED_AMOUNT, f.AVAILABLE_BALANCE),
    ),
    Event(
        "paywall.balance.deposit.created",
        "Deposit Received",
        "Triggers when credits are added to a user's balance.",
        (f.WALLET_USER_ID, f.EXTERNAL_USER_ID, f.AMOUNT, f.CURRENCY, f.SOURCE, f.ACTIVITY_ID),
    ),
    Event(
        "paywall.authorization.completed",
        "Authorization Completed",
        "Triggers when a user allows charges.",
        (f.EXTERNAL_USER_ID, f.WALLET_USER_ID, f.CONNECTION_ID),
    ),
    Event(
        "paywall.stripe.checkout.session.completed",
        "Stripe Payment Completed",
        "Triggers when a user finishes paying on a Stripe page.",
        (f.CHECKOUT_SESSION_ID, f.AMOUNT, f.CURRENCY, f.WALLET_USER_ID),
    ),
    Event(
        "paywall.balance.charge.completed",
        "Charge Completed",
        "Triggers when a charge is settled for good.",
        (f.WALLET_USER_ID, f.ACTIVITY_ID, f.SETTLEMENT_REFERENCE),
    ),
    Event(
        "paywall.usage.charge.created",
        "Usage Charge Created",
        "Triggers when a user pays for what an AI model wrote.",
        (
            f.WALLET_USER_ID,
            f.ACTIVITY_ID,
            f.MODEL,
            f.PROMPT_TOKENS,
            f.COMPLETION_TOKENS,
            f.COST,
        ),
    ),
    Event(
        "paywall.usage.rate.limited",
        "Usage Limit Reached",
        "Triggers when a user has reached the number of requests allowed.",
        (f.LIMIT, f.DATE, f.MODEL, f.WALLET_USER_ID),
    ),
    Event(
        "paywall.request.blocked",
        "Request Blocked",
        "Triggers when a request is stopped because the user must first pay or give permission.",
        (f.WALLET_USER_ID, f.REASON, f.REQUEST_ID),
    ),
    Event(
        "paywall.authorization.revoked",
        "Authorization Revoked",
        "Triggers when a user who had allowed charges is disconnected.",
        (f.EXTERNAL_USER_ID, f.WALLET_USER_ID),
    ),
    Event(
        "paywall.authorization.declined",
        "Authorization Declined",
        "Triggers when a user says no to charges.",
        (f.EXTERNAL_USER_ID, f.WALLET_USER_ID, f.REQUEST_ID, f.REASON),
    ),
    Event(
        "paywall.authorization.requested",
        "Authorization Requested",
        "Triggers when a user is asked to allow charges.",
        (f.EXTERNAL_USER_ID, f.WALLET_USER_ID, f.REQUEST_ID, f.APPROVAL_URL, f.MODE),
    ),
    Event(
        "paywall.balance.topup.link.created",
        "Top-Up Link Created",
        "Triggers when a link is made where a user can add funds.",
        (f.WALLET_USER_ID, f.REDIRECT_URL, f.CHECKOUT_SESSION_ID),
    ),
    Event(
        "paywall.balance.trial.granted",
        "Trial Credits Granted",
        "Triggers when a user is given free credits to start with.",
        (f.WALLET_USER_ID, f.CREDITS, f.ACTIVITY_ID),
    ),
    Event(
        ATTENTION_NEEDED,
        "Attention Needed",
        "Triggers when something needs you, such as a charge nobody is sure of, a webhook that was "
        "switched off, a key that was refused or a limit that stopped somebody.",
        (
            f.CAUSE,
            f.MESSAGE,
            f.EXTERNAL_USER_ID,
            f.REFERENCE,
            f.TRANSACTION_ID,
            f.CONSOLE_URL,
        ),
    ),
    Event(
        "paywall.usage.charge.deferred",
        "Usage Charge Deferred",
        "Triggers when the price of a streamed AI answer will be known only at its end.",
        (f.DEFERRED_REQUEST_ID, f.MODEL),
        of_interest=False,
    ),
    Event(
        "paywall.updated",
        "Paywall Updated",
        "Triggers when settings of the paywall change.",
        (f.CHANGED_FIELDS, f.SUMMARY_SECTIONS),
        of_interest=False,
    ),
    Event(
        "paywall.archived",
        "Paywall Archived",
        "Triggers when the paywall is put into the archive.",
        (f.REASON,),
        of_interest=False,
    ),
    Event(
        "paywall.secret.rotated",
        "Paywall Key Replaced",
        "Triggers when the paywall gets a new secret key.",
        (f.SECRET_LAST_FOUR, f.ACTOR_ID, f.ACTOR_TYPE),
        of_interest=False,
    ),
    Event(
        "paywall.integration.connected",
        "Integration Connected",
        "Triggers when another service is connected to the paywall.",
        (f.INTEGRATION_KEY, f.ENABLED_BY),
        of_interest=False,
    ),
    Event(
        "paywall.integration.disconnected",
        "Integration Disconnected",
        "Triggers when another service is disconnected from the paywall.",
        (f.INTEGRATION_KEY, f.DISABLED_BY),
        of_interest=False,
    ),
    Event(
        "paywall.integration.stripe.webhook.rotated",
        "Stripe Webhook Replaced",
        "Triggers when the paywall's connection to Stripe gets a new address.",
        (f.WEBHOOK_ID, f.URL, f.SECRET_SUFFIX),
        of_interest=False,
    ),
    Event(
        "paywall.proxy.request.started",
        "AI Request Started",
        "Triggers when a request to an AI model arrives.",
        (f.REQUEST_ID, f.WALLET_USER_ID, f.MODEL),
        of_interest=False,
    ),
    Event(
        "paywall.proxy.request.completed",
        "AI Request Completed",
        "Triggers when an AI model has answered a request.",
        (f.REQUEST_ID, f.WALLET_USER_ID, f.MODEL),
        of_interest=False,
    ),
    Event(
        "paywall.proxy.request.failed",
        "AI Request Failed",
        "Triggers when a request to an AI model ends with an error.",
        (f.REQUEST_ID, f.WALLET_USER_ID, f.MODEL, f.ERROR_CODE),
        of_interest=False,
    ),
    Event(
        "paywall.proxy.request.canceled",
        "AI Request Canceled",
        "Triggers when a request to an AI model is given up before its end.",
        (f.REQUEST_ID, f.WALLET_USER_ID, f.MODEL),
        of_interest=False,
    ),
    Event(
        "paywall.proxy.request.blocked",
        "AI Request Blocked",
        "Triggers when a request is stopped before it reaches an AI model.",
        (f.REQUEST_ID, f.WALLET_USER_ID, f.REASON),
        of_interest=False,
    ),
)

ANY_EVENT = "any_event"
"""The key of the trigger that fires for every event."""
UPSTREAM_TYPES = frozenset(event.type for event in EVENTS if not event.is_own)
EVENTS_BY_TYPE: Mapping[str, Event] = MappingProxyType({event.type: event for event in EVENTS})
