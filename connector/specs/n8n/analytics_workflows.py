"""The ready-made workflow that sends every event to PostHog.

Source: https://posthog.com/docs/api/capture, https://posthog.com/docs/data/ingestion-warnings
"""

from __future__ import annotations

from connector.catalog.events import ANY_EVENT, EVENTS
from connector.specs.n8n.workflow_actions import HTTP, Variant, set_up
from connector.specs.n8n.workflow_parts import Workflow, unseen

POSTHOG = "https://us.i.posthog.com"
PROJECT_KEY = "phc_your_project_key"
"""What a builder replaces; PostHog's project keys can only send, and stand in every web page."""
_AMOUNTS = sorted({field.key for e in EVENTS for field in e.fields if field.type == "amount"})
_UUID = (
    "={{ /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test($json.id) ? $json.id : "
    "$json.id.hash('sha256')"
    ".replace(/^(.{8})(.{4})(.{3})(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5') }}"
)
"""The event's id where it is a UUID, else one made of it: PostHog drops what has another."""
_PROPERTIES = (
    "={{ Object.fromEntries(Object.entries($json)"
    ".filter(([name]) => name !== 'payload_json')"
    f".map(([name, value]) => [name, {_AMOUNTS}.includes(name) && value !== '' ? Number(value) "
    ": value])"
    ".concat([['$geoip_disable', true], ['$process_person_profile', !!$json.user]])) }}"
)
"""The event's fields, sums as numbers that PostHog can add up. A server is nowhere on the map, and
what has no user makes no person."""

BATCH = {"batchSize": 10, "batchInterval": 200}
"""n8n sends all items at once otherwise: a hundred at a time is more than some networks take."""


def posthog(key: str, variant: Variant) -> Workflow:
    """Tells PostHog of everything that happens, each event once."""
    flow = Workflow(key, "Events to PostHog")
    set_up(
        flow,
        variant,
        "Everything that happens in your paywall becomes an event in PostHog, of the user as you "
        "name them. In *Send to PostHog* put your project's key (`phc_…`, under *Project "
        "settings*) in place of `phc_your_project_key`; in the EU the address begins with "
        "`https://eu.i.posthog.com`. An event that comes twice has the same `uuid`, by which "
        "PostHog counts it once. A test run sends a made-up event of `customer-42`.",
    )
    steps = variant.events(
        flow,
        ANY_EVENT,
        trigger="Any Event",
        column=2,
        request="Newest Events",
        minutes=1,
        query="?limit=100",
    )
    if variant.http:
        steps.append(unseen(flow, "Not Sent Yet", (2, 0), "={{ $json.id }}"))
    flow.row(*steps, _capture(flow, (3, 0)))
    return flow


def _capture(flow: Workflow, at: tuple[float, float]) -> str:
    body = {
        "api_key": PROJECT_KEY,
        "event": "={{ $json.type }}",
        "distinct_id": "={{ $json.user || 'paywall-' + $json.paywall_id }}",
        "timestamp": "={{ $json.created_at }}",
        "uuid": _UUID,
        "properties": _PROPERTIES,
    }
    return flow.add(
        "Send to PostHog",
        HTTP,
        4.2,
        at,
        {
            "method": "POST",
            "url": f"{POSTHOG}/i/v0/e/",
            "sendBody": True,
            "specifyBody": "keypair",
            "bodyParameters": {"parameters": [{"name": n, "value": v} for n, v in body.items()]},
            "options": {"timeout": 10_000, "batching": {"batch": BATCH}},
        },
        retryOnFail=True,
        maxTries=3,
        waitBetweenTries=2000,
    )
