"""What the routes work with, and the budget of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import current_app
from flask.globals import app_ctx

from connector.api.rate_limits import RateLimits
from connector.api.write_probe import WriteProbe
from connector.chats.at_most_once import Chats
from connector.config.settings import Settings
from connector.deadline import Deadline
from connector.inbound.readiness import Readiness
from connector.inbound.receiver import Inbound
from connector.pricing.rules import Features
from connector.security.admission import Admission
from connector.security.callback_secrets import CallbackSecrets
from connector.security.encryption import Encryption
from connector.security.identity import Identity
from connector.security.tokens import Tokens
from connector.store import Store
from connector.triggers.hooks import Hooks
from connector.triggers.push_client import PushClient
from connector.upstream import Client, Upstream

BUDGET_SECONDS = 24.0
"""Zapier gives up after 30 s; an action answers within 25 s, whatever upstream does."""

_NAME = "paywalls-connector"


@dataclass(frozen=True)
class Services:
    """The parts of one process that routes work with, joined in `connector.app`."""

    settings: Settings
    store: Store
    identity: Identity
    admission: Admission
    client: Client
    encryption: Encryption = field(repr=False)
    rate_limits: RateLimits = field(repr=False)
    readiness: Readiness = field(repr=False)
    write_probe: WriteProbe = field(repr=False)
    inbound: Inbound = field(repr=False)
    hooks: Hooks = field(repr=False)
    tokens: Tokens = field(repr=False)
    features: Features = field(repr=False)
    chats: Chats = field(repr=False)
    push_client: PushClient = field(repr=False)
    callback_secrets: CallbackSecrets = field(repr=False)


def attach(services: Services) -> None:
    """Make `services` those of the current app."""
    current_app.extensions[_NAME] = services


def services() -> Services:
    """The current app's services."""
    return cast(Services, current_app.extensions[_NAME])


def deadline() -> Deadline:
    """The current request's deadline, counted from its first look at it."""
    notes = app_ctx.g
    if "deadline" not in notes:
        notes.deadline = Deadline(BUDGET_SECONDS)
    return cast(Deadline, notes.deadline)


def upstream(key: str) -> Upstream:
    """The caller's conversation with the billing API, within the request's budget."""
    return Upstream(services().client, key, deadline())
