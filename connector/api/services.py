"""What the routes work with, and the budget of a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from flask import current_app, g

from connector.admission import Admission
from connector.api.limits import Limits
from connector.background import Background
from connector.config import Settings
from connector.deadline import Deadline
from connector.delivery import Delivery
from connector.hooks import Hooks
from connector.identity import Identity
from connector.inbound import Inbound
from connector.paywalls import Client, Upstream
from connector.readiness import Readiness
from connector.store import Store
from connector.worker import Worker

BUDGET_SECONDS = 24.0
"""Zapier gives up after 30 s; an action answers within 25 s, whatever upstream does."""

_NAME = "paywalls-connector"


@dataclass(frozen=True)
class Services:
    """The parts of one process, joined in `connector.app`."""

    settings: Settings
    store: Store
    identity: Identity
    admission: Admission
    client: Client
    limits: Limits = field(repr=False)
    readiness: Readiness = field(repr=False)
    inbound: Inbound = field(repr=False)
    hooks: Hooks = field(repr=False)
    delivery: Delivery = field(repr=False)
    worker: Worker = field(repr=False)
    background: Background = field(repr=False)


def attach(services: Services) -> None:
    """Make `services` those of the current app."""
    current_app.extensions[_NAME] = services


def services() -> Services:
    """The current app's services."""
    return cast(Services, current_app.extensions[_NAME])


def deadline() -> Deadline:
    """The current request's deadline, counted from its first look at it."""
    if "deadline" not in g:
        g.deadline = Deadline(BUDGET_SECONDS)
    return cast(Deadline, g.deadline)


def upstream(key: str) -> Upstream:
    """The caller's conversation with the billing API, within the request's budget."""
    return Upstream(services().client, key, deadline())
