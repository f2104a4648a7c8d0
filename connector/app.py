"""Joining the parts: the only place where all of them meet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import stamina
from flask import Flask
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from connector import __version__, actions
from connector.api import (
    action_routes,
    addresses,
    attention_routes,
    body_limits,
    callback_routes,
    delivery_routes,
    docs_routes,
    feature_routes,
    health_routes,
    hook_routes,
    inbound_routes,
    openai_routes,
    request_log,
    responses,
    settings_routes,
    sum_routes,
    token_routes,
    transaction_csv,
    transaction_routes,
    trigger_routes,
)
from connector.api.openapi import Problem
from connector.api.rate_limits import RateLimits
from connector.api.services import Services, attach, services
from connector.api.write_probe import WriteProbe
from connector.chats.at_most_once import Chats
from connector.config.settings import Settings
from connector.console import assets, console_pages, guide_pages, landing, spec_pages
from connector.inbound.background import Background
from connector.inbound.endpoints import Endpoints
from connector.inbound.housekeeping import Housekeeper
from connector.inbound.readiness import Readiness
from connector.inbound.receiver import Inbound
from connector.inbound.reconcile import Reconcile
from connector.inbound.subscriptions import Subscriptions
from connector.mcp import routes as mcp_routes
from connector.pricing.rules import Features
from connector.security.admission import Admission
from connector.security.callback_secrets import CallbackSecrets
from connector.security.encryption import Encryption
from connector.security.identity import Identity
from connector.security.tokens import Tokens
from connector.store import Store, make_engine
from connector.telemetry.logs import register_secret
from connector.triggers.callbacks import CallbackWorker
from connector.triggers.delivery import DeliveryWorker
from connector.triggers.hooks import Hooks
from connector.triggers.push_client import PushClient
from connector.upstream import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import BaseTransport


_THREADS = "paywalls-connector-threads"


@dataclass(frozen=True)
class Threads:
    """What runs beside the requests; no route uses it."""

    store: Store
    delivery: DeliveryWorker
    callbacks: CallbackWorker
    housekeeper: Housekeeper
    background: Background
    chats: Chats

    def start_worker(self) -> None:
        """Begin to send what the outbox holds, and to look after everything else."""
        self.delivery.start()
        self.callbacks.start()
        self.housekeeper.start()

    def wind_down(self) -> None:
        """The process is being stopped: whoever waits for a long answer is let go in time."""
        self.chats.wind_down()

    def stop(self) -> None:
        """Finish what is under way, then let go of the database."""
        self.delivery.wind_down()  # what the worker is at may take a minute
        self.callbacks.wind_down()
        self.housekeeper.stop()
        self.delivery.stop()
        self.callbacks.stop()
        self.background.close()
        self.chats.stop()  # which may take as long as the process may live
        self.store.close()


class _App(Flask):
    """Flask without asking of every view and hook, at every request, whether it is a coroutine:
    none of ours is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


class _Api(Api):  # type: ignore[misc]
    """flask-smorest without its own errors and its own documentation routes."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        pass


def create_app(settings: Settings, *, transport: BaseTransport | None = None) -> Flask:
    """The WSGI app for these settings; the database is expected to be migrated.

    `transport` replaces the network to upstream, for tests.
    """
    for secret in settings.secret_keys:
        register_secret(secret)
    actions.load()
    stamina.instrumentation.set_on_retry_hooks(())  # metrics count upstream's answers already
    app = _App("connector", static_folder=None)
    app.config.update(
        API_TITLE="Paywalls Connector",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        PROPAGATE_EXCEPTIONS=False,
    )
    with app.app_context():
        services, app.extensions[_THREADS] = _joined(settings, transport)
        attach(services)
    request_log.install(app)
    body_limits.install(app)
    addresses.install(app)
    responses.install(app)
    landing.install(app)
    api = _Api(app)
    api.register_blueprint(action_routes.blueprint())
    api.register_blueprint(transaction_csv.blueprint())
    api.register_blueprint(transaction_routes.blueprint())
    api.register_blueprint(attention_routes.blueprint())
    api.register_blueprint(sum_routes.blueprint())
    api.register_blueprint(trigger_routes.blueprint())
    api.register_blueprint(hook_routes.blueprint())
    api.register_blueprint(delivery_routes.blueprint())
    api.register_blueprint(token_routes.blueprint())
    api.register_blueprint(feature_routes.blueprint())
    api.register_blueprint(settings_routes.blueprint())
    api.register_blueprint(callback_routes.blueprint())
    app.register_blueprint(inbound_routes.blueprint())
    app.register_blueprint(openai_routes.blueprint())
    app.register_blueprint(mcp_routes.blueprint())
    app.register_blueprint(health_routes.blueprint())
    app.register_blueprint(docs_routes.blueprint(api))
    app.register_blueprint(spec_pages.blueprint())
    app.register_blueprint(landing.blueprint())
    app.register_blueprint(guide_pages.blueprint())
    app.register_blueprint(assets.blueprint())
    app.register_blueprint(console_pages.blueprint())
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    return app


def start_worker(app: Flask) -> None:
    """Begin to send what the outbox holds, and to look after everything else, in this process."""
    threads(app).start_worker()


def stop(app: Flask) -> None:
    """Finish what the threads of this process have under way, then let go of the database."""
    threads(app).stop()


def wind_down(app: Flask) -> None:
    """The process of `app` is being stopped: let nobody wait until it is killed."""
    threads(app).wind_down()


def key_accepted(app: Flask) -> Callable[[str], bool]:
    """Tells of a key whether upstream has accepted it in this process lately."""
    with app.app_context():
        return services().rate_limits.is_proven


def threads(app: Flask) -> Threads:
    """What runs beside the requests of `app`."""
    return cast(Threads, app.extensions[_THREADS])


def _joined(settings: Settings, transport: BaseTransport | None) -> tuple[Services, Threads]:
    """The parts of one process; their threads start when they are first used."""
    store = Store(make_engine(settings.database_url, settings.database_pool))
    client = Client(
        settings.upstream_url, transport, settings.openai_idle, sandbox=settings.sandbox
    )
    identity = Identity(store, settings.secret_keys)
    endpoints = Endpoints(settings.secret_keys, settings.public_url)
    encryption = Encryption(settings.secret_keys)
    push_client = PushClient(settings.allowed_targets)
    delivery = DeliveryWorker(store, settings, encryption, push_client)
    callback_secrets = CallbackSecrets(settings.secret_keys)
    chats = Chats(store, encryption, settings.threads, settings.graceful_seconds)
    callbacks = CallbackWorker(
        store,
        encryption,
        callback_secrets,
        push_client,
        settings.retry_schedule,
        chats.give_up_abandoned,
    )
    chats.on_push(callbacks.wake)
    reconcile = Reconcile(store, settings.event_retention_days, delivery.wake)
    subscriptions = Subscriptions(settings, store, identity, endpoints, encryption)
    admission = Admission(
        settings.allowed_paywalls, identity, subscriptions, reachable=bool(settings.public_url)
    )
    background = Background()
    housekeeper = Housekeeper(
        settings, store, client, subscriptions, reconcile, encryption, delivery.wake
    )
    services = Services(
        settings=settings,
        store=store,
        identity=identity,
        admission=admission,
        client=client,
        encryption=encryption,
        rate_limits=RateLimits(settings.rate_limit, settings.redis_url),
        write_probe=WriteProbe(store),
        inbound=Inbound(store, endpoints, settings.event_retention_days, delivery.wake),
        hooks=Hooks(store, encryption, push_client, settings.hooks_per_paywall, delivery.wake),
        features=Features(store),
        chats=chats,
        push_client=push_client,
        callback_secrets=callback_secrets,
        tokens=Tokens(store, encryption, settings.secret_keys, keep_keys=settings.keep_keys),
        readiness=Readiness(
            settings, identity, admission, client, subscriptions, reconcile, background
        ),
    )
    return services, Threads(store, delivery, callbacks, housekeeper, background, chats)
